//! The application's messages that wait to be sent: for their turn, for the rate
//! limiter, or, where `send_queue_bytes` allows it, for a usable link.

use std::collections::{BTreeMap, HashSet};

use super::Session;
use crate::error::{Error, Result, Status};
use crate::handover::State;
use crate::log::Level;

/// A message that waits to be sent.
#[derive(Debug)]
pub enum Outgoing {
    /// A message without an answer.
    Message(String),
    /// The request in flight of that serial.
    Request {
        /// Its serial.
        serial: u64,
        /// The length of its text.
        bytes: usize,
        /// It was handed to a link before: the rate limiter dropped it there.
        resent: bool,
    },
}

impl Outgoing {
    fn bytes(&self) -> usize {
        match self {
            Outgoing::Message(text) => text.len(),
            Outgoing::Request { bytes, .. } => *bytes,
        }
    }
}

/// Messages in the order in which they are to be sent.
#[derive(Debug, Default)]
pub struct SendQueue {
    waiting: BTreeMap<u64, Outgoing>,
    last_ticket: u64,
    bytes: usize,
}

impl SendQueue {
    /// Adds a message behind the others; returns its ticket for [`SendQueue::remove`].
    pub fn push(&mut self, message: Outgoing) -> u64 {
        self.last_ticket += 1;
        self.bytes += message.bytes();
        self.waiting.insert(self.last_ticket, message);
        self.last_ticket
    }

    /// Takes the first message out.
    pub fn pop(&mut self) -> Option<Outgoing> {
        let (_, message) = self.waiting.pop_first()?;
        self.bytes -= message.bytes();
        Some(message)
    }

    /// Takes a message out, if it still waits.
    pub fn remove(&mut self, ticket: u64) {
        if let Some(message) = self.waiting.remove(&ticket) {
            self.bytes -= message.bytes();
        }
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Bytes of the messages that wait.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes out what may not wait for another link: all that was handed to one
    /// before, and what is beyond `limit` bytes.
    fn cut(&mut self, limit: u64) -> Vec<Outgoing> {
        let mut kept: usize = 0;
        let mut is_full = false;
        let mut lost = Vec::new();
        for (ticket, message) in std::mem::take(&mut self.waiting) {
            let was_sent = matches!(message, Outgoing::Request { resent: true, .. });
            // Behind one that is lost, none may be sent: the order would be another.
            is_full |= !was_sent && (kept + message.bytes()) as u64 > limit;
            if was_sent || is_full {
                lost.push(message);
            } else {
                kept += message.bytes();
                self.waiting.insert(ticket, message);
            }
        }
        self.bytes = kept;
        lost
    }

    /// The serials of the requests that wait.
    fn serials(&self) -> HashSet<u64> {
        let serial = |message: &Outgoing| match message {
            Outgoing::Request { serial, .. } => Some(*serial),
            Outgoing::Message(_) => None,
        };
        self.waiting.values().filter_map(serial).collect()
    }
}

impl Session {
    /// Whether a message of that length may be sent or queued. `backlog` is what the
    /// driver has not written yet, in bytes.
    pub(super) fn check_send(&self, bytes: usize, backlog: usize) -> Result<()> {
        self.check_open()?;
        let waiting = self.send_queue.bytes() as u64;
        if self.state == State::Connected {
            let waiting = waiting + backlog as u64;
            if waiting > 0 && waiting + bytes as u64 > self.config.queue_bytes {
                let message = format!(
                    "{waiting} bytes wait to be sent already: send more slowly, or raise \
                     queue_bytes"
                );
                return Err(Error::new(Status::QueueFull, message));
            }
            return Ok(());
        }
        let limit = self.config.send_queue_bytes;
        if limit == 0 || self.state == State::Failed {
            let message = format!("there is no usable link: {}", self.state_and_reason());
            return Err(Error::new(Status::NotConnected, message));
        }
        if waiting + bytes as u64 > limit {
            let message = format!(
                "there is no usable link, and {waiting} bytes wait for one already: this message of \
                 {bytes} bytes would exceed send_queue_bytes, {limit} ({})",
                self.state_and_reason()
            );
            return Err(Error::new(Status::QueueFull, message));
        }
        Ok(())
    }

    /// For a sentence: "the client is in backoff: 127.0.0.1:1 refused the connection".
    fn state_and_reason(&self) -> String {
        match self.reason.1.as_str() {
            "" => format!("the client is {}", self.state),
            reason => format!("the client is {}: {reason}", self.state),
        }
    }

    /// The link is gone. What was not handed to it waits for the next one as far as
    /// `send_queue_bytes` allows; the rest is lost. Returns the serials of the
    /// requests that wait.
    pub(super) fn keep_for_next_link(&mut self) -> HashSet<u64> {
        let lost = self.send_queue.cut(self.config.send_queue_bytes);
        self.log_lost(&lost, "the link was lost");
        self.send_queue.serials()
    }

    /// There will be no link: nothing waits for one any more.
    pub(super) fn clear_send_queue(&mut self, status: Status, why: &str) {
        let lost = self.send_queue.cut(0);
        self.log_lost(&lost, why);
        for message in lost {
            if let Outgoing::Request { serial, .. } = message {
                if let Some(request) = self.settle_request(serial) {
                    self.reply(request, status, "");
                }
            }
        }
    }

    /// Requests have a callback that learns it; of messages, only the log can tell.
    fn log_lost(&mut self, lost: &[Outgoing], why: &str) {
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
            let text = format!("{count} {messages} could not be sent before {why}");
            self.log(Level::Warn, text);
        }
    }
}
