//! What the application asks for: to be connected or not, tokens, subscriptions.

use std::ffi::CString;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64};

use super::Session;
use super::link_end::LinkEnd;
use crate::error::{Error, Result, Status};
use crate::handover::{DeliveryItem, ENDED, State, StateSink, SubscriptionMeta, TokenSink};
use crate::rows::Feed;
use crate::secret::Secret;
use crate::session::connection::FreshToken;
use crate::session::connection::credentials::CredentialKind;
use crate::session::timers::Timer;
use crate::session::{NewSubscription, Now, SubStatus, Subscribed};
use crate::subscriptions::{Registry, Role, SubId};

impl Session {
    /// Starts to connect, unless that is under way already.
    pub fn connect(&mut self, now: Now) -> Result<()> {
        self.check_open()?;
        self.connection.want_connected();
        if matches!(self.reported.state(), State::Idle | State::Failed) {
            self.start_afresh(now);
        }
        Ok(())
    }

    /// Drops the link, if there is one, and connects now.
    pub fn reconnect(&mut self, now: Now) -> Result<()> {
        self.check_open()?;
        self.connection.want_connected();
        self.leave_link(now, LinkEnd::Reconnect);
        self.start_afresh(now);
        Ok(())
    }

    fn start_afresh(&mut self, now: Now) {
        self.connection.start_afresh();
        self.begin(now);
    }

    /// Goes down and stays down. Subscriptions are kept.
    pub fn disconnect(&mut self, now: Now) -> Result<()> {
        self.check_open()?;
        self.connection.want_disconnected();
        self.leave_link(now, LinkEnd::Disconnect);
        self.enter(State::Idle, Status::Ok, "disconnected by the application");
        Ok(())
    }

    /// Ends everything. Nothing else may be asked for afterwards.
    pub fn close(&mut self, now: Now) -> Result<()> {
        self.check_open()?;
        self.leave_link(now, LinkEnd::Closed);
        self.clear_send_queue(LinkEnd::Closed);
        for id in self.registry.select(|_| true) {
            self.end(now, id);
        }
        self.enter(State::Closed, Status::Closed, "the client is closed");
        Ok(())
    }

    /// A fresh token, whether it was asked for or not.
    pub fn set_token(&mut self, now: Now, token: Secret) -> Result<()> {
        self.check_open()?;
        let state = self.reported.state();
        match self.connection.set_token(now, token, state) {
            FreshToken::Connect => self.begin(now),
            FreshToken::ConnectAt(at) => self.timers.set(Timer::Reconnect, at),
            FreshToken::Show => self.reauthenticate(now, CredentialKind::Token),
            FreshToken::Keep => {}
        }
        Ok(())
    }

    /// Sets or removes the state callback.
    pub fn set_state_sink(&mut self, sink: Option<Box<dyn StateSink>>) {
        self.outputs.deliver(DeliveryItem::SetStateSink(sink));
    }

    /// Sets or removes the callback that is asked for tokens.
    pub fn set_token_sink(&mut self, now: Now, sink: Option<Box<dyn TokenSink>>) {
        self.connection.set_can_ask(sink.is_some());
        self.outputs.deliver(DeliveryItem::SetTokenSink(sink));
        if let Some(renew_at) = self.connection.renew_at(now) {
            self.timers.set_or_stop(Timer::Renew, renew_at);
        }
    }

    /// Whether the application is asked for tokens.
    pub fn has_token_sink(&self) -> bool {
        self.connection.can_ask()
    }

    /// The token callback has returned; its answer may still come.
    pub fn token_callback_returned(&mut self) {
        self.connection.token_callback_returned();
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
        self.subscribe_as(now, id, new, Role::Application, None)
    }

    pub(super) fn subscribe_as(
        &mut self,
        now: Now,
        id: SubId,
        new: NewSubscription,
        role: Role,
        feed: Option<Arc<Feed>>,
    ) -> Subscribed {
        let outcome = self.try_subscribe(now, id, new, role, feed);
        if !matches!(outcome, Subscribed::New) {
            self.registry.cancel(id);
        }
        outcome
    }

    fn try_subscribe(
        &mut self,
        now: Now,
        id: SubId,
        new: NewSubscription,
        role: Role,
        feed: Option<Arc<Feed>>,
    ) -> Subscribed {
        if let Err(error) = self.check_subscribe(&new) {
            return Subscribed::Refused {
                error,
                sink: new.sink,
            };
        }
        if let Some(uid) = new.uid.as_deref() {
            if let Some(existing) = self.registry.by_uid(uid) {
                let collection = &existing.meta().collection;
                let is_another = collection.as_bytes() != new.collection.as_bytes();
                if role == Role::Live && existing.meta().feed.is_some() && is_another {
                    let message = format!(
                        "`uid` is that of a live collection of {collection:?}: use another"
                    );
                    return Subscribed::Refused {
                        error: Error::invalid("uid", message),
                        sink: new.sink,
                    };
                }
                return Subscribed::Duplicate {
                    tag: existing.meta().tag,
                    sink: new.sink,
                };
            }
        }
        let uid = match role {
            Role::Hidden => String::new(),
            Role::Application | Role::Live => new.uid.unwrap_or_else(|| self.free_uid()),
        };
        let (Ok(uid), Ok(collection)) = (CString::new(uid), CString::new(new.collection)) else {
            let message = "`uid` and `collection` must not contain a NUL character";
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
            delivery: self.registry.share_options(new.delivery),
            epoch: AtomicU32::new(0),
            apart: 0,
            last_sequence: AtomicU64::new(0),
            feed,
        });
        self.registry
            .insert(id, Arc::clone(&meta), new.spec, new.scope, role);
        if role != Role::Hidden {
            self.outputs.deliver(DeliveryItem::Register {
                meta,
                sink: new.sink,
            });
        }
        if self.connection.link().up_id().is_some() {
            self.scheduler.subscribe(id);
            self.flush(now);
        } else {
            self.connect_first(now);
        }
        Subscribed::New
    }

    /// The first thing that needs a link connects.
    pub(super) fn connect_first(&mut self, now: Now) {
        if self.reported.state() == State::Idle && self.connection.want_first() {
            self.begin(now);
        }
    }

    fn check_subscribe(&mut self, new: &NewSubscription) -> Result<()> {
        self.check_open()?;
        if self.reported.state() == State::Failed {
            let message = format!(
                "the client has failed: connect again before subscribing ({})",
                self.reported.reason().1
            );
            return Err(Error::new(Status::NotConnected, message));
        }
        match new.scope {
            Some(scope) if !self.registry.scope_is_open(scope) => Err(stale_scope()),
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
        self.reported.state()
    }

    /// Why the state was entered.
    pub fn reason(&self) -> (Status, &str) {
        self.reported.reason()
    }

    /// How often a state was entered.
    pub fn state_entries(&self, state: State) -> u64 {
        self.reported.entries(state)
    }

    /// (links that were up, RESYNC INITs, the last round trip in microseconds)
    pub fn counters(&self) -> (u64, u64, u64) {
        (
            self.connection.connects(),
            self.resyncs,
            self.heartbeat.last_rtt().as_micros() as u64,
        )
    }

    pub(super) fn check_open(&self) -> Result<()> {
        if self.reported.state() == State::Closed {
            return Err(Error::new(Status::Closed, "the client is closed"));
        }
        Ok(())
    }
}

pub(super) fn stale_scope() -> Error {
    Error::new(Status::InvalidHandle, "`scope` is stale: it was closed").about("scope")
}

const _: () = assert!(ENDED != 0, "a new subscription must not look ended");
