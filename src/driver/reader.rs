//! The receiving half of a link: takes frames off a socket and hands them to the link's owner, on
//! the thread whose turn it is.

use std::sync::Arc;
use std::task::{Context, Poll};

use tokio_tungstenite::tungstenite::Message;

use super::connection::Report;
use super::counters::Counters;
use super::failure::LinkFailure;
use super::stream::{Tcp, Transport};
use super::websocket::{Received, WebSocket};
use crate::log::{self, Level};
use crate::protocol::Frame;

/// A batch ends with this many frames or bytes, so that other tasks can run, and callbacks.
const BATCH_FRAMES: usize = 1024;
const BATCH_BYTES: usize = 1 << 20;

pub(super) type Socket = WebSocket<Transport>;

/// See the module.
pub(super) struct Reader {
    pub socket: Socket,
    frames: Vec<Frame>,
    /// Number of binary frames that are not text.
    ignored: usize,
    counters: Arc<Counters>,
    /// Why nothing more can be read.
    end: Option<LinkFailure>,
}

/// What a read has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Batch {
    /// Nothing.
    Empty,
    /// Frames, and nothing behind them.
    Last,
    /// So many frames that more may wait.
    Full,
    /// The end of the link, perhaps with frames before it.
    End,
}

impl Reader {
    pub fn new(socket: Socket, counters: Arc<Counters>) -> Reader {
        Reader {
            socket,
            frames: Vec::new(),
            ignored: 0,
            counters,
            end: None,
        }
    }

    pub fn tcp(&mut self) -> &mut Tcp {
        self.socket.stream().tcp()
    }

    /// Why nothing more can be read.
    pub fn end(&self) -> Option<&LinkFailure> {
        self.end.as_ref()
    }

    /// From now on nothing is read.
    pub fn fail(&mut self, failure: LinkFailure) -> Batch {
        self.end.get_or_insert(failure);
        Batch::End
    }

    /// Reads at most one batch, and reports it.
    pub fn read(&mut self, cx: &mut Context<'_>, report: &Report) -> Batch {
        if self.end.is_some() {
            return Batch::End;
        }
        let batch = self.fill(cx);
        if self.ignored > 0 {
            let ignored = std::mem::take(&mut self.ignored);
            report
                .log(|id| format!("link {id}: ignored {ignored} binary frames that are not text"));
        }
        if log::enabled(Level::Trace) {
            let received = |frame: &Frame| report.trace("received", frame);
            self.frames.iter().for_each(received);
        }
        report.frames(&mut self.frames);
        batch
    }

    fn fill(&mut self, cx: &mut Context<'_>) -> Batch {
        let mut bytes = 0;
        let mut batch = Batch::Full;
        for _ in 0..BATCH_FRAMES {
            let message = match self.socket.poll_next(cx) {
                Poll::Ready(message) => message,
                Poll::Pending => {
                    batch = Batch::Last;
                    break;
                }
            };
            let text = match message {
                Some(Ok(Received::Text(frame))) => Ok(frame),
                Some(Ok(Received::Other(Message::Text(text)))) => Ok(Frame::from(text.as_str())),
                Some(Ok(Received::Other(Message::Binary(data)))) => {
                    let text = std::str::from_utf8(&data);
                    text.map(Frame::from).map_err(|_| None)
                }
                Some(Ok(Received::Other(Message::Close(close)))) => {
                    let code = close.as_ref().map(|close| u16::from(close.code));
                    let reason = close.as_ref().map_or("", |close| &close.reason);
                    Err(Some(LinkFailure::of_close_frame(code, reason)))
                }
                // tungstenite answers pings itself, at the latest when it is read next.
                Some(Ok(_)) => continue,
                Some(Err(error)) => Err(Some(LinkFailure::of_websocket(error))),
                None => Err(Some(LinkFailure::of_close_frame(None, ""))),
            };
            match text {
                Ok(text) => {
                    bytes += text.len();
                    self.frames.push(text);
                    if bytes >= BATCH_BYTES {
                        break;
                    }
                }
                Err(None) => self.ignored += 1,
                Err(Some(failure)) => {
                    batch = Batch::End;
                    self.end = Some(failure);
                    break;
                }
            }
        }
        self.counters.received(self.frames.len(), bytes);
        if batch == Batch::Last && self.frames.is_empty() && self.ignored == 0 {
            batch = Batch::Empty;
        }
        batch
    }
}
