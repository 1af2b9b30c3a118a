//! What must hold once the faults are over.

use std::sync::atomic::Ordering;
use std::time::Duration;

use directus_realtime::handover::State;
use directus_realtime::rows::LiveStatus;

use crate::app::Live;
use crate::known;
use crate::lives::OpenLive;
use crate::server::Registered;
use crate::world::World;

const IDLE: Duration = Duration::from_secs(120);
/// How often convergence is checked before it counts as missed.
const ATTEMPTS: u32 = 25;
/// The time between two checks. It grows, so that no token expires at each of them.
fn interval(attempt: u32) -> Duration {
    Duration::from_millis(11_003) + attempt * Duration::from_millis(717)
}

impl World {
    pub fn check_convergence(&mut self) -> Result<(), String> {
        for attempt in 0..ATTEMPTS {
            let knows = self.server.knows(&self.network.links());
            let connected = self.client.state() == State::Connected && knows;
            if attempt > 1 && connected && self.check_subscriptions().is_ok() {
                return Ok(());
            }
            self.advance(interval(attempt))?;
        }
        let state = self.client.state();
        if state != State::Connected {
            return Err(format!("I1: {state:?} in the end"));
        }
        self.check_subscriptions()
    }

    /// Every subscription is active exactly once, and its copy is right (I1, I7).
    pub fn check_subscriptions(&self) -> Result<(), String> {
        self.app.forget(|live| live.mirror.copy().refused);
        let links = self.network.links();
        let [link] = links.as_slice() else {
            return Err(format!("I1: {} links", links.len()));
        };
        self.check_lives()?;
        let all = self.server.subscriptions(*link);
        let there: Vec<&Registered> = all.iter().filter(|s| s.live.is_none()).collect();
        let core = self.client.core.lock().expect("no panic before");
        let state = self.app.state();
        let ended = |open: &&OpenLive| open.copy.copy().status == LiveStatus::Ended;
        let lives = state.open_lives.len() - state.open_lives.iter().filter(ended).count();
        for live in &state.live {
            let subscription = core.engine.session.registry().get(live.id);
            let wire = subscription.and_then(|s| s.wire()).map(|w| w.to_string());
            let place = there.iter().find(|s| Some(&s.wire) == wire.as_ref());
            match place.filter(|_| subscription.is_some_and(|s| s.is_active())) {
                Some(place) => self.check_copy(live, place)?,
                None => return Err(live.mirror.name("I1: it is not active")),
            }
        }
        if there.len() != state.live.len() {
            let (there, wanted) = (there.len(), state.live.len());
            return Err(format!("I1: {there} active, {wanted} wanted"));
        }
        let parts = |open: &OpenLive| 1 + usize::from(open.copy.wanted.below.is_some());
        let parts: usize = state
            .open_lives
            .iter()
            .filter(|open| !ended(open))
            .map(parts)
            .sum();
        if all.len() - there.len() != parts {
            let active = all.len() - there.len();
            return Err(format!("I1: {active} of live collections, {parts} wanted"));
        }
        if core.engine.session.registry().len() != state.live.len() + lives {
            return Err("I1: the client has subscriptions that the application has ended".into());
        }
        Ok(())
    }

    fn check_copy(&self, live: &Live, place: &Registered) -> Result<(), String> {
        let mirror = &live.mirror;
        let copy = mirror.copy();
        let filter = mirror.filter();
        let journal = &self.app.shared.journal;
        let order = copy.order.tail(place.number, &filter, journal);
        order.map_err(|text| mirror.name(&text))?;
        if !mirror.has_snapshots() {
            return Ok(());
        }
        // Then the events alone do not say what is right, nor does a server's own snapshot; and a
        // single event is not doubted, as there may be one of an item, or in a stalled network.
        let is_settled = mirror.options.exact && mirror.options.settles;
        let is_alone = mirror.options.item.is_some() || self.was_stalled;
        if self.setting.stale && (!is_settled || is_alone) {
            return Ok(());
        }
        // The read that finds what an import did not report may have been refused.
        let is_found = is_settled && !is_alone && !self.was_revoked;
        if self.setting.loses_creates && !is_found {
            return Ok(());
        }
        // A server's own snapshot may miss changes, so the copy is compared with what was sent,
        // and with what a read may have found since.
        let stored = self.server.rows(mirror.options.item);
        let right = if mirror.options.exact {
            stored
        } else {
            let is_found = |(id, v): &(&u32, &u64)| stored.get(*id) == Some(*v);
            let found = copy.rows.iter().filter(is_found);
            let found = found.filter(|_| mirror.options.settles);
            let mut right = place.sent_rows.clone();
            right.extend(found.map(|(id, v)| (*id, *v)));
            right
        };
        // Only events withheld for want of a permission may be missing. Those withheld by an
        // expired token must have been replaced by a snapshot.
        let withheld = copy.withheld || known::loses_errors(&self.setting);
        let excused = withheld && self.was_revoked;
        if !excused && (!copy.known || copy.rows != right) {
            let text = format!("I7: {:?} where {right:?} is right", copy.rows);
            return Err(mirror.name(&text));
        }
        Ok(())
    }

