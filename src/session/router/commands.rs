//! What the application asks for.

use std::ffi::CString;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64};

use super::{Link, Session};
use crate::error::{Error, Result, Status};
use crate::handover::{
    DeliveryItem, DeliveryOptions, ENDED, EventSink, State, StateSink, SubscriptionMeta, TokenSink,
};
use crate::secret::Secret;
use crate::session::Now;
use crate::session::auth::Kind;
use crate::session::timers::Timer;
use crate::subscriptions::{Registry, ScopeId, SubId, SubscriptionSpec};

/// What the application last said about connecting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// Nothing: the first subscription connects.
    Nothing,
    /// To be connected.
    Up,
    /// To stay down.
    Down,
}

/// A subscription to be made.
pub struct NewSubscription {
    /// The application's uid; one is generated where there is none.
    pub uid: Option<String>,
    /// The collection's name.
    pub collection: String,
    /// What is wanted of it.
    pub spec: SubscriptionSpec,
    /// How it is handed over.
    pub delivery: DeliveryOptions,
    /// The scope that ends it.
    pub scope: Option<ScopeId>,
    /// See [`SubscriptionMeta::tag`].
    pub tag: u64,
    /// The callback.
    pub sink: Box<dyn EventSink>,
}

/// What became of a new subscription. A sink that was not taken comes back, to
/// be dropped where no lock is held.
pub enum Subscribed {
    /// It was made.
    New,
    /// Its uid is taken by the one with this tag.
    Duplicate {
        /// The tag of the one that exists.
        tag: u64,
        /// The callback that is not used.
        sink: Box<dyn EventSink>,
    },
    /// It could not be made.
    Refused {
        /// Why.
        error: Error,
        /// The callback that is not used.
        sink: Box<dyn EventSink>,
    },
}

/// How far a subscription has come, for somebody who waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubStatus {
    /// Not answered on the present link.
    Pending,
    /// Its INIT is on the way.
    Active,
    /// The server refused it with this error.
    Refused(String),
    /// It has ended, or never was.
    Gone,
}

impl Session {
    /// Starts to connect, unless that is under way already.
    pub fn connect(&mut self, now: Now) -> Result<()> {
        self.check_open()?;
        self.told = Told::Up;
        if matches!(self.state, State::Idle | State::Failed) {
            self.start_afresh(now);
        }
        Ok(())
    }

    /// Drops the link, if there is one, and connects now.
    pub fn reconnect(&mut self, now: Now) -> Result<()> {
        self.check_open()?;
        self.told = Told::Up;
        self.leave_link(now, Status::NotConnected);
        self.start_afresh(now);
        Ok(())
    }

    fn start_afresh(&mut self, now: Now) {
        self.backoff.reset();
        self.auth.forgive();
        self.slow_refusals = 0;
        self.begin(now);
    }

    /// Goes down and stays down. Subscriptions are kept.
    pub fn disconnect(&mut self, now: Now) -> Result<()> {
        self.check_open()?;
        self.told = Told::Down;
        self.leave_link(now, Status::NotConnected);
        self.go(State::Idle, Status::Ok, "disconnected by the application");
        Ok(())
    }

    /// Ends everything. Nothing else may be asked for afterwards.
    pub fn close(&mut self, now: Now) -> Result<()> {
        self.check_open()?;
        self.leave_link(now, Status::Closed);
        self.clear_send_queue(Status::Closed, "the client was closed");
        for id in self.registry.select(|_| true) {
            self.end(now, id);
        }
        self.go(State::Closed, Status::Closed, "the client is closed");
        Ok(())
    }

    /// A fresh token, whether it was asked for or not.
    pub fn set_token(&mut self, now: Now, token: Secret) -> Result<()> {
        self.check_open()?;
        let was_asked = self.auth.set_token(token);
        match (&self.link, self.state) {
            (Link::AwaitingToken, _) | (_, State::Failed) => self.begin(now),
            (_, State::Backoff) if was_asked => match self.prompt_at {
                // It may be as bad as the one before: no faster than any other attempt.
                Some(at) if at > now.mono => self.timers.set(Timer::Reconnect, at),
                _ => self.begin(now),
            },
            (Link::Up(_), _) => self.reauthenticate(now, Kind::Token),
            _ => {}
        }
        Ok(())
    }

    /// Sets or removes the state callback.
    pub fn set_state_sink(&mut self, sink: Option<Box<dyn StateSink>>) {
        self.outputs.deliver(DeliveryItem::SetStateSink(sink));
    }

    /// Sets or removes the callback that is asked for tokens.
    pub fn set_token_sink(&mut self, now: Now, sink: Option<Box<dyn TokenSink>>) {
        self.auth.can_ask = sink.is_some();
        self.outputs.deliver(DeliveryItem::SetTokenSink(sink));
        if self.up().is_some_and(|up| up.reauth.is_none()) {
            let renew_at = self.auth.renew_at(now);
            self.timers.set_or_stop(Timer::Renew, renew_at);
        }
    }

