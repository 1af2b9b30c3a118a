//! Errors of type `items`: reads of the session's own, and the application's requests.

use std::collections::BTreeMap;

use super::UnattributedError;
use crate::subscriptions::SubId;

/// Errors, and the messages that they answer.
#[derive(Debug)]
pub struct Matches {
    /// Serials, and the errors that are their answers.
    pub pairs: Vec<(u64, UnattributedError)>,
    /// So many abandoned reads were answered, too, by errors that came before these.
    pub abandoned_reads: usize,
    /// Only that one message can be meant.
    pub is_certain: bool,
    /// So often a subscription's read is sent again before its refusal is believed: the
    /// error may be that of an abandoned request, or of another one of several.
    repeats: usize,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct ItemsErrors {
    /// Those that could not be matched yet, oldest first.
    pending: Vec<UnattributedError>,
    /// How often a read for a subscription was sent again.
    repeats: BTreeMap<SubId, usize>,
}

impl ItemsErrors {
    pub(super) fn on_error(&mut self, error: UnattributedError) {
        self.pending.push(error);
    }

    pub(super) fn is_waiting(&self) -> bool {
        !self.pending.is_empty()
    }

    /// When there are as many errors as unanswered messages, they belong together: first
    /// the abandoned reads, then what is in flight. Abandoned requests are left out, as some
    /// are never answered.
    pub(super) fn match_with(
        &mut self,
        in_flight: &[u64],
        abandoned_reads: usize,
        abandoned_requests: usize,
    ) -> Option<Matches> {
        let messages = abandoned_reads + in_flight.len();
        if self.pending.is_empty() || messages > self.pending.len() {
            return None;
        }
        let errors = std::mem::take(&mut self.pending)
            .into_iter()
            .skip(abandoned_reads);
        let is_one = messages == 1;
        Some(Matches {
            pairs: in_flight.iter().copied().zip(errors).collect(),
            abandoned_reads,
            is_certain: is_one && abandoned_requests == 0,
            repeats: abandoned_requests + usize::from(!is_one),
        })
    }

    pub(super) fn is_to_be_read_again(&mut self, id: SubId, matches: &Matches) -> bool {
        let repeats = self.repeats.entry(id).or_default();
        let again = *repeats < matches.repeats;
        *repeats += usize::from(again);
        again
    }

    pub(super) fn on_timeout(&mut self) -> Option<UnattributedError> {
        if self.pending.is_empty() {
            return None;
        }
        Some(self.pending.remove(0))
    }

    pub(super) fn forget(&mut self, id: SubId) {
        self.repeats.remove(&id);
    }
}
