//! Errors that do not say whom they mean: nearly everything that an 11.x server refuses.

use std::time::Duration;

use super::Session;
use super::errors::read_refusal;
use crate::error::Status;
use crate::log::Level;
use crate::protocol::incoming::{ErrorSource, ServerError};
use crate::protocol::wire_uid::WireUid;
use crate::session::Now;
use crate::session::in_flight::{Entry, Kind, Purpose, Suspect};
use crate::subscriptions::SubId;

/// An answer may still overtake the error: how long it is waited for.
const SETTLE: Duration = Duration::from_millis(500);
/// So many errors in a row while it was the only one under way mean a refusal.
const STRIKES: u32 = 2;
/// Errors kept until it shows whose they were, and serials that one may have been for.
const MOST_AMBIGUOUS: usize = 64;

impl Session {
    /// An error without a uid.
    pub(super) fn on_anonymous_error(&mut self, now: Now, error: &ServerError<'_>) {
        match error.source {
            ErrorSource::Subscribe => self.somebody_refused(now, error),
            ErrorSource::Items => self.some_item_refused(now, error),
            _ => self.some_request_refused(error),
        }
    }

    /// Either a subscribe under way is refused, or an event of a live
    /// subscription was withheld.
    fn somebody_refused(&mut self, now: Now, error: &ServerError<'_>) {
        self.one_at_a_time = true;
        if take(&mut self.owed, error.json) {
            return;
        }
        let under_way = self
            .in_flight
            .select(|e| e.purpose.kind() == Kind::Subscribe);
        let live = self.registry.select(|s| s.is_registered());
        if under_way.is_empty() {
            return self.event_withheld(now, live, error.json);
        }
        if let ([serial], true) = (under_way.as_slice(), live.is_empty() && !self.has_past()) {
            // It can only be this one.
            if let Some(entry) = self.in_flight.complete(*serial) {
                if let Purpose::Subscribe(id) = entry.purpose {
                    self.subscribe_refused(now, id, error.json, &error.code);
                }
            }
            return;
        }
        if self.ambiguous.len() < MOST_AMBIGUOUS {
            self.ambiguous.push(error.json.to_owned());
        }
        let alone = under_way.len() == 1;
        for serial in under_way {
            let json = error.json.to_owned();
            self.suspect(now, serial, Suspect { json, alone });
        }
    }

    /// An error may be the answer to this subscribe: that is found out, once for an attempt.
    fn suspect(&mut self, now: Now, serial: u64, suspect: Suspect) {
        let is_alone = suspect.alone;
        let by_another = self.is_judged_by_another(serial);
        let Some(entry) = self.in_flight.get_mut(serial) else {
            return;
        };
        if entry.suspect.is_some() {
            return;
        }
        let subscription = match entry.purpose {
            Purpose::Subscribe(id) => self.registry.get(id),
            _ => None,
        };
        let reads = subscription.is_none_or(|s| s.spec().is_read_at_once());
        if !reads && code_of(&suspect.json) == "FORBIDDEN" {
            // Nobody is forbidden what is read when it happens.
            return;
        }
        entry.suspect = Some(suspect);
        match subscription.filter(|_| !by_another) {
            // A read with its query is refused if it is.
            Some(s) if !s.is_system() => self.scheduler.check(s.id()),
            // Its INIT may be slow, and the errors others': it is waited for.
            Some(s) if is_alone && s.strikes + 1 >= STRIKES => {}
            _ => self.settle_soon(now, serial),
        }
    }

    /// Its answer is not waited for much longer.
    pub(super) fn settle_soon(&mut self, now: Now, serial: u64) {
        // What the limiter may have dropped is sent anew after its pause.
        let pause = self.scheduler.paused_until().unwrap_or_default();
        self.in_flight
            .shorten_deadline(serial, pause.max(now.mono + SETTLE));
    }

    /// Another identity counts from now on: those that the last one may have been refused
    /// are asked for again.
    pub(super) fn settle_suspects(&mut self, now: Now) {
        for serial in self.in_flight.select(|entry| entry.suspect.is_some()) {
            self.settle_soon(now, serial);
        }
    }

    /// The read that checks a suspect is refused, and so, mostly, is the subscribe.
    pub(super) fn suspect_refused(&mut self, now: Now, id: SubId, json: &str, code: &str) {
        let Some(subscription) = self.registry.get(id) else {
            return;
        };
        let Some(serial) = subscription.serial() else {
            return;
        };
        let entry = self.in_flight.get_mut(serial);
        if entry.is_none_or(|entry| entry.suspect.is_none()) {
            return;
        }
        // One to a single kind of events reads nothing yet: what it is refused for is a
        // query that makes no sense, in the same words.
        let reads = subscription.spec().is_read_at_once();
        if !reads && (code == "FORBIDDEN" || !self.is_ambiguous(json)) {
            return;
        }
        if !take(&mut self.ambiguous, json) {
            self.owed.push(json.to_owned());
        }
        self.subscribe_refused(now, id, json, code);
    }