    /// The token callback has returned; its answer may still come.
    pub fn token_callback_returned(&mut self) {
        self.auth.question.callback_returned();
    }

    /// Reserves the id of a subscription, so that the caller can publish it before the
    /// subscription's first event: [`Session::subscribe`] or [`Session::cancel_subscription`]
    /// has to follow.
    pub fn reserve_subscription(&mut self) -> SubId {
        self.registry.reserve()
    }

    /// Gives back an id for which no subscription is made.
    pub fn cancel_subscription(&mut self, id: SubId) {
        self.registry.cancel(id);
    }

    /// Makes a subscription with a reserved id, or gives the id back; the first one connects.
    pub fn subscribe(&mut self, now: Now, id: SubId, new: NewSubscription) -> Subscribed {
        let outcome = self.try_subscribe(now, id, new);
        if !matches!(outcome, Subscribed::New) {
            self.registry.cancel(id);
        }
        outcome
    }

    fn try_subscribe(&mut self, now: Now, id: SubId, new: NewSubscription) -> Subscribed {
        if let Err(error) = self.check_subscribe(&new) {
            return Subscribed::Refused {
                error,
                sink: new.sink,
            };
        }
        if let Some(uid) = new.uid.as_deref() {
            if let Some(existing) = self.registry.by_uid(uid) {
                return Subscribed::Duplicate {
                    tag: existing.meta().tag,
                    sink: new.sink,
                };
            }
        }
        let uid = new.uid.unwrap_or_else(|| self.free_uid());
        let (Ok(uid), Ok(collection)) = (CString::new(uid), CString::new(new.collection)) else {
            let message = "a uid and a collection's name must not contain a NUL character";
            let error = Error::new(Status::InvalidArgument, message);
            return Subscribed::Refused {
                error,
                sink: new.sink,
            };
        };
        let meta = Arc::new(SubscriptionMeta {
            slot: id.slot(),
            tag: new.tag,
            uid,
            collection,
            delivery: new.delivery,
            epoch: AtomicU32::new(0),
            last_sequence: AtomicU64::new(0),
        });
        self.registry
            .insert(id, Arc::clone(&meta), new.spec, new.scope);
        self.outputs.deliver(DeliveryItem::Register {
            meta,
            sink: new.sink,
        });
        if self.up().is_some() {
            self.scheduler.subscribe(id);
            self.pump(now);
        } else {
            self.connect_first(now);
        }
        Subscribed::New
    }

    /// The first thing that needs a link connects.
    pub(super) fn connect_first(&mut self, now: Now) {
        if self.told == Told::Nothing && self.state == State::Idle {
            self.told = Told::Up;
            self.begin(now);
        }
    }

    fn check_subscribe(&mut self, new: &NewSubscription) -> Result<()> {
        self.check_open()?;
        if self.state == State::Failed {
            let message = format!(
                "the client has failed and must be told to connect again first: {}",
                self.reason.1
            );
            return Err(Error::new(Status::NotConnected, message));
        }
        match new.scope {
            Some(scope) if !self.registry.scope_is_open(scope) => Err(Error::new(
                Status::InvalidHandle,
                "`scope` is stale: it was closed",
            )),
            _ => Ok(()),
        }
    }

    fn free_uid(&mut self) -> String {
        loop {
            let uid = format!("drt-{}", self.next_serial());
            if self.registry.by_uid(&uid).is_none() {
                return uid;
            }
        }
    }

    /// The subscriptions.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Bytes of the events that are held for snapshots, all together.
    pub fn held_bytes(&self) -> usize {
        self.held.get()
    }

    /// How far a subscription has come.
    pub fn sub_status(&self, id: SubId) -> SubStatus {
        match self.registry.get(id) {
            Some(s) if s.is_active() => SubStatus::Active,
            Some(_) => SubStatus::Pending,
            None => match self.refusals.error_of(id) {
                Some(error) => SubStatus::Refused(error.to_owned()),
                None => SubStatus::Gone,
            },
        }
    }

    /// The state.
    pub fn state(&self) -> State {
        self.state
    }

    /// Why the state was entered.
    pub fn reason(&self) -> (Status, &str) {
        (self.reason.0, &self.reason.1)
    }

    /// How often a state was entered.
    pub fn entered(&self, state: State) -> u64 {
        self.entered[state as usize]
    }

    /// (links that were up, RESYNC INITs, the last round trip in microseconds)
    pub fn counters(&self) -> (u64, u64, u64) {
        (
            self.connects,
            self.resyncs,
            self.last_rtt.as_micros() as u64,
        )
    }

    pub(super) fn check_open(&self) -> Result<()> {
        if self.state == State::Closed {
            return Err(Error::new(Status::Closed, "the client is closed"));
        }
        Ok(())
    }
}

const _: () = assert!(ENDED != 0, "a new subscription must not look ended");
