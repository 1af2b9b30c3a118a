//! Messages and requests of the application.

use std::time::Duration;

use super::Session;
use crate::error::{Error, Result, Status};
use crate::handover::{DeliveryItem, ReplySink};
use crate::log::Level;
use crate::protocol::outgoing::{self, CustomMessage};
use crate::protocol::wire_uid::WireUid;
use crate::protocol::{Frame, error_object};
use crate::session::in_flight::{Purpose, REQUEST_SLOT};
use crate::session::request::Request;
use crate::session::scheduler::Outgoing;
use crate::session::{Effect, Now};

impl Session {
    /// Sends a message whose answer the application does not expect. `backlog` is
    /// what the driver has not got rid of yet, in bytes.
    pub fn send_message(&mut self, now: Now, message: CustomMessage, backlog: usize) -> Result<()> {
        if message.is_about_nothing() {
            return self.check_open();
        }
        self.check_send(message.text().len(), backlog)?;
        if message.is_answered() {
            // Its time begins when it is sent.
            self.queue_request(None, message, self.config.ack_timeout, Duration::MAX);
        } else {
            let text = message.text().to_owned();
            self.scheduler.push(Outgoing::Message(text));
        }
        self.connect_first(now);
        self.flush(now);
        Ok(())
    }

    /// Sends a request. On failure the sink comes back. A request about no items at all is answered
    /// here: the server would take an empty list of keys for all keys.
    pub fn request(
        &mut self,
        now: Now,
        message: CustomMessage,
        timeout: Duration,
        sink: Box<dyn ReplySink>,
        backlog: usize,
    ) -> std::result::Result<(), (Error, Box<dyn ReplySink>)> {
        if message.is_about_nothing() {
            if let Err(error) = self.check_open() {
                return Err((error, sink));
            }
            self.outputs.deliver(DeliveryItem::Reply {
                sink,
                status: Status::Ok,
                json: Frame::from(message.reply_of_nothing()),
                message: String::new(),
            });
            return Ok(());
        }
        if let Err(error) = self.check_send(message.text().len(), backlog) {
            return Err((error, sink));
        }
        let deadline = now.mono.saturating_add(timeout);
        self.queue_request(Some(sink), message, timeout, deadline);
        self.connect_first(now);
        self.flush(now);
        Ok(())
    }

    fn queue_request(
        &mut self,
        sink: Option<Box<dyn ReplySink>>,
        message: CustomMessage,
        timeout: Duration,
        deadline: Duration,
    ) {
        let serial = self.next_serial();
        let bytes = text_of(&message, serial).len();
        let ticket = self.scheduler.push(Outgoing::Request {
            serial,
            bytes,
            resent: false,
        });
        let request = Request {
            sink,
            message,
            ticket,
            timeout,
        };
        self.in_flight.queue(serial, request, deadline);
    }

    /// Sends a request that has waited, unless it is over.
    pub(super) fn send_request(&mut self, now: Now, serial: u64) {
        let Some(entry) = self.in_flight.mark_sent(serial, now.mono) else {
            return;
        };
        let Purpose::Request(request) = &entry.purpose else {
            return;
        };
        let text = text_of(&request.message, serial);
        if entry.has_ack_timeout() {
            let deadline = now.mono + self.config.ack_timeout;
            self.in_flight.set_deadline(serial, deadline);
        }
        self.transmit(now, text);
    }

    /// Sends a frame on the present link.
    pub(super) fn transmit(&mut self, now: Now, text: String) {
        if let Some(link) = self.connection.link().up_id() {
            self.heartbeat.sent(now.mono);
            self.outputs.effect(Effect::Send { link, text });
            self.scheduler.count_sent(now.mono);
        }
    }

    /// Sends a frame whose reply is not waited for.
    pub(super) fn transmit_untracked(&mut self, now: Now, text: String) {
        self.transmit(now, text);
        self.in_flight.sent_untracked(now.mono);
    }

    /// The request of that serial is over: answered, or given up. It may still
    /// wait to be sent, for the first time or once more.
    pub(super) fn settle_request(&mut self, serial: u64) -> Option<Request> {
        let entry = self.in_flight.complete(serial)?;
        match entry.purpose {
            Purpose::Request(request) => {
                self.scheduler.remove(request.ticket);
                Some(*request)
            }
            _ => None,
        }
    }

    /// A frame with a request's uid: its answer, whatever its type. It is delivered with the
    /// application's own uid; the answer to a custom message is dropped.
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
        self.outputs.deliver(DeliveryItem::Reply {
            sink,
            status: Status::Ok,
            json,
            message: String::new(),
        });
    }

    /// Ends a request without the server's answer.
    pub(super) fn reply(&mut self, request: Request, status: Status, message: String) {
        self.scheduler.remove(request.ticket);
        if let Some(sink) = request.sink {
            self.outputs.deliver(DeliveryItem::Reply {
                sink,
                status,
                json: Frame::default(),
                message,
            });
        }
    }

    /// Ends a request with the server's error object.
    pub(super) fn reply_error(&mut self, request: Request, json: &str) {
        self.scheduler.remove(request.ticket);
        let Some(sink) = request.sink else {
            let text = format!("the server refused a custom message: {json}");
            return self.log(Level::Warn, text);
        };
        self.outputs.deliver(DeliveryItem::Reply {
            sink,
            status: Status::Server,
            json: Frame::from(json.to_owned()),
            message: format!("the server answered with {}", error_object::words(json)),
        });
    }

    /// Why a request is over, of which nothing was heard in time.
    pub(super) fn timed_out(&self, request: &Request, was_sent: bool) -> String {
        let ms = request.timeout.as_millis();
        if was_sent {
            format!("the server did not answer within {ms} ms")
        } else {
            let why = self.state_and_reason();
            format!("the request could not be sent within {ms} ms: {why}")
        }
    }

    /// Queues a request that the rate limiter has dropped once more.
    pub(super) fn resend_request(&mut self, serial: u64) {
        let Some(entry) = self.in_flight.get(serial) else {
            return;
        };
        let has_ack_timeout = entry.has_ack_timeout();
        if let Purpose::Request(request) = &entry.purpose {
            let bytes = text_of(&request.message, serial).len();
            let ticket = self.scheduler.push(Outgoing::Request {
                serial,
                bytes,
                resent: true,
            });
            self.in_flight.requeue(serial, ticket);
            if has_ack_timeout {
                self.in_flight.set_deadline(serial, Duration::MAX);
            }
        }
    }
}

/// A request's text under a wire uid.
fn text_of(message: &CustomMessage, serial: u64) -> String {
    let slot = REQUEST_SLOT;
    message.with_uid(&WireUid { slot, serial }.to_string())
}
