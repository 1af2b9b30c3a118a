//! Errors of type `subscribe`: refusals, or events that were withheld.

use std::collections::BTreeMap;

use super::{SubscribeInFlight, SubscriptionFacts, UnattributedError, Verdict};
use crate::subscriptions::SubId;

/// So many errors in a row, each while the subscribe was the only one in flight, are taken
/// for a refusal.
const ATTEMPTS: u32 = 2;
/// So many errors wait until it shows whose they were, and so many serials of a
/// subscription are presumed to be refused.
const MOST: usize = 64;
/// The server's code where the user may not read something.
const FORBIDDEN: &str = "FORBIDDEN";

/// A message that an error may have been meant for.
#[derive(Debug)]
struct Candidate {
    error: UnattributedError,
    /// No other subscribe was in flight.
    alone: bool,
    /// Where it is a probe: for which subscription.
    probe_of: Option<SubId>,
}

/// What is remembered of a subscription that is not up to date.
#[derive(Debug, Default)]
struct Record {
    /// Attempts in a row without an INIT, during which an error came.
    attempts: u32,
    /// Serials under which it was sent and that are presumed to be refused. None of them
    /// was ended at the server.
    presumed: Vec<u64>,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct SubscribeErrors {
    /// Errors that came while subscribes were in flight, until it shows whose they were.
    pending: Vec<UnattributedError>,
    /// Refusals that are still to come, as JSON: a probe has shown what is refused already.
    expected: Vec<String>,
    /// By their serials.
    candidates: BTreeMap<u64, Candidate>,
    records: BTreeMap<SubId, Record>,
}

impl SubscribeErrors {
    pub(super) fn on_error(
        &mut self,
        error: UnattributedError,
        in_flight: &[SubscribeInFlight],
        may_be_another: bool,
    ) -> Vec<Verdict> {
        let expected = self.expected.iter().position(|json| *json == error.json);
        if let Some(at) = expected {
            self.expected.remove(at);
            return Vec::new();
        }
        match in_flight {
            [] => return vec![Verdict::Withheld(error)],
            [only] if !may_be_another => {
                let serial = only.serial;
                return vec![Verdict::Answered { serial, error }];
            }
            _ => {}
        }
        if self.pending.len() < MOST {
            self.pending.push(error.clone());
        }
        let alone = in_flight.len() == 1;
        in_flight
            .iter()
            .filter_map(|subscribe| self.add_candidate(subscribe, &error, alone))
            .collect()
    }

    /// An error may be the answer to this subscribe. Only the first one counts, however
    /// many come before it is answered.
    fn add_candidate(
        &mut self,
        subscribe: &SubscribeInFlight,
        error: &UnattributedError,
        alone: bool,
    ) -> Option<Verdict> {
        let serial = subscribe.serial;
        if self.is_candidate(serial) {
            return None;
        }
        let subscription = subscribe.subscription;
        let is_read_at_once = subscription.is_none_or(|s| s.is_read_at_once);
        if !is_read_at_once && error.code == FORBIDDEN {
            // The server checks no permission before there is an event.
            return None;
        }
        let candidate = Candidate {
            error: error.clone(),
            alone,
            probe_of: None,
        };
        self.candidates.insert(serial, candidate);
        match subscription.filter(|_| !subscribe.by_another) {
            Some(s) if !s.is_system => Some(Verdict::Probe(s.id)),
            // The last attempt: the errors may be others' and its INIT slow, so that it gets
            // all the time that an INIT may take.
            Some(s) if alone && self.attempts(s.id) + 1 >= ATTEMPTS => None,
            _ => Some(Verdict::Hasten(serial)),
        }
    }

    fn attempts(&self, id: SubId) -> u32 {
        self.records.get(&id).map_or(0, |record| record.attempts)
    }

    pub(super) fn is_candidate(&self, serial: u64) -> bool {
        self.candidates.contains_key(&serial)
    }

    pub(super) fn on_message_over(&mut self, serial: u64) {
        self.candidates.remove(&serial);
    }

    pub(super) fn hasten_all(&self) -> Vec<Verdict> {
        self.candidates
            .keys()
            .copied()
            .map(Verdict::Hasten)
            .collect()
    }

    /// Some read is refused in the words in which some subscribe was: each probe in flight
    /// may be meant, and counts as refused if it stays unanswered. Where other requests are
    /// never answered, so that errors cannot be matched with messages, that is all that is
    /// ever known.
    pub(super) fn on_items_error(&mut self, error: &UnattributedError, probes: &[(u64, SubId)]) {
        if !self.is_pending(error) {
            return;
        }
        for &(serial, id) in probes {
            let candidate = Candidate {
                error: error.clone(),
                alone: false,
                probe_of: Some(id),
            };
            self.candidates.insert(serial, candidate);
        }
    }

