//! Error frames: what they mean, and which message those with a uid answer.

use super::Session;
use crate::error::Status;
use crate::log::Level;
use crate::protocol::incoming::{ErrorSource, ServerError};
use crate::protocol::wire_uid::WireUid;
use crate::session::Now;
use crate::session::in_flight::{Entry, Purpose, REQUEST_SLOT};
use crate::subscriptions::SubId;

/// What a refusal means for the subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Asking again would get the same answer.
    Final,
    /// The server may answer otherwise in a moment.
    Temporary,
    /// The collection is not served by the items service.
    Unreadable,
}

/// Codes of passing trouble.
const TEMPORARY: [&str; 4] = [
    "REQUESTS_EXCEEDED",
    "SERVICE_UNAVAILABLE",
    "INTERNAL_SERVER_ERROR",
    "INTERNAL",
];

impl Session {
    /// An error frame.
    pub(super) fn on_error(&mut self, now: Now, error: &ServerError<'_>) {
        let words = format!("{}: {}", error.code, error.message);
        if error.uid.is_none() {
            self.connection.server_error(now.mono, &words);
        }
        match (error.source, error.code.as_ref()) {
            (ErrorSource::Auth, "TOKEN_EXPIRED") => self.on_token_expired(now, &words),
            (ErrorSource::Auth, "AUTH_FAILED") => {
                self.on_auth_failed(now, error.uid.as_deref(), &words);
            }
            (ErrorSource::Auth, "AUTH_TIMEOUT") => self.on_auth_timeout(now, &words),
            (_, "REQUESTS_EXCEEDED") if error.uid.is_none() => self.on_limit(now, error),
            (ErrorSource::License, _) => {
                let message = format!("the server's licence does not allow this: {words}");
                self.break_link(now, Status::Server, message);
            }
            _ => match error.uid.as_deref().map(WireUid::parse) {
                Some(Some(wire)) => {
                    self.on_error_with_uid(now, wire, error);
                    self.match_items_errors(now);
                }
                Some(None) => self.log(
                    Level::Warn,
                    format!("the server reported an error for an unknown uid: {words}"),
                ),
                None => self.on_unattributed_error(now, error),
            },
        }
    }

    fn on_error_with_uid(&mut self, now: Now, wire: WireUid, error: &ServerError<'_>) {
        if wire.slot == REQUEST_SLOT {
            return self.fail_request(wire.serial, error.json);
        }
        let answered = match error.source {
            ErrorSource::Subscribe => self.complete_subscribe(wire.serial),
            _ => self.complete(wire.serial),
        };
        if let Some(entry) = answered {
            return self.answered_by_error(now, entry, wire.serial, error.json, &error.code);
        }
        if let Some(subscription) = self.registry.by_wire_mut(wire) {
            let id = subscription.id();
            self.withheld(now, id, error.json);
        }
    }

    /// The answer to a message is an error.
    pub(super) fn answered_by_error(
        &mut self,
        now: Now,
        entry: Entry,
        serial: u64,
        json: &str,
        code: &str,
    ) {
        match entry.purpose {
            Purpose::Subscribe(id) => self.subscribe_refused(now, id, json, code),
            Purpose::Read(id) => self.on_refused(now, id, json, read_refusal(code)),
            Purpose::Settle(id) => self.settle_refused(now, id, serial, json, code),
            Purpose::Recheck(id) => self.recheck_refused(now, id, serial, json, code),
            Purpose::Live(id) => self.live_read_refused(id, serial, json, code),
            Purpose::Check(id) => self.check_refused(now, id, serial, json, code),
            Purpose::Unsubscribe { wire, tries, .. } => self.unsubscribe_unanswered(wire, tries),
            Purpose::Orphan(_) => {}
            Purpose::Request(request) => self.reply_error(*request, json),
        }
    }

    /// The answer to a subscribe is a refusal.
    pub(super) fn subscribe_refused(&mut self, now: Now, id: SubId, json: &str, code: &str) {
        let serial = self.registry.get(id).and_then(|s| s.serial());
        if let Some(serial) = serial.filter(|serial| self.is_judged_by_another(*serial)) {
            if let Some(subscription) = self.registry.get_mut(id) {
                subscription.send_again(serial);
                self.attribution.on_begun_anew(id);
                self.scheduler.subscribe(id);
            }
            return;
        }
        let refusal = if TEMPORARY.contains(&code) {
            Refusal::Temporary
        } else {
            Refusal::Final
        };
        self.on_refused(now, id, json, refusal);
    }

    pub(super) fn fail_request(&mut self, serial: u64, json: &str) {
        if let Some(request) = self.settle_request(serial) {
            self.reply_error(request, json);
        }
    }
}

/// What a refused read means.
pub(super) fn read_refusal(code: &str) -> Refusal {
    match code {
        "INVALID_COLLECTION" => Refusal::Unreadable,
        code if TEMPORARY.contains(&code) => Refusal::Temporary,
        _ => Refusal::Final,
    }
}
