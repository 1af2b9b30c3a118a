//! Subscriptions and scopes, as the application sees them.

use std::ffi::CStr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Client, ScopeId, SubId, SubscriptionOptions};
use crate::delivery::{EventSink, SubscriptionMeta};
use crate::error::{Error, Result, Status};
use crate::session::{self, NewSubscription};
use crate::subscriptions::{Role, Subscription};

/// The result of a subscribe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subscribed {
    /// The subscription was made.
    New,
    /// The uid is in use by the subscription with this tag.
    Duplicate {
        /// See [`SubscriptionMeta::tag`].
        tag: u64,
    },
}

/// What is known of a subscription.
#[derive(Clone, Copy, Debug)]
pub struct SubscriptionInfo<'a> {
    /// See [`SubscriptionMeta::tag`].
    pub tag: u64,
    /// Its uid.
    pub uid: &'a CStr,
    /// Its collection.
    pub collection: &'a CStr,
    /// Whether it survives its scope.
    pub persistent: bool,
    /// Whether the server has confirmed it on the present link.
    pub active: bool,
    /// The sequence number of its last event.
    pub last_sequence: u64,
}

impl Client {
    /// Reserves the id of a subscription, so that the caller can publish it before the
    /// subscription's first event: [`Client::subscribe`] or [`Client::cancel_subscription`] has
    /// to follow.
    pub fn reserve_subscription(&self) -> SubId {
        self.shared
            .with(|session, _| session.reserve_subscription())
    }

    /// Gives back an id for which no subscription is made.
    pub fn cancel_subscription(&self, id: SubId) {
        self.shared.lock().engine.session.cancel_subscription(id);
    }

    /// Makes a subscription with a reserved id. If it is not made, the sink is dropped before this
    /// returns, and the id names nothing.
    pub fn subscribe(
        &self,
        id: SubId,
        scope: Option<ScopeId>,
        options: SubscriptionOptions,
        tag: u64,
        sink: Box<dyn EventSink>,
    ) -> Result<Subscribed> {
        let (spec, delivery) = options.resolve().inspect_err(|_| {
            self.cancel_subscription(id);
        })?;
        let SubscriptionOptions {
            uid, collection, ..
        } = options;
        let new = NewSubscription {
            uid,
            collection,
            spec,
            delivery,
            scope,
            tag,
            sink,
        };
        // A sink that the session did not take is dropped here, with no lock held.
        match self
            .shared
            .with(|session, now| session.subscribe(now, id, new))
        {
            session::Subscribed::New => Ok(Subscribed::New),
            session::Subscribed::Duplicate { tag, sink: _ } => Ok(Subscribed::Duplicate { tag }),
            session::Subscribed::Refused { error, sink: _ } => Err(error),
        }
    }

    /// Ends a subscription.
    pub fn unsubscribe(&self, id: SubId) -> Result<()> {
        match self
            .shared
            .with(|session, now| session.unsubscribe(now, id))
        {
            Some(slot) => {
                self.shared.delivery.quiesce(&[slot]);
                Ok(())
            }
            None => Err(stale_subscription()),
        }
    }

    /// Ends the subscription with that uid.
    pub fn unsubscribe_uid(&self, uid: &str) -> Result<()> {
        self.shared.check_open()?;
        let slot = self
            .shared
            .with(|session, now| session.unsubscribe_uid(now, uid));
        let not_found = || {
            let message = format!("there is no subscription with uid {uid:?}");
            Error::new(Status::NotFound, message).about("uid")
        };
        self.shared.delivery.quiesce(&[slot.ok_or_else(not_found)?]);
        Ok(())
    }

    /// Ends a collection's subscriptions, except persistent ones.
    pub fn unsubscribe_collection(&self, collection: &str) -> Result<usize> {
        self.unsubscribe_where(|s| s.meta().collection_str() == collection)
    }

