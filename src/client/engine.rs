//! Where session, live collections and delivery meet: one step gives an input and passes on what
//! is decided. No sockets, no clock, no locks.
//!
//! The library, the simulation, the fuzz target and the session's tests all run it; they
//! differ in what they do with delivery items and effects.

use std::sync::Arc;
use std::time::Duration;

use crate::handover::{DeliveryItem, DeliveryOptions, EventSink, Registration, ReplySink};
use crate::live::{Command, LiveOptions, Lives};
use crate::rows::Feed;
use crate::session::{Effect, LiveNotice, NewSubscription, Now, Session, Subscribed};
use crate::subscriptions::spec::ON_ALL;
use crate::subscriptions::{SubId, SubscriptionSpec};

/// An overflow of a subscription: its slot and its new epoch.
pub type Overflow = (u32, u32);

/// Session and live collections.
pub struct Engine {
    /// The session.
    pub session: Session,
    lives: Lives,
}

impl Engine {
    /// An engine without live collections.
    pub fn new(session: Session) -> Engine {
        Engine {
            session,
            lives: Lives::default(),
        }
    }

    /// Opens a live collection with a reserved id. Its specification is that of its subscription to
    /// the rows that match.
    pub fn open_live(
        &mut self,
        now: Now,
        id: SubId,
        new: NewSubscription,
        feed: &Arc<Feed>,
        options: LiveOptions,
    ) -> Subscribed {
        let outcome = self.session.subscribe_live(now, id, new, Arc::clone(feed));
        if matches!(outcome, Subscribed::New) {
            self.lives.open(now.mono, id, Arc::clone(feed), options);
        }
        outcome
    }

    /// Holds a live collection against the server's answer. The sink comes back where it has ended.
    pub fn verify_live(
        &mut self,
        now: Now,
        id: SubId,
        sink: Box<dyn ReplySink>,
        timeout: Duration,
    ) -> Result<(), Box<dyn ReplySink>> {
        self.lives.verify(now.mono, id, sink, timeout)
    }

    /// Reads all rows of a live collection again.
    pub fn resync_live(&mut self, now: Now, id: SubId) {
        self.lives.resync(now.mono, id);
    }

    /// When [`Engine::on_timer`] wants to be called next.
    pub fn next_deadline(&mut self, now: Now) -> Option<Duration> {
        let session = self.session.next_deadline(now);
        let lives = self.lives.next_deadline();
        [session, lives].into_iter().flatten().min()
    }

    /// Does what is due.
    pub fn on_timer(&mut self, now: Now) {
        self.session.on_timer(now);
        self.lives.on_timer(now.mono);
    }

    /// Passes on what the session has for live collections, and does what these ask of it, until
    /// nothing is left. Returns what goes to delivery, in order.
    fn join_lives(&mut self, now: Now) -> Vec<DeliveryItem> {
        let mut items = Vec::new();
        loop {
            for item in self.session.take_items() {
                match item {
                    DeliveryItem::Event(event) if self.lives.owns(event.slot) => {
                        self.lives.on_event(now.mono, &event);
                        items.extend(self.lives.take_items());
                    }
                    DeliveryItem::Release { slot } => {
                        self.lives.on_release(slot);
                        items.extend(self.lives.take_items());
                        items.push(item);
                    }
                    item => items.push(item),
                }
            }
            for notice in self.session.take_notices() {
                match notice {
                    LiveNotice::LinkLost { was_too_large } => {
                        self.lives.on_link_lost(now.mono, was_too_large);
                    }
                    LiveNotice::ReadSent(id) => self.lives.on_read_sent(id),
                    LiveNotice::ReadOver(id, answer) => {
                        self.lives.on_read_over(now.mono, id, answer);
                    }
                    LiveNotice::Ended(id) => self.lives.on_ended(id),
                }
            }
            self.lives.on_timer(now.mono);
            items.extend(self.lives.take_items());
            let commands = self.lives.take_commands();
            if commands.is_empty() {
                return items;
            }
            for command in commands {
                self.carry_out(now, command);
            }
        }
    }

    fn carry_out(&mut self, now: Now, command: Command) {
        match command {
            Command::Subscribe {
                main,
                part,
                collection,
                query,
            } => {
                let new = NewSubscription {
                    uid: None,
                    collection: collection.into(),
                    spec: live_spec(query, false),
                    delivery: DeliveryOptions::default(),
                    scope: None,
                    tag: 0,
                    sink: Box::new(NoSink),
                };
                if let Some(id) = self.session.subscribe_hidden(now, new) {
                    self.lives.on_subscribed(main, part, id);
                }
            }
            Command::End(id) => self.session.end_hidden(now, id),
            Command::Read(id, request) => self.session.read_live(now, id, request),
            Command::Resync(id) => self.session.resync_subscription(now, id),
            Command::GiveUp(id, json) => self.session.give_up_live(now, id, &json),
            Command::Notify => self.session.notify(),
        }
    }
}

/// The specification of a live collection's subscription.
pub fn live_spec(query: Box<str>, persistent: bool) -> SubscriptionSpec {
    SubscriptionSpec {
        query: Some(query),
        events: ON_ALL,
        persistent,
        // The live collection reads for itself.
        exact: false,
        settle: None,
    }
}

/// The sink of a subscription that the application does not know.
struct NoSink;

impl Registration for NoSink {}

impl EventSink for NoSink {
    fn event(&self, _: &crate::handover::EventView<'_>) {}
}

/// Gives the engine an input and passes on everything that it decides.
///
/// `deliver` takes the delivery items and returns the overflows, which the session repairs by a
/// RESYNC. `carry_out` then gets each effect, in order. The caller
/// holds whatever guards the engine until this returns, so that effects happen in the
/// order in which they were decided.
pub fn step<R>(
    engine: &mut Engine,
    now: Now,
    input: impl FnOnce(&mut Engine, Now) -> R,
    deliver: impl FnOnce(&mut Vec<DeliveryItem>) -> Vec<Overflow>,
    carry_out: impl FnMut(Effect),
) -> R {
    let result = input(engine, now);
    let mut items = if engine.lives.is_idle() {
        engine.session.take_notices();
        engine.session.take_items()
    } else {
        engine.join_lives(now)
    };
    if !items.is_empty() {
        for (slot, epoch) in deliver(&mut items) {
            engine.session.on_overflow(slot, epoch);
        }
        debug_assert!(items.is_empty(), "delivery takes every item");
    }
    engine.session.recycle_items(items);
    let mut effects = engine.session.take_effects();
    effects.drain(..).for_each(carry_out);
    engine.session.recycle_effects(effects);
    result
}
