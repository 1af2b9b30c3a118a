//! What the consumer does with delivery items that are no events.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;

use super::{Consumer, Entry, Shared, release};
use crate::delivery::ended::Ended;
use crate::delivery::key_format::KeyFormat;
use crate::delivery::rows::Rows;
use crate::delivery::{DeliveryItem, ENDED};
use crate::growth::place;

impl Consumer {
    /// Processes a delivery item that is no event.
    pub(super) fn process(&mut self, shared: &Shared, item: DeliveryItem, rows: Option<&mut Rows>) {
        if let DeliveryItem::Update { slot } = item {
            return self.deliver_update(shared, slot, rows);
        }
        self.leave(shared);
        let mut rows = rows.filter(|rows| rows.has_everything());
        let as_rows = rows.is_some();
        match item {
            DeliveryItem::Event(event) => self.splitter.load(event),
            DeliveryItem::Update { .. } => {}
            DeliveryItem::Register { meta, sink } => {
                let at = meta.slot as usize;
                let old = place(&mut self.entries, at).replace(Entry {
                    meta,
                    sink,
                    gap: false,
                    keys: KeyFormat::Unknown,
                });
                self.end(old.map(|old| Ended::Event(old.sink)), as_rows);
            }
            DeliveryItem::CaughtUp { slot, epoch } => {
                if let Some(feedback) = shared.feedback.upgrade() {
                    feedback.caught_up(slot, epoch);
                }
            }
            DeliveryItem::Release { slot } => {
                let entry = self.entries.get_mut(slot as usize).and_then(Option::take);
                shared.queue.forget(&mut self.done, slot);
                // Before the release, so that the application's release function finds the
                // subscription ended.
                if let Some(feedback) = shared.feedback.upgrade() {
                    feedback.released(slot);
                }
                self.end(entry.map(|entry| Ended::Event(entry.sink)), as_rows);
            }
            DeliveryItem::State {
                state,
                reason,
                message,
            } => {
                if let Some(rows) = rows {
                    self.count += 1;
                    rows.add_state(state, reason, &message);
                } else if let Some(sink) = &self.state_sink {
                    self.count += 1;
                    sink.state(state, reason, &message);
                }
            }
            DeliveryItem::SetStateSink(sink) => {
                let old = std::mem::replace(&mut self.state_sink, sink);
                self.end(old.map(Ended::State), as_rows);
            }
            DeliveryItem::SetTokenSink(sink) => {
                let old = std::mem::replace(&mut self.token_sink, sink);
                self.end(old.map(Ended::Token), as_rows);
            }
            DeliveryItem::TokenWanted { reason } => {
                let outcome = self.token_sink.as_ref().map(|sink| {
                    self.count += 1;
                    catch_unwind(AssertUnwindSafe(|| match rows.as_deref_mut() {
                        Some(rows) => rows.add_token_wanted(reason),
                        None => sink.token_wanted(reason),
                    }))
                });
                if let Some(feedback) = shared.feedback.upgrade() {
                    feedback.token_callback_returned();
                }
                if let Some(Err(panic)) = outcome {
                    std::panic::resume_unwind(panic);
                }
            }
            DeliveryItem::Reply {
                sink,
                status,
                json,
                message,
            } => {
                self.count += 1;
                let reply = AssertUnwindSafe(|| match rows {
                    Some(rows) => rows.add_reply(sink.user_data(), status, &json, &message),
                    None => sink.reply(status, &json, &message),
                });
                let outcome = catch_unwind(reply);
                self.end(Some(Ended::Reply(sink)), as_rows);
                if let Err(panic) = outcome {
                    std::panic::resume_unwind(panic);
                }
            }
        }
    }

    /// Delivers the next update of a live collection: what the application reads of it changes, then
    /// its callback runs.
    fn deliver_update(&mut self, shared: &Shared, slot: u32, rows: Option<&mut Rows>) {
        if self.running_slot != Some(slot) {
            self.enter(shared, Some(slot));
        }
        // The epoch is read after `enter`; `Running` says why.
        let entry = self.entries.get(slot as usize).and_then(Option::as_ref);
        let Some(entry) = entry.filter(|entry| entry.meta.epoch() != ENDED) else {
            return self.leave(shared);
        };
        let feed = entry.meta.feed.as_ref();
        let Some((update, has_new_status)) = feed.and_then(|feed| feed.deliver()) else {
            return;
        };
        self.sequence += 1;
        self.count += 1;
        let delivered = &shared.queue.progress.delivered;
        delivered.store(self.sequence, Ordering::Relaxed);
        let last = &entry.meta.last_sequence;
        last.store(self.sequence, Ordering::Relaxed);
        if has_new_status {
            if let Some(feedback) = shared.feedback.upgrade() {
                feedback.shown();
            }
        }
        match rows {
            None => entry.sink.update(&entry.meta, &update),
            Some(rows) => rows.add_update(entry.sink.user_data(), self.sequence, &update),
        }
    }

    /// A registration is over: releases it, or has a row say so next.
    fn end(&mut self, ended: Option<Ended>, as_row: bool) {
        if as_row {
            self.ended.extend(ended);
        } else {
            release(ended);
        }
    }

    pub(super) fn release_one(&mut self, ended: Ended, rows: Option<&mut Rows>) {
        match rows.filter(|rows| rows.has_everything()) {
            Some(rows) => {
                self.count += 1;
                rows.add_released(ended.into_row());
            }
            None => release(ended),
        }
    }
}
