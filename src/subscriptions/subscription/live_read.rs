//! The read that a live collection has asked for: one at a time for each of its subscriptions.

use super::Subscription;
use crate::handover::ReadRequest;

/// A read that is wanted.
#[derive(Debug)]
pub(super) struct LiveRead {
    request: ReadRequest,
    /// The serial under which it was sent.
    pub sent: Option<u64>,
}

impl Subscription {
    /// The read that is wanted.
    pub(super) fn live_read(&self) -> Option<&LiveRead> {
        self.rare.as_ref()?.live_read.as_ref()
    }

    fn live_read_mut(&mut self) -> Option<&mut LiveRead> {
        self.rare.as_mut()?.live_read.as_mut()
    }

    /// No read is wanted any more. Returns what was.
    pub(super) fn forget_live_read(&mut self) -> Option<LiveRead> {
        self.rare.as_mut()?.live_read.take()
    }

    /// Its live collection wants this read. Returns the serial of an earlier one that is under way.
    pub fn want_live_read(&mut self, request: ReadRequest) -> Option<u64> {
        let earlier = self.forget_live_read();
        let sent = None;
        self.rare.get_or_insert_default().live_read = Some(LiveRead { request, sent });
        earlier.and_then(|read| read.sent)
    }

    /// The read is sent under that serial; `None` where none is wanted, or it was sent already.
    pub fn begin_live_read(&mut self, serial: u64) -> Option<&ReadRequest> {
        let read = self.live_read_mut()?;
        if read.sent.is_some() {
            return None;
        }
        read.sent = Some(serial);
        Some(&read.request)
    }

    /// Whether that read is under way.
    pub fn is_live_read(&self, serial: u64) -> bool {
        self.live_read()
            .is_some_and(|read| read.sent == Some(serial))
    }

    /// The read of that serial is over; false where it was another one.
    pub fn finish_live_read(&mut self, serial: u64) -> bool {
        self.is_live_read(serial) && self.forget_live_read().is_some()
    }

    /// The read is to be sent once more. False where none is wanted.
    pub fn repeat_live_read(&mut self) -> bool {
        let read = self.live_read_mut();
        read.map(|read| read.sent = None).is_some()
    }
}
