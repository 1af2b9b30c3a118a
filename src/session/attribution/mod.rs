//! Errors that do not say which message they answer.
//!
//! # The problem
//!
//! A server of Directus 12.4 puts the uid of the failed message into its error. One before it
//! (10.13, 11.x and 12.2 were measured) does so for the code INVALID_COLLECTION only:
//! FORBIDDEN, INVALID_QUERY and INVALID_PAYLOAD carry no uid, neither those that refuse a
//! subscribe nor those that refuse a read or a request. And the same frame, FORBIDDEN of type
//! `subscribe` without a uid, also comes when an event of a subscription that has long
//! been active is withheld, as the user may not read the item. So one frame
//!
//! ```json
//! {"type":"subscribe","status":"error","error":{"code":"FORBIDDEN","message":"…"}}
//! ```
//!
//! may mean: some subscribe in flight is refused, or some active subscription has missed
//! an event, or something that was abandoned is answered at last. If it is put down to the
//! wrong subscribe, a subscription ends that the server would have allowed. If a refusal
//! is taken for a withheld event, a subscription waits for its INIT for ever.
//!
//! # The idea
//!
//! 1. From the first such error on, the link carries one subscribe and one items request
//!    at a time ([`Attribution::is_active`]), so that few messages can be meant.
//! 2. Every subscribe in flight becomes a *candidate* for the error. Its subscription is
//!    *probed*: a read with the same query and `limit: 0` (`Purpose::Check`) is refused if
//!    the subscribe is, and its own error can be told from others, as no other items request
//!    is in flight.
//! 3. The items service reads no system collections, so there no probe can tell. Such a
//!    subscribe is sent again, alone: a second error in a row is taken for a refusal.
//! 4. An error that turns out to be no subscribe's was an event's, and every registered
//!    subscription is told that it may have missed one.
//! 5. Errors of the items service are put down to the items requests in flight when there
//!    are as many of them as requests that are unanswered.
//!
//! # The states of a candidate
//!
//! ```text
//! in flight ──error──▶ candidate ──INIT───────────────▶ cleared: the error was another's
//!                        │   ├────probe is refused────▶ rejected; its error, if it has not
//!                        │   │                          come yet, is expected
//!                        │   ├────identity changes────▶ sent again
//!                        │   └────no reply, probed────▶ unknown: sent again after a pause
//!                        └────no reply, system────────▶ attempt 1: sent again, alone
//!                                                        attempt 2: rejected
//! attempt 1 ──late INIT of the first serial──▶ adopted: what was sent again is not needed
//! ```
//!
//! # Inputs and verdicts
//!
//! | input | verdicts |
//! | --- | --- |
//! | [`on_subscribe_error`](Attribution::on_subscribe_error) | `Answered` where one message only can be meant, `Withheld` where no subscribe is in flight, else `Probe` or `Hasten` for new candidates; none for an error that was expected |
//! | [`on_probe_refused`](Attribution::on_probe_refused) | `Rejected` if the subscribe is a candidate |
//! | [`on_subscribe_timeout`](Attribution::on_subscribe_timeout) | `Rejected`, `Retry`, or none: the server just did not answer |
//! | [`on_init`](Attribution::on_init) | `Adopt` where that serial was presumed refused |
//! | [`on_identity_changed`](Attribution::on_identity_changed) | `Hasten` for each candidate |
//! | [`on_ended`](Attribution::on_ended) | `Hasten` if it was a candidate |
//! | [`on_progress`](Attribution::on_progress) | `Withheld` for what is left when no subscribe is in flight |
//! | [`on_items_error`](Attribution::on_items_error), then [`match_items`](Attribution::match_items) | errors in pairs with the messages that they answer |
//! | [`on_items_timeout`](Attribution::on_items_timeout) | `Unknown` for an error that remains |
//! | [`on_other_error`](Attribution::on_other_error) | `Answered` where one request is in flight |
//! | [`on_link_lost`](Attribution::on_link_lost) | none: everything is forgotten |
//!
//! The part knows neither the session nor its other parts. What it has to know of them is
//! passed as values; what is to be done is returned, and the session does it.

mod items;
mod subscribes;
#[cfg(test)]
mod tests;

use std::time::Duration;

use self::items::ItemsErrors;
pub use self::items::Matches;
use self::subscribes::SubscribeErrors;
use crate::protocol::incoming::ServerError;
use crate::subscriptions::SubId;

