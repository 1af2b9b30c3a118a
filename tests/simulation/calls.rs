//! What the application calls.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use directus_realtime::handover::{ReplySink, StateSink, TokenSink};
use directus_realtime::live::LiveOptions;
use directus_realtime::protocol::outgoing::CustomMessage;
use directus_realtime::rows::Feed;
use directus_realtime::secret::Secret;
use directus_realtime::session::{NewSubscription, Subscribed};
use directus_realtime::subscriptions::{ScopeId, SubId};

use crate::client::Client;

impl Client {
    pub fn on_state(&self, sink: Box<dyn StateSink>) {
        self.with(|session, _| session.set_state_sink(Some(sink)));
    }

    pub fn on_token(&self, sink: Box<dyn TokenSink>) {
        self.with(|session, now| session.set_token_sink(now, Some(sink)));
    }

    pub fn connect(&self) {
        self.check(self.with(|session, now| session.connect(now)));
    }

    pub fn disconnect(&self) {
        self.check(self.with(|session, now| session.disconnect(now)));
    }

    pub fn reconnect(&self) {
        self.check(self.with(|session, now| session.reconnect(now)));
    }

    pub fn set_token(&self, token: &str) {
        self.check(self.with(|session, now| session.set_token(now, Secret::new(token))));
    }

    /// The id of the subscription, if one was made.
    pub fn subscribe(&self, new: NewSubscription) -> Option<SubId> {
        // A sink that is returned is dropped here, without the lock.
        let id = self.with(|session, _| session.reserve_subscription());
        match self.with(|session, now| session.subscribe(now, id, new)) {
            Subscribed::New => Some(id),
            Subscribed::Duplicate { .. } => None,
            Subscribed::Refused { error, .. } => self.check(Err(error)),
        }
    }

    /// The id of the live collection, if one was opened.
    pub fn open_live(
        &self,
        new: NewSubscription,
        feed: &Arc<Feed>,
        options: LiveOptions,
    ) -> Option<SubId> {
        let id = self.with(|session, _| session.reserve_subscription());
        let outcome = {
            let mut core = self.core.lock().expect("no panic before");
            self.run_engine(&mut core, |engine, now| {
                engine.open_live(now, id, new, feed, options)
            })
        };
        match outcome {
            Subscribed::New => Some(id),
            Subscribed::Duplicate { .. } => None,
            Subscribed::Refused { error, .. } => self.check(Err(error)),
        }
    }

    /// No callback of it runs after this returns (I4).
    pub fn unsubscribe(&self, id: SubId) {
        let slot = self.with(|session, now| session.unsubscribe(now, id));
        self.delivery().quiesce(slot.as_slice());
    }

    /// Reads may stay unanswered: then the session resyncs.
    pub fn reads_may_be_lost(&self) {
        let mut core = self.core.lock().expect("no panic before");
        core.stream.rereads = true;
    }

    pub fn resync(&self, id: SubId) {
        let mut core = self.core.lock().expect("no panic before");
        let Some(found) = core.engine.session.registry().get(id) else {
            return;
        };
        let meta = Arc::clone(found.meta());
        // What waits is dropped, as in an overflow.
        self.shared.overflowed.store(true, Ordering::SeqCst);
        core.stream.overflow(meta.slot);
        self.delivery().drop_waiting(&meta);
        self.run(&mut core, |session, now| {
            session.resync_subscription(now, id)
        });
    }

    pub fn unsubscribe_uid(&self, uid: &str) {
        let slot = self.with(|session, now| session.unsubscribe_uid(now, uid));
        self.delivery().quiesce(slot.as_slice());
    }

    pub fn unsubscribe_all(&self) {
        let (_, slots) = self.with(|session, now| session.unsubscribe_where(now, |_| true));
        self.delivery().quiesce(&slots);
    }

    pub fn open_scope(&self) -> Option<ScopeId> {
        self.check(self.with(|session, _| session.open_scope()))
    }

    pub fn close_scope(&self, scope: ScopeId) {
        let slots = self.with(|session, now| session.close_scope(now, scope));
        self.delivery()
            .quiesce(&self.check(slots).unwrap_or_default());
    }

    /// Whether the request was accepted.
    pub fn request(&self, json: &str, sink: Box<dyn ReplySink>) -> bool {
        let message = CustomMessage::parse(json).expect("a message");
        let timeout = Duration::from_secs(10);
        let outcome = self.with(|session, now| session.request(now, message, timeout, sink, 0));
        self.check(outcome.map_err(|(error, _)| error)).is_some()
    }

    pub fn send(&self, json: &str) {
        let message = CustomMessage::parse(json).expect("a message");
        self.check(self.with(|session, now| session.send_message(now, message, 0)));
    }
}
