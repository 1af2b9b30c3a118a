//! Ending subscriptions, when the application asks for it.

use std::sync::Arc;

use super::Session;
use crate::error::{Error, Result, Status};
use crate::session::{Effect, Now};
use crate::subscriptions::{Phase, ScopeId, SubId, Subscription};

/// So many subscriptions that ended before they were sent may wait to be left out.
const STALE: usize = 64;

impl Session {
    /// Ends one subscription; `None` when it is not there any more. Names the
    /// place whose callback may still be running.
    pub fn unsubscribe(&mut self, now: Now, id: SubId) -> Option<u32> {
        let slot = match self.end(now, id) {
            None => self.silence(|s| s.id == id).pop(),
            ended => ended,
        }?;
        self.pump(now);
        Some(slot)
    }

    /// The same by uid.
    pub fn unsubscribe_uid(&mut self, now: Now, uid: &str) -> Option<u32> {
        match self.registry.by_uid(uid).map(|s| s.id) {
            Some(id) => self.unsubscribe(now, id),
            None => self.silence(|s| s.meta.uid_str() == uid).pop(),
        }
    }

    /// Ends those that pass, but for the persistent ones: how many, and the places
    /// whose callbacks may still be running.
    pub fn unsubscribe_where(
        &mut self,
        now: Now,
        pass: impl Fn(&Subscription) -> bool,
    ) -> (usize, Vec<u32>) {
        let pass = |s: &Subscription| !s.spec.persistent && pass(s);
        let ids = self.registry.select(pass);
        let mut slots = self.end_all(now, ids);
        let ended = slots.len();
        slots.extend(self.silence(pass));
        (ended, slots)
    }

    fn end_all(&mut self, now: Now, ids: Vec<SubId>) -> Vec<u32> {
        let slots = ids.into_iter().filter_map(|id| self.end(now, id)).collect();
        self.pump(now);
        slots
    }

    /// Opens a scope.
    pub fn open_scope(&mut self) -> Result<ScopeId> {
        self.check_open()?;
        Ok(self.registry.open_scope())
    }

    /// Closes a scope and ends its subscriptions but the persistent ones.
    pub fn close_scope(&mut self, now: Now, scope: ScopeId) -> Result<Vec<u32>> {
        let stale = || Error::new(Status::InvalidHandle, "`scope` is stale: it was closed");
        let ids = self.registry.close_scope(scope).ok_or_else(stale)?;
        let mut slots = self.end_all(now, ids);
        slots.extend(self.silence(|s| s.scope == Some(scope) && !s.spec.persistent));
        Ok(slots)
    }

    /// Takes a subscription out, and tells the server where it knows it.
    pub(super) fn end(&mut self, now: Now, id: SubId) -> Option<u32> {
        let subscription = self.registry.remove(id)?;
        self.forget_at_server(now, &subscription);
        // Those that ended before they were sent.
        if self.subscribes.len() > 2 * self.registry.len() + STALE {
            let registry = &self.registry;
            self.subscribes.retain(|id| registry.get(*id).is_some());
        }
        self.outputs
            .effect(Effect::End(Arc::clone(&subscription.meta)));
        self.outputs.notify();
        Some(id.slot())
    }

    /// Tells the server of the end of a subscription, as soon as it may be told.
    pub(super) fn forget_at_server(&mut self, now: Now, subscription: &Subscription) {
        let Some(wire) = subscription.wire() else {
            return;
        };
        match subscription.phase {
            Phase::Sent { serial } => {
                self.in_flight.orphan(serial, wire);
                // The server may not have come to it yet. If it is allowed by then, it
                // is ended.
                let entry = self.in_flight.get(serial);
                if entry.is_some_and(|entry| entry.suspect.is_some()) {
                    self.settle_soon(now, serial);
                }
            }
            _ => {
                if let Some(read) = subscription.read_under_way() {
                    self.in_flight.abandon(read);
                }
                self.unsubscribes.push(wire, 0);
            }
        }
    }

    /// Keeps refusals from the application that it has not been told of yet: it
    /// has ended those subscriptions itself meanwhile.
    fn silence(&mut self, pass: impl Fn(&Subscription) -> bool) -> Vec<u32> {
        let mut slots = Vec::new();
        self.leaving.retain(|subscription| {
            let ended = pass(subscription);
            if ended {
                let meta = Arc::clone(&subscription.meta);
                slots.push(meta.slot);
                self.outputs.effect(Effect::End(meta));
            }
            !ended
        });
        slots
    }

    /// Delivery has let go of a subscription's place.
    pub fn released(&mut self, slot: u32) {
        self.leaving.retain(|s| s.id.slot() != slot);
        self.registry.released(slot);
    }
}
