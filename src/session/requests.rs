//! Messages and requests of the application.

use std::fmt;
use std::time::Duration;

use super::ledger::{Entry, What};
use super::machine::Session;
use super::{Effect, Now};
use crate::error::{Error, Result, Status};
use crate::handover::{Item, ReplySink, State};
use crate::log::Level;
use crate::protocol::Frame;
use crate::protocol::outgoing::{self, CustomMessage};
use crate::protocol::wire::WireUid;

/// The place in the wire uid of a request, where subscriptions have theirs.
pub(super) const REQUEST_SLOT: u32 = u32::MAX;

/// A request whose answer is awaited.
pub struct Request {
    /// Who is told; nobody where the application sent a message, whose answer is
    /// awaited only so that it is not taken for somebody else's.
    sink: Option<Box<dyn ReplySink>>,
    message: CustomMessage,
}

impl Request {
    /// Whether the application waits for the answer, for as long as it has said.
    pub fn is_awaited(&self) -> bool {
        self.sink.is_some()
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("kind", &self.message.kind())
            .finish_non_exhaustive()
    }
}

/// Something of the application's that waits to be sent.
pub enum Outgoing {
    /// A message without an answer.
    Message(String),
    /// The request of that serial, in the ledger.
    Request {
        /// Its serial.
        serial: u64,
        /// The text to send.
        text: String,
    },
}

impl Outgoing {
    fn len(&self) -> usize {
        match self {
            Outgoing::Message(text) | Outgoing::Request { text, .. } => text.len(),
        }
    }
}

impl Session {
    /// Sends a message whose answer the application does not expect. `backlog` is
    /// what the driver has not got rid of yet, in bytes.
    pub fn send_message(&mut self, now: Now, message: CustomMessage, backlog: usize) -> Result<()> {
        self.check_send(message.text().len(), backlog)?;
        if message.is_answered() {
            let request = Request {
                sink: None,
                message,
            };
            // Its time begins when it is sent.
            self.queue_request(request, Duration::MAX);
        } else {
            let text = message.text().to_owned();
            self.outbox_bytes += text.len();
            self.outbox.push_back(Outgoing::Message(text));
        }
        self.pump(now);
        Ok(())
    }

    /// Sends a request. On failure the sink comes back.
    pub fn request(
        &mut self,
        now: Now,
        message: CustomMessage,
        timeout: Duration,
        sink: Box<dyn ReplySink>,
        backlog: usize,
    ) -> std::result::Result<(), (Error, Box<dyn ReplySink>)> {
        if let Err(error) = self.check_send(message.text().len(), backlog) {
            return Err((error, sink));
        }
        let sink = Some(sink);
        self.queue_request(Request { sink, message }, now.mono.saturating_add(timeout));
        self.pump(now);
        Ok(())
    }

    fn queue_request(&mut self, request: Request, deadline: Duration) {
        let serial = self.next_serial();
        let text = text_of(&request, serial);
        // Not sent yet: it cannot be the one that an error without a uid means.
        let what = What::Request(Box::new(request));
        self.ledger.enter(serial, what, Duration::MAX, deadline);
        self.outbox_bytes += text.len();
        self.outbox.push_back(Outgoing::Request { serial, text });
    }

    fn check_send(&self, bytes: usize, backlog: usize) -> Result<()> {
        self.check_open()?;
        if self.state != State::Connected {
            let message = format!(
                "there is no usable link: {:?}, {}",
                self.state, self.reason.1
            );
            return Err(Error::new(Status::NotConnected, message));
        }
        let waiting = (self.outbox_bytes + backlog) as u64;
        if waiting > 0 && waiting + bytes as u64 > self.config.queue_bytes {
            let message = format!(
                "{waiting} bytes wait to be sent already: send more slowly, or raise queue_bytes"
            );
            return Err(Error::new(Status::QueueFull, message));
        }
        Ok(())
    }

