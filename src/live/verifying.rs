//! Verifications that the application waits for.

use std::time::Duration;

use super::collection::{Collection, Out};
use crate::error::Status;
use crate::handover::{DeliveryItem, ReplySink};
use crate::protocol::{Frame, items};
use crate::rows::Changes;

/// Somebody waits for the answer to a verification.
pub struct Verify {
    pub(super) sink: Box<dyn ReplySink>,
    pub(super) deadline: Duration,
}

impl Collection {
    /// What a verification has found, as JSON.
    pub(super) fn report_of(&self, changes: &Changes, was_synced: bool) -> String {
        let mut counts = [0_usize; 3];
        let is_wanted = was_synced && !self.verifies.is_empty();
        for change in changes.steps(&self.rows).take_while(|_| is_wanted) {
            let text = items::key_text(change.row.key()).unwrap_or_default();
            // What was told lately is no difference.
            if !self.flurry.keys.contains_key(&*text) {
                counts[change.kind as usize] += 1;
            }
        }
        let rows = self.rows.len();
        match counts {
            [0, 0, 0] => serde_json::json!({"equal": true, "rows": rows}).to_string(),
            [added, modified, removed] => format!(
                r#"{{"equal":false,"rows":{rows},"added":{added},"modified":{modified},"removed":{removed}}}"#
            ),
        }
    }

    pub(super) fn answer_verifies(&mut self, report: &str, out: &mut Out) {
        for verify in self.verifies.drain(..) {
            out.items.push(DeliveryItem::Reply {
                sink: verify.sink,
                status: Status::Ok,
                json: Frame::from(report.to_owned()),
                message: String::new(),
            });
        }
    }

    /// Nothing is verified any more.
    pub(super) fn end_verifies(&mut self, out: &mut Out) {
        for verify in self.verifies.drain(..) {
            let message = "the live collection has ended";
            out.items.push(failed(verify.sink, Status::Closed, message));
        }
    }

    pub(super) fn time_out_verifies(&mut self, now: Duration, out: &mut Out) {
        for verify in std::mem::take(&mut self.verifies) {
            if verify.deadline <= now {
                let message = "the rows could not be read in time";
                out.items
                    .push(failed(verify.sink, Status::Timeout, message));
            } else {
                self.verifies.push(verify);
            }
        }
    }
}

fn failed(sink: Box<dyn ReplySink>, status: Status, message: &str) -> DeliveryItem {
    DeliveryItem::Reply {
        sink,
        status,
        json: Frame::default(),
        message: message.to_owned(),
    }
}
