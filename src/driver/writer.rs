//! The sending half of a link: writes what its owner wants to be sent, on the thread whose turn it is.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Context;

use futures_util::Sink;
use tokio_tungstenite::tungstenite::{self, Message};

use super::connection::Report;
use super::counters::Counters;
use super::failure::LinkFailure;
use super::outbox::Outbox;
use super::reader::Socket;

/// See the module.
pub(super) struct Writer {
    outbox: Arc<Outbox>,
    /// Messages from the outbox that are not given to the WebSocket yet.
    waiting: VecDeque<String>,
    /// Bytes that were given to the WebSocket since its buffer was last empty.
    unflushed: usize,
    /// The WebSocket has something that the system has not taken.
    blocked: bool,
    sent_close: bool,
    counters: Arc<Counters>,
    /// Why nothing more can be written.
    failure: Option<LinkFailure>,
}

impl Writer {
    pub fn new(outbox: Arc<Outbox>, counters: Arc<Counters>) -> Writer {
        Writer {
            outbox,
            waiting: VecDeque::new(),
            unflushed: 0,
            blocked: false,
            sent_close: false,
            counters,
            failure: None,
        }
    }

    /// Why nothing more can be written.
    pub fn failure(&self) -> Option<&LinkFailure> {
        self.failure.as_ref()
    }

    /// Whether the link's task has to go on: something is left to be written, or nothing can be.
    pub fn needs_task(&self) -> bool {
        self.blocked || self.failure.is_some()
    }

    /// What the owner wants to be sent is left to the next write.
    pub fn attend(&self) {
        self.outbox.attend();
    }

    /// Writes what is to be sent, as far as the system takes it. `anew`: also if that is nothing but
    /// what tungstenite itself sends, such as pongs.
    pub fn write(
        &mut self,
        cx: &mut Context<'_>,
        socket: &mut Socket,
        report: &Report,
        anew: bool,
    ) {
        let closing = self.outbox.take(&mut self.waiting) && !self.sent_close;
        let has_more = anew || closing || !self.waiting.is_empty();
        if has_more && self.failure.is_none() {
            let written = self.try_write(cx, socket, report, closing);
            self.failure = written.err().map(LinkFailure::of_websocket);
        }
    }

    fn try_write(
        &mut self,
        cx: &mut Context<'_>,
        socket: &mut Socket,
        report: &Report,
        closing: bool,
    ) -> Result<(), tungstenite::Error> {
        let mut socket = socket.sink();
        self.blocked = true;
        while socket.as_mut().poll_ready(cx)?.is_ready() {
            if let Some(text) = self.waiting.pop_front() {
                report.trace("sent", &text);
                self.counters.sent(text.len());
                self.unflushed += text.len();
                socket.as_mut().start_send(Message::text(text))?;
            } else if closing && !self.sent_close {
                self.sent_close = true;
                socket.as_mut().start_send(Message::Close(None))?;
            } else {
                break;
            }
        }
        if socket.poll_flush(cx)?.is_ready() {
            self.outbox.written(std::mem::take(&mut self.unflushed));
            self.blocked = !self.waiting.is_empty();
        }
        Ok(())
    }
}
