//! What live collections ask of the session: subscriptions that the application does not know of,
//! and reads.

use std::sync::Arc;

use super::Session;
use super::errors::{Refusal, read_refusal};
use crate::handover::{ReadAnswer, ReadRequest};
use crate::protocol::Frame;
use crate::protocol::incoming::offsets;
use crate::protocol::outgoing;
use crate::protocol::wire_uid::WireUid;
use crate::rows::Feed;
use crate::session::in_flight::Purpose;
use crate::session::{LiveNotice, NewSubscription, Now, Subscribed};
use crate::subscriptions::{Role, SubId};

impl Session {
    /// Makes the subscription that stands for a live collection, as [`Session::subscribe`] does.
    pub fn subscribe_live(
        &mut self,
        now: Now,
        id: SubId,
        new: NewSubscription,
        feed: Arc<Feed>,
    ) -> Subscribed {
        self.subscribe_as(now, id, new, Role::Live, Some(feed))
    }

    /// Makes a subscription of which the application does not know. Its sink is never called.
    pub fn subscribe_hidden(&mut self, now: Now, new: NewSubscription) -> Option<SubId> {
        let id = self.registry.reserve();
        match self.subscribe_as(now, id, new, Role::Hidden, None) {
            Subscribed::New => Some(id),
            Subscribed::Duplicate { .. } | Subscribed::Refused { .. } => None,
        }
    }

    /// Ends a subscription of which the application does not know.
    pub fn end_hidden(&mut self, now: Now, id: SubId) {
        if self.registry.get(id).is_some_and(|s| s.is_hidden()) {
            self.end(now, id);
            self.flush(now);
        }
    }

    /// A live collection ends with this error.
    pub fn give_up_live(&mut self, now: Now, id: SubId, json: &str) {
        self.give_up(now, id, json);
    }

    /// Something happened that a waiting thread may wait for.
    pub fn notify(&mut self) {
        self.outputs.notify();
    }

    /// Reads something for the live collection of that subscription, in place of what was to be read
    /// for it before.
    pub fn read_live(&mut self, now: Now, id: SubId, request: ReadRequest) {
        let Some(subscription) = self.registry.get_mut(id) else {
            return;
        };
        if let Some(earlier) = subscription.want_live_read(request) {
            self.in_flight.abandon(earlier);
        }
        self.scheduler.read(id);
        self.flush(now);
    }

    /// Sends that read. False where nothing was sent.
    pub(super) fn send_live_read(&mut self, now: Now, id: SubId) -> bool {
        let (slot, serial) = (id.slot(), self.last_serial + 1);
        let Some(subscription) = self.registry.get_mut(id) else {
            return false;
        };
        let Some(request) = subscription.begin_live_read(serial) else {
            return false;
        };
        let wire = WireUid { slot, serial }.to_string();
        let text = match &request.keys {
            None => outgoing::read(&wire, &request.collection, Some(&request.query)),
            Some(keys) => {
                outgoing::read_rows(&wire, &request.collection, Some(&request.query), keys)
            }
        };
        self.send_tracked(now, Purpose::Live(id), text);
        self.outputs.notice(LiveNotice::ReadSent(id));
        true
    }

    /// The server has answered a read for a live collection.
    pub(super) fn on_live_read(&mut self, id: SubId, read: u64, frame: &Frame, data: Option<&str>) {
        self.attribution.on_rows_read(id);
        let answer = match data {
            Some(data) => ReadAnswer::Rows(frame.clone(), offsets(frame, data)),
            None => ReadAnswer::Rows(Frame::from_static("[]"), (0, 2)),
        };
        self.live_read_over(id, read, answer);
    }

    pub(super) fn live_read_over(&mut self, id: SubId, read: u64, answer: ReadAnswer) {
        let subscription = self.registry.get_mut(id);
        if subscription.is_some_and(|s| s.finish_live_read(read)) {
            self.outputs.notice(LiveNotice::ReadOver(id, answer));
        }
    }

    /// The read is to be sent once more.
    pub(super) fn live_read_again(&mut self, id: SubId) {
        let subscription = self.registry.get_mut(id);
        if subscription.is_some_and(|s| s.repeat_live_read()) {
            self.scheduler.read(id);
        }
    }

    /// The server refuses the read.
    pub(super) fn live_read_refused(&mut self, id: SubId, read: u64, json: &str, code: &str) {
        if self.is_judged_by_another(read) {
            return self.live_read_again(id);
        }
        let answer = ReadAnswer::Refused {
            json: json.to_owned(),
            is_temporary: read_refusal(code) == Refusal::Temporary,
        };
        self.live_read_over(id, read, answer);
    }
}