    /// Whether an error in these words came while subscribes were under way.
    fn is_ambiguous(&self, json: &str) -> bool {
        self.ambiguous.iter().any(|error| error == json)
    }

    /// Whether errors may come for what was given up or ended: late refusals, and events
    /// that were under way.
    fn has_past(&self) -> bool {
        let is_ending =
            self.scheduler.has_unsubscribes() || self.in_flight.count(Kind::Unsubscribe) > 0;
        is_ending
            || self.in_flight.abandoned().has_subscribe()
            || self.in_flight.abandoned().has_ended_subscription()
    }

    /// No INIT came after an error that may have been this subscription's, and no read can
    /// say whether it was.
    pub(super) fn suspect_confirmed(&mut self, now: Now, id: SubId, serial: u64, error: &Suspect) {
        let by_another = self.is_judged_by_another(serial);
        let Some(subscription) = self.registry.get_mut(id) else {
            return;
        };
        if subscription.blamed.len() == MOST_AMBIGUOUS {
            subscription.blamed.remove(0);
        }
        subscription.blamed.push(serial);
        // One for an attempt, however many errors came meanwhile.
        let is_alone = error.alone;
        subscription.strikes += u32::from(is_alone);
        let error = &error.json;
        if subscription.strikes >= STRIKES || by_another {
            let code = code_of(error);
            let own = subscription.blamed.len();
            self.ambiguous
                .truncate(self.ambiguous.len().saturating_sub(own));
            self.subscribe_refused(now, id, error, &code);
        } else if subscription.send_again(serial) {
            // Once more, alone: at once if it was, or else after those that wait.
            if is_alone {
                self.scheduler.subscribe_first(id);
            } else {
                self.scheduler.subscribe(id);
            }
        }
    }

    /// An INIT has come late: the refusal was not this one's. The server has it, and nobody
    /// has told it to forget it: the attempt after it is not needed.
    pub(super) fn exonerate(&mut self, wire: WireUid) {
        let known = self.registry.at_mut(wire.slot);
        let Some(subscription) = known.filter(|s| s.blamed.contains(&wire.serial)) else {
            return;
        };
        subscription.blamed.retain(|serial| *serial != wire.serial);
        subscription.strikes = subscription.strikes.saturating_sub(1);
        if let Some(serial) = subscription.adopt(wire.serial) {
            let slot = wire.slot;
            self.in_flight.orphan(serial, WireUid { slot, serial });
        }
    }

    /// Once every subscribe is answered, errors that are left were events'. To be
    /// called now and then.
    pub(super) fn explain_subscribes(&mut self, now: Now) {
        let is_over = self.ambiguous.is_empty() && self.owed.is_empty();
        if is_over || self.in_flight.count(Kind::Subscribe) > 0 {
            return;
        }
        self.owed.clear();
        if !self.registry.select(|s| !s.blamed.is_empty()).is_empty() {
            return;
        }
        for error in std::mem::take(&mut self.ambiguous) {
            let live = self.registry.select(|s| s.is_registered());
            self.event_withheld(now, live, &error);
        }
    }

    /// The server does not say whose event it withheld, so everybody who may
    /// have missed one is told.
    fn event_withheld(&mut self, now: Now, live: Vec<SubId>, error: &str) {
        for id in live {
            self.withheld(now, id, error);
        }
    }

    /// A read or a request is refused.
    fn some_item_refused(&mut self, now: Now, error: &ServerError<'_>) {
        self.one_at_a_time = true;
        self.unexplained.push(error.json.to_owned());
        if self.is_ambiguous(error.json) {
            self.suspect_checks(error.json);
        }
        self.explain_items(now);
    }

    /// Some subscribe was refused in the words in which a read is refused now. Where other
    /// requests are never answered, that is all that is ever known.
    fn suspect_checks(&mut self, json: &str) {
        let checks = self
            .in_flight
            .select(|e| matches!(e.purpose, Purpose::Check(_)));
        for serial in checks {
            if let Some(entry) = self.in_flight.get_mut(serial) {
                let (json, alone) = (json.to_owned(), false);
                entry.suspect = Some(Suspect { json, alone });
            }
        }
    }

