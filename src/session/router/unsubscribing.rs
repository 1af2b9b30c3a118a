//! Ends subscriptions when the application asks for it, and at the server.

use std::sync::Arc;

use super::Session;
use super::commands::stale_scope;
use crate::error::Result;
use crate::session::{Effect, LiveNotice, Now};
use crate::subscriptions::{Role, ScopeId, SubId, Subscription};

impl Session {
    /// Ends one subscription; `None` when it is not there any more. Names the
    /// place whose callback may still be running.
    pub fn unsubscribe(&mut self, now: Now, id: SubId) -> Option<u32> {
        let slot = match self.end(now, id) {
            None => self.end_refused(|s| s.id() == id).pop(),
            ended => ended,
        }?;
        self.flush(now);
        Some(slot)
    }

    /// The same by uid.
    pub fn unsubscribe_uid(&mut self, now: Now, uid: &str) -> Option<u32> {
        match self.registry.by_uid(uid).map(|s| s.id()) {
            Some(id) => self.unsubscribe(now, id),
            None => self.end_refused(|s| s.meta().uid_str() == uid).pop(),
        }
    }

    /// Ends those that pass, but for the persistent ones: how many, and the places
    /// whose callbacks may still be running.
    pub fn unsubscribe_where(
        &mut self,
        now: Now,
        pass: impl Fn(&Subscription) -> bool,
    ) -> (usize, Vec<u32>) {
        let pass = |s: &Subscription| !s.is_hidden() && !s.spec().persistent && pass(s);
        let ids = self.registry.select(pass);
        let mut slots = self.end_all(now, ids);
        let ended = slots.len();
        slots.extend(self.end_refused(pass));
        (ended, slots)
    }

    fn end_all(&mut self, now: Now, ids: Vec<SubId>) -> Vec<u32> {
        let slots = ids.into_iter().filter_map(|id| self.end(now, id)).collect();
        self.flush(now);
        slots
    }

    /// Opens a scope.
    pub fn open_scope(&mut self) -> Result<ScopeId> {
        self.check_open()?;
        Ok(self.registry.open_scope())
    }

    /// Closes a scope and ends its subscriptions but the persistent ones.
    pub fn close_scope(&mut self, now: Now, scope: ScopeId) -> Result<Vec<u32>> {
        let ids = self.registry.close_scope(scope).ok_or_else(stale_scope)?;
        let mut slots = self.end_all(now, ids);
        slots.extend(self.end_refused(|s| s.scope() == Some(scope) && !s.spec().persistent));
        Ok(slots)
    }

    /// Takes a subscription out, and tells the server where it knows it.
    pub(super) fn end(&mut self, now: Now, id: SubId) -> Option<u32> {
        let subscription = self.registry.remove(id)?;
        self.forget_at_server(now, &subscription);
        let registry = &self.registry;
        self.scheduler
            .drop_ended(registry.len(), |id| registry.get(id).is_some());
        self.outputs.notify();
        match subscription.role() {
            // Delivery does not know it.
            Role::Hidden => self.registry.released(id.slot()),
            Role::Live => self.outputs.notice(LiveNotice::Ended(id)),
            Role::Application => {}
        }
        self.outputs
            .effect(Effect::End(Arc::clone(subscription.meta())));
        Some(id.slot())
    }

    /// Tells the server of the end of a subscription, as soon as it may be told.
    pub(super) fn forget_at_server(&mut self, now: Now, subscription: &Subscription) {
        let sent = subscription.serial().filter(|_| subscription.is_sent());
        let verdict = self.attribution.on_ended(subscription.id(), sent);
        self.carry_out(now, verdict);
        let Some(wire) = subscription.wire() else {
            return;
        };
        if subscription.is_sent() {
            self.in_flight.orphan(wire.serial, wire);
            return;
        }
        if let Some(read) = subscription.read_under_way() {
            self.in_flight.abandon(read);
        }
        self.scheduler.unsubscribe(wire, 0);
    }

    /// Ends refused subscriptions of which the application has not been given the last event
    /// yet: it is not given it any more.
    fn end_refused(&mut self, pass: impl Fn(&Subscription) -> bool) -> Vec<u32> {
        let ended = self.refusals.end(pass);
        let slots = ended.iter().map(|(id, _)| id.slot()).collect();
        for (id, meta) in ended {
            if meta.feed.is_some() {
                self.outputs.notice(LiveNotice::Ended(id));
            }
            self.outputs.effect(Effect::End(meta));
        }
        slots
    }

    /// Delivery has let go of a subscription's place.
    pub fn released(&mut self, slot: u32) {
        self.refusals.released(slot);
        self.registry.released(slot);
    }
}
