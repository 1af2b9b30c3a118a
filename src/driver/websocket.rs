//! The WebSocket of a link. Text messages, which nearly all are, are cut out of the buffer that the
//! socket is read into. Every other frame is for tungstenite: control frames, fragments, what
//! is too large or no UTF-8, and what no server may send. It sees these frames and no others, so
//! that it answers, joins and refuses them as it always does; it also writes.
//!
//! Why not all of them: tungstenite fills its whole read buffer, 128 KiB, with zeros before each
//! read, and what it cuts out of it has to be copied once more, so that the buffer can be read
//! into again.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::{Sink, Stream as _};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{self, Message};

use super::frame_head::{Fragment, Head, head};
pub use super::gate::Gate;
use crate::protocol::Frame;

/// What was received.
#[derive(Debug)]
pub enum Received {
    /// A text message.
    Text(Frame),
    /// A message from tungstenite, which may be text as well.
    Other(Message),
}

/// What comes next.
enum Step {
    Text(Frame),
    /// tungstenite reads what it may.
    Pass,
    /// More is to be received, to have so many bytes in all.
    Receive(usize),
}

/// See the module.
pub struct WebSocket<S> {
    tungstenite: WebSocketStream<Gate<S>>,
    max_message_bytes: usize,
    /// Text is for tungstenite, too: within a message of several frames, and after a close frame.
    passes_text: bool,
    /// tungstenite may have something to write, such as a pong.
    unflushed: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> WebSocket<S> {
    /// After the upgrade. A message may have so many bytes; tungstenite has the same limit.
    pub fn new(tungstenite: WebSocketStream<Gate<S>>, max_message_bytes: usize) -> Self {
        WebSocket {
            tungstenite,
            max_message_bytes,
            passes_text: false,
            unflushed: false,
        }
    }

    /// Where messages are written.
    pub fn sink(&mut self) -> Pin<&mut impl Sink<Message, Error = tungstenite::Error>> {
        Pin::new(&mut self.tungstenite)
    }

    /// The stream below.
    pub fn stream(&mut self) -> &mut S {
        self.tungstenite.get_mut().stream()
    }

    /// Ends the stream below, as far as that works without waiting.
    pub fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.tungstenite.get_mut()).poll_shutdown(cx)
    }

    /// The next message; `None` at the end.
    pub fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Received, tungstenite::Error>>> {
        loop {
            match self.step() {
                Step::Text(frame) => return Poll::Ready(Some(Ok(Received::Text(frame)))),
                Step::Pass => {
                    if let Poll::Ready(message) = Pin::new(&mut self.tungstenite).poll_next(cx) {
                        self.unflushed = true;
                        self.passes_text |= matches!(message, Some(Ok(Message::Close(_))));
                        return Poll::Ready(message.map(|read| read.map(Received::Other)));
                    }
                    // If it has got a whole frame, that was a fragment.
                    if !self.tungstenite.get_ref().is_shut() {
                        return Poll::Pending;
                    }
                }
                Step::Receive(whole) => {
                    if let Poll::Ready(Err(error)) = self.flush(cx) {
                        return Poll::Ready(Some(Err(error)));
                    }
                    let gate = self.tungstenite.get_mut();
                    ready!(gate.fill(cx, whole));
                    if gate.has_ended() {
                        gate.open(gate.unread());
                    }
                }
            }
        }
    }

    #[inline]
    fn step(&mut self) -> Step {
        let gate = self.tungstenite.get_mut();
        if !gate.is_shut() || gate.has_ended() {
            return Step::Pass;
        }
        let buffer = gate.buffer();
        let unread = buffer.unread().len();
        let (bytes, fragment) = match head(buffer.unread(), self.max_message_bytes) {
            Head::Incomplete(whole) => return Step::Receive(whole),
            Head::Text { head, payload } if !self.passes_text => {
                if unread - head < payload {
                    return Step::Receive(head + payload);
                }
                if let Some(frame) = buffer.cut(head, payload) {
                    return Step::Text(frame);
                }
                (head + payload, Fragment::None)
            }
            Head::Text { head, payload } => (head + payload, Fragment::None),
            Head::Other { bytes, fragment } => (bytes, fragment),
        };
        match fragment {
            Fragment::None => {}
            Fragment::Open => self.passes_text = true,
            Fragment::Last => self.passes_text = false,
        }
        gate.open(bytes);
        Step::Pass
    }

    /// Writes what tungstenite has to write, as far as the system takes it.
    fn flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), tungstenite::Error>> {
        if self.unflushed {
            ready!(Pin::new(&mut self.tungstenite).poll_flush(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests;