    fn is_pending(&self, error: &UnattributedError) -> bool {
        self.pending.contains(error)
    }

    /// A read with the subscription's query is refused, and so, mostly, is the subscribe.
    pub(super) fn on_probe_refused(
        &mut self,
        subscription: SubscriptionFacts,
        serial: u64,
        error: UnattributedError,
    ) -> Option<Verdict> {
        if !self.is_candidate(serial) {
            return None;
        }
        // A subscription to one kind of events is not read at once: it is refused only for a
        // query that makes no sense, in the same words.
        let is_refused_alike = error.code != FORBIDDEN && self.is_pending(&error);
        if !subscription.is_read_at_once && !is_refused_alike {
            return None;
        }
        match self.pending.iter().position(|pending| *pending == error) {
            Some(at) => {
                self.pending.remove(at);
            }
            None => self.expected.push(error.json.clone()),
        }
        let id = subscription.id;
        Some(Verdict::Rejected { id, error })
    }

    pub(super) fn on_timeout(
        &mut self,
        serial: u64,
        subscription: Option<SubscriptionFacts>,
        by_another: bool,
    ) -> Option<Verdict> {
        let candidate = self.candidates.remove(&serial);
        let subscription = subscription?;
        let Some(candidate) = candidate else {
            // It was not refused, this time.
            if let Some(record) = self.records.get_mut(&subscription.id) {
                record.attempts = 0;
            }
            return None;
        };
        if subscription.is_system || by_another {
            return Some(self.on_attempt_failed(subscription.id, serial, candidate, by_another));
        }
        self.on_unanswered_probe(subscription)
    }

    /// No INIT came after an error that may have been this subscription's, and no probe can
    /// say whether it was.
    fn on_attempt_failed(
        &mut self,
        id: SubId,
        serial: u64,
        candidate: Candidate,
        by_another: bool,
    ) -> Verdict {
        let record = self.records.entry(id).or_default();
        if record.presumed.len() == MOST {
            record.presumed.remove(0);
        }
        record.presumed.push(serial);
        record.attempts += u32::from(candidate.alone);
        if record.attempts >= ATTEMPTS || by_another {
            // One of the errors for each of the attempts was its own.
            let others = self.pending.len().saturating_sub(record.presumed.len());
            self.pending.truncate(others);
            let error = candidate.error;
            return Verdict::Rejected { id, error };
        }
        let first = candidate.alone;
        Verdict::Retry { id, first }
    }

    /// Neither the subscribe nor its probe is answered. If the probe was perhaps refused,
    /// this time and the last time, so is the subscribe.
    fn on_unanswered_probe(&mut self, subscription: SubscriptionFacts) -> Option<Verdict> {
        let id = subscription.id;
        let mut candidates = self.candidates.values();
        let probe = candidates.find(|candidate| candidate.probe_of == Some(id));
        let error = probe
            .filter(|_| subscription.is_read_at_once)
            .map(|probe| probe.error.clone());
        let record = self.records.entry(id).or_default();
        let Some(error) = error else {
            record.attempts = 0;
            return None;
        };
        record.attempts += 1;
        (record.attempts >= ATTEMPTS).then_some(Verdict::Rejected { id, error })
    }

    /// Where that serial was presumed to be refused, it is cleared: its INIT is only late.
    /// The server has registered it, and was not told to forget it.
    pub(super) fn on_init(&mut self, slot: u32, serial: u64) -> Option<Verdict> {
        let mut records = self.records.iter_mut();
        let (id, record) =
            records.find(|(id, record)| id.slot() == slot && record.presumed.contains(&serial))?;
        record.presumed.retain(|presumed| *presumed != serial);
        record.attempts = record.attempts.saturating_sub(1);
        Some(Verdict::Adopt { id: *id, serial })
    }

    /// No subscribe is in flight: the errors that are left were events', unless a serial that
    /// is presumed to be refused may be confirmed yet.
    pub(super) fn take_withheld(&mut self) -> Vec<Verdict> {
        self.expected.clear();
        let is_open = |record: &Record| !record.presumed.is_empty();
        if self.records.values().any(is_open) {
            return Vec::new();
        }
        let errors = std::mem::take(&mut self.pending);
        errors.into_iter().map(Verdict::Withheld).collect()
    }

    #[cfg(test)]
    pub(super) fn remembers(&self, id: SubId) -> bool {
        let record = self.records.get(&id);
        record.is_some_and(|record| record.attempts > 0 || !record.presumed.is_empty())
    }

    pub(super) fn forget(&mut self, id: SubId) {
        self.records.remove(&id);
    }

    pub(super) fn forget_presumed(&mut self, id: SubId) {
        if let Some(record) = self.records.get_mut(&id) {
            record.presumed.clear();
        }
    }
}