    /// Ends all subscriptions, except persistent ones.
    pub fn unsubscribe_all(&self) -> Result<usize> {
        self.unsubscribe_where(|_| true)
    }

    fn unsubscribe_where(&self, pass: impl Fn(&Subscription) -> bool) -> Result<usize> {
        self.shared.check_open()?;
        let (ended, slots) = self
            .shared
            .with(|session, now| session.unsubscribe_where(now, pass));
        self.shared.delivery.quiesce(&slots);
        Ok(ended)
    }

    /// Opens a scope.
    pub fn new_scope(&self) -> Result<ScopeId> {
        self.shared.with(|session, _| session.open_scope())
    }

    /// Closes a scope and ends its subscriptions, except persistent ones.
    pub fn close_scope(&self, scope: ScopeId) -> Result<()> {
        let slots = self
            .shared
            .with(|session, now| session.close_scope(now, scope))?;
        self.shared.delivery.quiesce(&slots);
        Ok(())
    }

    /// Whether a subscription has that uid.
    pub fn has_subscription(&self, uid: &str) -> bool {
        self.shared
            .lock()
            .engine
            .session
            .registry()
            .by_uid(uid)
            .is_some()
    }

    /// Calls `visit` for each subscription, in the order in which they were made, until it
    /// returns false. No lock is held while it runs.
    pub fn visit_subscriptions(
        &self,
        visit: &mut dyn FnMut(&SubscriptionInfo<'_>) -> bool,
    ) -> Result<()> {
        self.shared.check_open()?;
        let mut seen: Vec<(u64, Arc<SubscriptionMeta>, bool, bool)> = {
            let core = self.shared.lock();
            let registry = core.engine.session.registry();
            registry
                .iter()
                .filter(|s| !s.is_hidden())
                .map(|s| {
                    (
                        s.order(),
                        Arc::clone(s.meta()),
                        s.spec().persistent,
                        s.is_active(),
                    )
                })
                .collect()
        };
        seen.sort_unstable_by_key(|(order, ..)| *order);
        for (_, meta, persistent, active) in &seen {
            if !visit(&info_of(meta, *persistent, *active)) {
                break;
            }
        }
        Ok(())
    }

    /// Calls `visit` for one subscription. No lock is held while it runs.
    pub fn visit_subscription(
        &self,
        id: SubId,
        visit: impl FnOnce(&SubscriptionInfo<'_>),
    ) -> Result<()> {
        let (meta, persistent, active) = {
            let core = self.shared.lock();
            let found = core.engine.session.registry().get(id);
            let s = found.ok_or_else(stale_subscription)?;
            (Arc::clone(s.meta()), s.spec().persistent, s.is_active())
        };
        visit(&info_of(&meta, persistent, active));
        Ok(())
    }

    /// Asks for a fresh snapshot of a subscription, and drops what waits of it.
    pub fn resync_subscription(&self, id: SubId) -> Result<()> {
        let delivery = &self.shared.delivery;
        self.shared.with_engine(|engine, now| {
            let session = &mut engine.session;
            let found = session.registry().get(id);
            let found = found.ok_or_else(stale_subscription)?;
            if found.role() == Role::Live {
                engine.resync_live(now, id);
                return Ok(());
            }
            delivery.drop_waiting(found.meta());
            session.resync_subscription(now, id);
            Ok(())
        })
    }
}

fn info_of(meta: &SubscriptionMeta, persistent: bool, active: bool) -> SubscriptionInfo<'_> {
    SubscriptionInfo {
        tag: meta.tag,
        uid: &meta.uid,
        collection: &meta.collection,
        persistent,
        active,
        last_sequence: meta.last_sequence.load(Ordering::Relaxed),
    }
}

pub(super) fn stale_subscription() -> Error {
    // The C functions call the parameter `s`; the handle table says the same of a stale handle.
    let message = "`s` is stale: what it stood for has ended";
    Error::new(Status::InvalidHandle, message).about("s")
}
