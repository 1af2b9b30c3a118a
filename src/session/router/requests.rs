//! Messages and requests of the application.

use std::fmt;
use std::time::Duration;

use super::Session;
use super::send_queue::Outgoing;
use crate::error::{Error, Result, Status};
use crate::handover::{DeliveryItem, ReplySink};
use crate::log::Level;
use crate::protocol::Frame;
use crate::protocol::outgoing::{self, CustomMessage};
use crate::protocol::wire_uid::WireUid;
use crate::session::ledger::What;
use crate::session::{Effect, Now};

/// The place in the wire uid of a request, where subscriptions have theirs.
pub(super) const REQUEST_SLOT: u32 = u32::MAX;

/// A request whose answer is awaited.
pub struct Request {
    /// Who is told; nobody where the application sent a message, whose answer is
    /// awaited only so that it is not taken for somebody else's.
    sink: Option<Box<dyn ReplySink>>,
    message: CustomMessage,
    /// Its place in the send queue, while it waits there.
    ticket: u64,
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

impl Session {
    /// Sends a message whose answer the application does not expect. `backlog` is
    /// what the driver has not got rid of yet, in bytes.
    pub fn send_message(&mut self, now: Now, message: CustomMessage, backlog: usize) -> Result<()> {
        self.check_send(message.text().len(), backlog)?;
        if message.is_answered() {
            // Its time begins when it is sent.
            self.queue_request(None, message, Duration::MAX);
        } else {
            let text = message.text().to_owned();
            self.send_queue.push(Outgoing::Message(text));
        }
        self.connect_first(now);
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
        self.queue_request(Some(sink), message, now.mono.saturating_add(timeout));
        self.connect_first(now);
        self.pump(now);
        Ok(())
    }

    fn queue_request(
        &mut self,
        sink: Option<Box<dyn ReplySink>>,
        message: CustomMessage,
        deadline: Duration,
    ) {
        let serial = self.next_serial();
        let bytes = text_of(&message, serial).len();
        let ticket = self.send_queue.push(Outgoing::Request {
            serial,
            bytes,
            resent: false,
        });
        // Not sent yet: it cannot be the one that an error without a uid means.
        let what = What::Request(Box::new(Request {
            sink,
            message,
            ticket,
        }));
        self.ledger.enter(serial, what, Duration::MAX, deadline);
    }

    /// Sends what comes next of the application's; false when it has to wait.
    pub(super) fn send_outgoing(&mut self, now: Now) -> bool {
        match self.send_queue.pop() {
            None => return false,
            Some(Outgoing::Message(text)) => self.transmit_casually(now, text),
            Some(Outgoing::Request { serial, .. }) => self.send_request(now, serial),
        }
        true
    }

    fn send_request(&mut self, now: Now, serial: u64) {
        let Some(entry) = self.ledger.send(serial, now.mono) else {
            return;
        };
        let What::Request(request) = &entry.what else {
            return;
        };
        let text = text_of(&request.message, serial);
        if entry.is_of_ours() {
            let deadline = now.mono + self.config.ack_timeout;
            self.ledger.postpone(serial, deadline);
        }
        self.transmit(now, text);
    }

    /// Sends a frame on the present link.
    pub(super) fn transmit(&mut self, now: Now, text: String) {
        if let Some(up) = self.up() {
            let link = up.id;
            up.last_sent = now.mono;
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
        match entry.what {
            What::Request(request) => {
                self.send_queue.remove(request.ticket);
                Some(*request)
            }
            _ => None,
        }
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
        self.items.push(DeliveryItem::Reply {
            sink,
            status: Status::Ok,
            json,
        });
    }

    /// Ends a request without the server's answer, or with its error.
    pub(super) fn reply(&mut self, request: Request, status: Status, json: &str) {
        self.send_queue.remove(request.ticket);
        let Some(sink) = request.sink else {
            if status == Status::Server {
                let text = format!("the server refused a message of the application's: {json}");
                self.log(Level::Warn, text);
            }
            return;
        };
        let json = Frame::from(json.to_owned());
        self.items.push(DeliveryItem::Reply { sink, status, json });
    }

    /// The request again, as it is to be sent.
    pub(super) fn resend_request(&mut self, serial: u64) {
        let Some(entry) = self.ledger.get_mut(serial) else {
            return;
        };
        let is_of_ours = entry.is_of_ours();
        if let What::Request(request) = &mut entry.what {
            let bytes = text_of(&request.message, serial).len();
            request.ticket = self.send_queue.push(Outgoing::Request {
                serial,
                bytes,
                resent: true,
            });
            entry.sent = Duration::MAX;
            if is_of_ours {
                self.ledger.postpone(serial, Duration::MAX);
            }
        }
    }
}

/// A request's text under a wire uid.
fn text_of(message: &CustomMessage, serial: u64) -> String {
    let slot = REQUEST_SLOT;
    message.with_uid(&WireUid { slot, serial }.to_string())
}