    /// Sends what comes next of the application's; false when it has to wait.
    pub(super) fn send_outgoing(&mut self, now: Now) -> bool {
        let Some(next) = self.outbox.pop_front() else {
            return false;
        };
        self.outbox_bytes -= next.len();
        match next {
            Outgoing::Message(text) => self.transmit_casually(now, text),
            Outgoing::Request { serial, text } => {
                let entry = self.ledger.send(serial, now.mono);
                if entry.is_some_and(Entry::is_of_ours) {
                    let deadline = now.mono + self.config.ack_timeout;
                    self.ledger.postpone(serial, deadline);
                }
                self.transmit(now, text);
            }
        }
        true
    }

    /// Sends a frame on the present link.
    pub(super) fn transmit(&mut self, now: Now, text: String) {
        if let Some(up) = self.up() {
            let link = up.id;
            self.effects.push(Effect::Send { link, text });
            self.pacer.sent(now.mono);
        }
    }

    /// Sends a frame that nothing in the ledger stands for.
    pub(super) fn transmit_casually(&mut self, now: Now, text: String) {
        self.transmit(now, text);
        self.ledger.sent_casually(now.mono);
    }

    /// The request of that serial is over: answered, or given up. It may still
    /// wait to be sent, for the first time or once more.
    pub(super) fn settle_request(&mut self, serial: u64) -> Option<Request> {
        let entry = self.ledger.settle(serial)?;
        if entry.sent == Duration::MAX {
            self.outbox_forget(serial);
        }
        match entry.what {
            What::Request(request) => Some(*request),
            _ => None,
        }
    }

    pub(super) fn outbox_forget(&mut self, serial: u64) {
        self.outbox.retain(
            |waiting| !matches!(waiting, Outgoing::Request { serial: of, .. } if *of == serial),
        );
        self.outbox_bytes = self.outbox.iter().map(Outgoing::len).sum();
    }

    /// The link is gone: messages that were not sent are lost, and said to be.
    pub(super) fn drop_outbox(&mut self) {
        let ledger = &mut self.ledger;
        let is_message = |waiting: &&Outgoing| match waiting {
            Outgoing::Message(_) => true,
            Outgoing::Request { serial, .. } => ledger
                .get_mut(*serial)
                .is_some_and(|entry| entry.is_of_ours()),
        };
        let lost = self.outbox.iter().filter(is_message).count();
        if lost > 0 {
            let text = format!("{lost} messages could not be sent before the link was lost");
            self.log(Level::Warn, text);
        }
        self.outbox.clear();
        self.outbox_bytes = 0;
    }

    /// A frame with a request's uid: its answer, whatever its type.
    pub(super) fn on_answer(&mut self, serial: u64, frame: &Frame) {
        let Some(request) = self.settle_request(serial) else {
            return;
        };
        let Some(sink) = request.sink else {
            return;
        };
        let own_uid = request.message.own_uid_json();
        let json = if own_uid.is_some() {
            Frame::from(outgoing::restore_uid(frame, own_uid))
        } else {
            frame.clone()
        };
        self.items.push(Item::Reply {
            sink,
            status: Status::Ok,
            json,
        });
    }

    /// Ends a request without the server's answer, or with its error.
    pub(super) fn reply(&mut self, request: Request, status: Status, json: &str) {
        let Some(sink) = request.sink else {
            if status == Status::Server {
                let text = format!("the server refused a message of the application's: {json}");
                self.log(Level::Warn, text);
            }
            return;
        };
        let json = Frame::from(json.to_owned());
        self.items.push(Item::Reply { sink, status, json });
    }

    /// The request again, as it is to be sent.
    pub(super) fn resend_request(&mut self, serial: u64) {
        let Some(entry) = self.ledger.get_mut(serial) else {
            return;
        };
        if let What::Request(request) = &entry.what {
            let text = text_of(request, serial);
            entry.sent = Duration::MAX;
            let ours = entry.is_of_ours();
            if ours {
                self.ledger.postpone(serial, Duration::MAX);
            }
            self.outbox_bytes += text.len();
            self.outbox.push_back(Outgoing::Request { serial, text });
        }
    }
}

/// A request under a wire uid.
fn text_of(request: &Request, serial: u64) -> String {
    let slot = REQUEST_SLOT;
    request
        .message
        .with_uid(&WireUid { slot, serial }.to_string())
}