    /// Without any traffic the client wakes for heartbeats and renewals only (I6).
    pub fn check_idleness(&mut self) -> Result<(), String> {
        if self.setting.rate_limit.is_some() {
            // Reads still wait for their turn.
            self.advance(IDLE)?;
        }
        let before = self.wakes;
        self.advance(IDLE)?;
        let wakes = self.wakes - before;
        let skew = Duration::from_millis(self.setting.skew.max(0) as u64);
        let renewals = self.setting.login.lifetime().map_or(0, |life| {
            // With a clock that is ahead, the client renews early.
            let life = (life * 4 / 5).saturating_sub(skew);
            8 * (IDLE.as_millis() / life.as_millis().max(100)) as u64 + 8
        });
        if wakes > 12 + renewals {
            return Err(format!("I6: woke {wakes} times in {IDLE:?} of quiet"));
        }
        Ok(())
    }

    /// Ends every subscription: nothing of them is left in the client or at the server.
    pub fn check_emptiness(&mut self) -> Result<(), String> {
        self.app.state().is_finished = true;
        while !self.app.state().live.is_empty() {
            self.app.unsubscribe(0);
        }
        while !self.app.state().open_lives.is_empty() {
            self.app.close_live(0);
        }
        self.app.unsubscribe_all();
        let mut left = 1;
        for attempt in 0..ATTEMPTS {
            self.advance(Duration::from_secs(5))?;
            let links = self.network.links();
            left = links
                .iter()
                .map(|link| self.server.subscriptions(*link).len())
                .sum();
            if left == 0 {
                break;
            }
            self.advance(interval(attempt))?;
        }
        if left > 0 {
            return Err(format!("I1: {left} subscriptions after their end"));
        }
        let core = self.client.core.lock().expect("no panic before");
        let registry = core.engine.session.registry();
        if !registry.is_empty() || registry.iter().next().is_some() {
            return Err("I8: an ended subscription stays".into());
        }
        drop(core);
        let stats = self.client.delivery().stats();
        if (stats.queued_events, stats.queued_bytes) != (0, 0) {
            return Err(format!(
                "I8: {} events stay in the queue",
                stats.queued_events
            ));
        }
        if self.client.feed_budget.used() != 0 {
            return Err("I8: updates of live collections stay".into());
        }
        for copy in &self.app.state().live_copies {
            check_release(copy.releases()).map_err(|text| copy.name(&text))?;
        }
        for mirror in &self.app.state().mirrors {
            check_release(mirror.releases()).map_err(|text| mirror.name(&text))?;
        }
        Ok(())
    }

    pub fn end(self) -> Result<(), String> {
        self.client.close();
        let state = self.app.state();
        for mirror in &state.mirrors {
            mirror.end();
            check_release(mirror.releases()).map_err(|text| mirror.name(&text))?;
        }
        for message in &state.requests {
            if message.replies.load(Ordering::SeqCst) != 1 {
                let text = format!("I4: request {} was never answered", message.number);
                return Err(text);
            }
        }
        drop(state);
        self.check_step()
    }
}

fn check_release(times: usize) -> Result<(), String> {
    match times {
        1 => Ok(()),
        times => Err(format!("I4: released {times} times")),
    }
}
