//! The application's messages that wait to be sent, in order: for their turn, for the rate
//! limiter, or, where `send_queue_bytes` allows it, for a usable link.

use std::collections::{BTreeMap, HashSet};

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
        /// It was sent on the present link before, and the rate limiter has dropped it.
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

    /// Takes out what may not wait for another link: all that was handed to one before, as
    /// it might be carried out twice, and what is beyond `limit` bytes.
    pub fn cut(&mut self, limit: u64) -> Vec<Outgoing> {
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
    pub fn serials(&self) -> HashSet<u64> {
        let serial = |message: &Outgoing| match message {
            Outgoing::Request { serial, .. } => Some(*serial),
            Outgoing::Message(_) => None,
        };
        self.waiting.values().filter_map(serial).collect()
    }
}