    /// A suspect is not answered. The error with which it is refused, if its check, which
    /// is not answered either, was perhaps refused so, this time and the last time.
    pub(super) fn unanswered_refusal(&mut self, of: SubId) -> Option<String> {
        let is_check = |e: &&Entry| matches!(e.purpose, Purpose::Check(id) if id == of);
        let mut checks = self.in_flight.iter().filter(is_check);
        let error = checks.find_map(|e| e.suspect.as_ref().map(|s| s.json.clone()));
        let subscription = self.registry.get_mut(of)?;
        let reads = subscription.spec().is_read_at_once();
        let error = error.filter(|_| reads);
        subscription.strikes = error.as_ref().map_or(0, |_| subscription.strikes + 1);
        error.filter(|_| subscription.strikes >= STRIKES)
    }

    /// One that was sent is not answered in time. An error that nobody could be found for
    /// was its own, perhaps: it must not become somebody else's.
    pub(super) fn forget_unexplained(&mut self, kind: Kind) {
        if self.unexplained.is_empty() {
            return;
        }
        // Or it was that for a read which was given up before: neither is awaited any more.
        self.in_flight
            .forget_abandoned_reads(1 + usize::from(kind == Kind::Read));
        let error = self.unexplained.remove(0);
        let text = format!("the server refused some read or request: {error}");
        self.log(Level::Warn, text);
    }

    /// When as many are unanswered as errors came, they belong together: those that were
    /// given up, if they are not answered yet, and those that are waited for. To be
    /// called after each answer of the items service.
    pub(super) fn explain_items(&mut self, now: Now) {
        if self.unexplained.is_empty() {
            return;
        }
        let waiting = self
            .in_flight
            .select(|e| e.purpose.kind().is_items() && e.is_sent());
        let late = self.in_flight.abandoned().reads();
        if late + waiting.len() > self.unexplained.len() {
            return;
        }
        self.in_flight.forget_abandoned_reads(late);
        let is_one = late + waiting.len() == 1;
        let is_sure = is_one && self.in_flight.abandoned().requests() == 0;
        let errors = std::mem::take(&mut self.unexplained).into_iter().skip(late);
        for (serial, error) in waiting.into_iter().zip(errors) {
            let over = if is_sure {
                self.in_flight.complete(serial)
            } else {
                self.in_flight.untrack(serial)
            };
            let Some(entry) = over else {
                continue;
            };
            match entry.purpose {
                Purpose::Read(id) if self.is_doubtful(id, is_one) => self.read_again(id),
                Purpose::Read(id) => {
                    let refusal = read_refusal(&code_of(&error));
                    self.on_refused(now, id, &error, refusal);
                }
                Purpose::Settle(id) if self.is_doubtful(id, is_one) => self.settle_again(id),
                Purpose::Settle(id) => self.settle_failed(now, id, serial),
                Purpose::Check(id) if self.is_doubtful(id, is_one) => self.scheduler.check(id),
                Purpose::Check(id) => self.check_refused(now, id, serial, &error, &code_of(&error)),
                Purpose::Request(request) => self.reply(*request, Status::Server, &error),
                _ => {}
            }
        }
    }

    /// Whether an error may be that for a request which was given up, rather than for this
    /// subscription's read, as often as there were such; or that for another read, once.
    fn is_doubtful(&mut self, id: SubId, is_one: bool) -> bool {
        let doubts = self.in_flight.abandoned().requests() + usize::from(!is_one);
        let subscription = self.registry.get_mut(id);
        let Some(subscription) = subscription.filter(|s| s.doubted < doubts) else {
            return false;
        };
        subscription.doubted += 1;
        true
    }

    /// Some other message is refused; if just one request is under way, its.
    fn some_request_refused(&mut self, error: &ServerError<'_>) {
        if error.source == ErrorSource::Auth {
            return;
        }
        let waiting = self
            .in_flight
            .select(|e| matches!(e.purpose, Purpose::Request(_)) && e.is_sent());
        if let [serial] = waiting.as_slice() {
            self.fail_request(*serial, error.json);
        } else {
            let words = format!("{}: {}", error.code, error.message);
            self.log(
                Level::Warn,
                format!("the server refused some message: {words}"),
            );
        }
    }
}

/// Takes one of several errors out, if it is among them.
fn take(errors: &mut Vec<String>, json: &str) -> bool {
    let at = errors.iter().position(|error| error == json);
    at.map(|at| errors.remove(at)).is_some()
}

pub(super) fn code_of(error: &str) -> String {
    #[derive(serde::Deserialize)]
    struct Code {
        code: String,
    }
    serde_json::from_str::<Code>(error)
        .map(|e| e.code)
        .unwrap_or_default()
}
