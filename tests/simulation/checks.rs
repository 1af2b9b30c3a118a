//! What has to hold once everybody means well again.

use std::sync::atomic::Ordering;
use std::time::Duration;

use directus_realtime::handover::State;

use crate::world::World;

const IDLE: Duration = Duration::from_secs(120);

impl World {
    pub fn check_convergence(&mut self) -> Result<(), String> {
        let state = self.client.state();
        if state != State::Connected {
            return Err(format!("I1: {state:?} in the end"));
        }
        self.forget(|live| live.mirror.copy.lock().expect("no panic before").refused);
        let links = self.network.links();
        let [link] = links.as_slice() else {
            return Err(format!("I1: {} links in the end", links.len()));
        };
        let there = self.server.subscriptions(*link);
        if there.len() != self.live.len() {
            let text = format!(
                "I1: {} of {} subscriptions are active",
                there.len(),
                self.live.len()
            );
            return Err(text);
        }
        let core = self.client.core.lock().expect("no panic before");
        for live in &self.live {
            let subscription = core.session.registry().get(live.id);
            let wire = subscription
                .and_then(|s| s.wire())
                .map(|wire| wire.to_string());
            let active = subscription.is_some_and(|s| s.is_active());
            if !active || !there.iter().any(|s| Some(&s.wire) == wire.as_ref()) {
                return Err(format!("I1: {} is not active", live.mirror.name));
            }
            let copy = live.mirror.copy.lock().expect("no panic before");
            // What a token's expiry has withheld is made up for by a snapshot.
            let excused = copy.withheld && self.was_revoked;
            let looks = live.mirror.exact && !live.mirror.changes_only && !excused;
            if looks && (!copy.known || copy.rows != self.server.posts) {
                return Err(format!(
                    "I7: {} has {:?} where the server has {:?}",
                    live.mirror.name, copy.rows, self.server.posts
                ));
            }
        }
        Ok(())
    }

    /// Nothing happens: the client wakes for heartbeats only (I6).
    pub fn check_idleness(&mut self) -> Result<(), String> {
        let before = self.wakes;
        self.advance(IDLE)?;
        let wakes = self.wakes - before;
        let renewals = self
            .setting
            .login_lifetime
            .map_or(0, |lifetime| 8 * (IDLE.as_secs() / lifetime.as_secs()) + 8);
        if wakes > 12 + renewals {
            return Err(format!("I6: woke {wakes} times in {IDLE:?} of quiet"));
        }
        Ok(())
    }

    pub fn end(mut self) -> Result<(), String> {
        self.client.close();
        for mirror in &self.mirrors {
            mirror.end();
            if mirror.releases() != 1 {
                return Err(format!(
                    "I4: {} was released {} times",
                    mirror.name,
                    mirror.releases()
                ));
            }
        }
        if let Some(by) = self.server.asked_twice() {
            return Err(format!("I2: request {by} was carried out twice"));
        }
        for replies in &self.requests {
            if replies.load(Ordering::SeqCst) != 1 {
                return Err("I4: a request was never answered".into());
            }
        }
        self.held.clear();
        self.complaints.first().map_or(Ok(()), Err)
    }
}