/// How long [`Verdict::Hasten`] waits: a reply may still come that the error has overtaken.
pub const GRACE: Duration = Duration::from_millis(500);

/// An error that carries no uid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnattributedError {
    /// Its code.
    pub code: String,
    /// The `error` object, as JSON.
    pub json: String,
}

impl From<&ServerError<'_>> for UnattributedError {
    fn from(error: &ServerError<'_>) -> Self {
        UnattributedError {
            code: error.code.to_string(),
            json: error.json.to_owned(),
        }
    }
}

/// What is to be known of a subscription whose subscribe is in flight.
#[derive(Clone, Copy, Debug)]
pub struct SubscriptionFacts {
    /// Which.
    pub id: SubId,
    /// Its collection is one of the server's own: no read can probe it.
    pub is_system: bool,
    /// The server reads its query at once, for the snapshot. Where it does not, the
    /// subscribe is not refused for a missing permission.
    pub is_read_at_once: bool,
}

/// A subscribe that is in flight.
#[derive(Clone, Copy, Debug)]
pub struct SubscribeInFlight {
    /// Its serial.
    pub serial: u64,
    /// `None` where the subscription has ended meanwhile.
    pub subscription: Option<SubscriptionFacts>,
    /// The server judges it by an identity that is about to change or has changed.
    pub by_another: bool,
}

/// What the session is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The error is the answer to this message for certain.
    Answered {
        /// Its serial.
        serial: u64,
        /// The error.
        error: UnattributedError,
    },
    /// The server has refused to register this subscription.
    Rejected {
        /// Which.
        id: SubId,
        /// The error.
        error: UnattributedError,
    },
    /// An event was withheld from some registered subscription: each is told.
    Withheld(UnattributedError),
    /// Ask by a read whether the server refuses this subscription's query.
    Probe(SubId),
    /// Wait for the reply to this message only a moment longer.
    Hasten(u64),
    /// Send this subscription's subscribe again.
    Retry {
        /// Which.
        id: SubId,
        /// At once, or else after those that wait.
        first: bool,
    },
    /// The server has registered this subscription under an earlier serial, which is to be
    /// used: the subscribe that was sent again is not needed.
    Adopt {
        /// Which.
        id: SubId,
        /// The earlier serial.
        serial: u64,
    },
    /// It cannot be found out which read or request the error answers.
    Unknown {
        /// The error.
        error: UnattributedError,
        /// It may have been that for one of the oldest abandoned reads, of which so many
        /// are not awaited any more.
        abandoned_reads: usize,
    },
}

/// See the module. Until the first error without a uid, each method is one check of a flag.
#[derive(Debug, Default)]
pub struct Attribution {
    is_active: bool,
    subscribes: SubscribeErrors,
    items: ItemsErrors,
}

impl Attribution {
    /// Whether an error without a uid has come on this link: messages are to be sent one at
    /// a time from then on.
    pub fn is_active(&self) -> bool {
        self.is_active
    }

    /// An error of type `subscribe`. `in_flight` are all subscribes; `may_be_another` says
    /// whether there are registered subscriptions, whose event it may be, or messages that
    /// were abandoned.
    pub fn on_subscribe_error(
        &mut self,
        error: UnattributedError,
        in_flight: &[SubscribeInFlight],
        may_be_another: bool,
    ) -> Vec<Verdict> {
        self.is_active = true;
        self.subscribes.on_error(error, in_flight, may_be_another)
    }

    /// An error of type `items`. `probes` are the probes in flight: their serials, and the
    /// subscriptions that they are for.
    pub fn on_items_error(&mut self, error: UnattributedError, probes: &[(u64, SubId)]) {
        self.is_active = true;
        self.subscribes.on_items_error(&error, probes);
        self.items.on_error(error);
    }

    /// An error of another type. `requests` are the application's requests in flight.
    pub fn on_other_error(&self, error: UnattributedError, requests: &[u64]) -> Option<Verdict> {
        match requests {
            &[serial] => Some(Verdict::Answered { serial, error }),
            _ => None,
        }
    }

    /// A message is answered, or abandoned: it is no candidate any more.
    pub fn on_message_over(&mut self, serial: u64) {
        if self.is_active {
            self.subscribes.on_message_over(serial);
        }
    }

    /// The subscribe of that serial was not answered in time. `subscription` is the one that
    /// it was for, unless that has ended or was sent again under another serial.
    pub fn on_subscribe_timeout(
        &mut self,
        serial: u64,
        subscription: Option<SubscriptionFacts>,
        by_another: bool,
    ) -> Option<Verdict> {
        if !self.is_active {
            return None;
        }
        self.subscribes.on_timeout(serial, subscription, by_another)
    }

