//! Which of the application's messages may wait for a link, and what becomes of those that
//! cannot be sent.

use std::collections::HashSet;

use super::Session;
use super::link_end::LinkEnd;
use crate::error::{Error, Result, Status};
use crate::handover::State;
use crate::log::Level;
use crate::session::scheduler::Outgoing;

impl Session {
    /// Whether a message of that length may be sent or queued. `backlog` is what the
    /// driver has not written yet, in bytes.
    pub(super) fn check_send(&self, bytes: usize, backlog: usize) -> Result<()> {
        self.check_open()?;
        let waiting = self.scheduler.waiting_bytes() as u64;
        if self.reported.state() == State::Connected {
            let waiting = waiting + backlog as u64;
            if waiting > 0 && waiting + bytes as u64 > self.config.queue_bytes {
                let message = format!(
                    "{waiting} bytes wait to be sent already: send more slowly, or raise \
                     `queue_bytes`"
                );
                return Err(Error::new(Status::QueueFull, message));
            }
            return Ok(());
        }
        let limit = self.config.send_queue_bytes;
        if limit == 0 || self.reported.state() == State::Failed {
            let message = format!("there is no usable link: {}", self.state_and_reason());
            return Err(Error::new(Status::NotConnected, message));
        }
        if waiting + bytes as u64 > limit {
            let message = format!(
                "there is no usable link, and {waiting} bytes wait for one already: this message of \
                 {bytes} bytes would exceed `send_queue_bytes`, {limit} ({})",
                self.state_and_reason()
            );
            return Err(Error::new(Status::QueueFull, message));
        }
        Ok(())
    }

    /// For a sentence: "the client is in backoff: 127.0.0.1:1 refused the connection".
    pub(super) fn state_and_reason(&self) -> String {
        match self.reported.reason().1 {
            "" => format!("the client is {}", self.reported.state()),
            reason => format!("the client is {}: {reason}", self.reported.state()),
        }
    }

    /// The link is gone. What was not handed to it waits for the next one as far as
    /// `send_queue_bytes` allows; the rest is lost. Returns the serials of the
    /// requests that wait.
    pub(super) fn keep_for_next_link(&mut self, end: LinkEnd<'_>) -> HashSet<u64> {
        let lost = self.scheduler.cut(self.config.send_queue_bytes);
        self.log_lost(&lost, end);
        self.scheduler.waiting_requests()
    }

    /// There will be no link: nothing waits for one any more.
    pub(super) fn clear_send_queue(&mut self, end: LinkEnd<'_>) {
        let lost = self.scheduler.cut(0);
        self.log_lost(&lost, end);
        for message in lost {
            if let Outgoing::Request { serial, .. } = message {
                if let Some(request) = self.settle_request(serial) {
                    self.reply(request, end.status(), end.sentence(false));
                }
            }
        }
    }

    /// A request's callback is told that it is lost; for messages there is only the log.
    fn log_lost(&mut self, lost: &[Outgoing], end: LinkEnd<'_>) {
        let in_flight = &self.in_flight;
        let is_message = |waiting: &&Outgoing| match waiting {
            Outgoing::Message(_) => true,
            Outgoing::Request { serial, .. } => in_flight
                .get(*serial)
                .is_some_and(|entry| entry.has_ack_timeout()),
        };
        let count = lost.iter().filter(is_message).count();
        if count > 0 {
            let messages = if count == 1 { "message" } else { "messages" };
            let text = format!(
                "{count} {messages} could not be sent before {}",
                end.clause()
            );
            self.log(Level::Warn, text);
        }
    }
}