    /// The probe of a subscription is refused. Its subscribe has that serial.
    pub fn on_probe_refused(
        &mut self,
        subscription: SubscriptionFacts,
        serial: u64,
        error: UnattributedError,
    ) -> Option<Verdict> {
        if !self.is_active {
            return None;
        }
        self.subscribes
            .on_probe_refused(subscription, serial, error)
    }

    /// An INIT has come for that place and serial.
    pub fn on_init(&mut self, slot: u32, serial: u64) -> Option<Verdict> {
        if !self.is_active {
            return None;
        }
        self.subscribes.on_init(slot, serial)
    }

    /// Another identity counts from now on: what the last one may have been refused is to
    /// be asked for again.
    pub fn on_identity_changed(&self) -> Vec<Verdict> {
        self.subscribes.hasten_all()
    }

    /// A subscription begins anew, as another identity was refused it.
    pub fn on_begun_anew(&mut self, id: SubId) {
        if self.is_active {
            self.subscribes.forget(id);
        }
    }

    /// A subscription is to be sent again after a pause, and the server is told to forget
    /// its last serial.
    pub fn on_paused(&mut self, id: SubId) {
        if self.is_active {
            self.subscribes.forget_presumed(id);
        }
    }

    /// A subscription is up to date.
    pub fn on_up_to_date(&mut self, id: SubId) {
        if self.is_active {
            self.subscribes.forget(id);
            self.items.forget(id);
        }
    }

    /// A subscription has ended; its subscribe, if it was sent, has that serial. The server
    /// may not have come to it yet: if it is allowed by then, it has to be ended there.
    pub fn on_ended(&mut self, id: SubId, serial: Option<u64>) -> Option<Verdict> {
        if !self.is_active {
            return None;
        }
        self.subscribes.forget(id);
        self.items.forget(id);
        let serial = serial.filter(|serial| self.subscribes.is_candidate(*serial));
        serial.map(Verdict::Hasten)
    }

    /// Something was answered or has timed out, and so many subscribes are still in flight.
    /// Once there are none, errors that are left were events'. To be called after each batch
    /// of frames and each timer.
    pub fn on_progress(&mut self, subscribes_in_flight: usize) -> Vec<Verdict> {
        if !self.is_active || subscribes_in_flight > 0 {
            return Vec::new();
        }
        self.subscribes.take_withheld()
    }

    /// Whether errors of type `items` wait for [`Attribution::match_items`].
    pub fn has_items_errors(&self) -> bool {
        self.items.is_waiting()
    }

    /// Whose the errors of type `items` are, if that can be said by now. `in_flight` are all
    /// reads and requests that were sent, oldest first; then the numbers of abandoned reads
    /// and requests. To be called after each answer of the items service.
    pub fn match_items(
        &mut self,
        in_flight: &[u64],
        abandoned_reads: usize,
        abandoned_requests: usize,
    ) -> Option<Matches> {
        self.items
            .match_with(in_flight, abandoned_reads, abandoned_requests)
    }

    /// Whether a read that was matched with an error is to be sent again before that is
    /// believed. It is for this subscription, which must not have ended.
    pub fn is_to_be_read_again(&mut self, id: SubId, matches: &Matches) -> bool {
        self.items.is_to_be_read_again(id, matches)
    }

    /// A read of this subscription's rows was answered.
    pub fn on_rows_read(&mut self, id: SubId) {
        if self.is_active {
            self.items.forget(id);
        }
    }

    /// A read or a request is abandoned, as it was not answered in time. An error that could
    /// not be matched was its own, perhaps: it must not be matched with another one.
    pub fn on_items_timeout(&mut self, is_read: bool) -> Option<Verdict> {
        let error = self.items.on_timeout()?;
        // Or it was that of a read which was abandoned before.
        let abandoned_reads = 1 + usize::from(is_read);
        Some(Verdict::Unknown {
            error,
            abandoned_reads,
        })
    }

    /// Whether there is anything that counts against a subscription.
    #[cfg(test)]
    pub fn remembers(&self, id: SubId) -> bool {
        self.subscribes.remembers(id)
    }

    /// The link is lost, and with it all that was uncertain.
    pub fn on_link_lost(&mut self) {
        if self.is_active {
            *self = Attribution::default();
        }
    }
}
