//! Moves frames between a socket and a link's owner. Neither direction waits for the other: frames
//! are received from a peer that does not read, too.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::Sink;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Sleep, sleep};
use tokio_tungstenite::tungstenite::{self, Message};

use super::connection::{LinkStatus, Report};
use super::counters::Counters;
use super::failure::LinkFailure;
use super::stream::Stream;
use super::websocket::{Received, WebSocket};
use crate::log::{self, Level};
use crate::protocol::Frame;

/// A batch ends with this many frames or bytes, so that other tasks can run.
const BATCH_FRAMES: usize = 1024;
const BATCH_BYTES: usize = 1 << 20;
/// The pause between two batches while too much waits for the application. It slows reading, so
/// that TCP slows the server, and does not stop it, so that the server's pings are answered. A
/// batch is so large that no server sends more in this time for long.
const READ_DELAY: Duration = Duration::from_millis(5);
/// How long the closing handshake may take in all.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// How long a link that cannot be written to any more is still read: the server's last frames may
/// be in the system's buffers and say why.
const READ_AFTER_BREAK: Duration = Duration::from_millis(100);

type Socket = WebSocket<Stream>;

pub(super) enum Command {
    Send(String),
    Close,
}

pub(super) struct Pump {
    inbox: UnboundedReceiver<Command>,
    /// Frames from the inbox that are not given to the WebSocket yet.
    waiting: VecDeque<String>,
    /// Bytes that were given to the WebSocket since its buffer was last empty.
    unflushed: usize,
    status: Arc<LinkStatus>,
    counters: Arc<Counters>,
    frames: Vec<Frame>,
    /// Number of binary frames that are not text.
    ignored: usize,
    /// Runs from the command to close.
    closing: Option<Pin<Box<Sleep>>>,
    sent_close: bool,
    /// Why nothing more can be written, and until when the link is still read.
    broken: Option<(LinkFailure, Pin<Box<Sleep>>)>,
}

impl Pump {
    pub fn new(
        inbox: UnboundedReceiver<Command>,
        status: Arc<LinkStatus>,
        counters: Arc<Counters>,
    ) -> Self {
        Pump {
            inbox,
            waiting: VecDeque::new(),
            unflushed: 0,
            status,
            counters,
            frames: Vec::new(),
            ignored: 0,
            closing: None,
            sent_close: false,
            broken: None,
        }
    }

    /// Waits until the socket is open, or the link is closed.
    pub async fn wait_for(
        &mut self,
        connecting: impl Future<Output = Result<Socket, LinkFailure>>,
    ) -> Result<Socket, LinkFailure> {
        let mut connecting = pin!(connecting);
        poll_fn(|cx| {
            self.take_commands(cx);
            if self.closing.is_some() {
                return Poll::Ready(Err(LinkFailure::of_own_close()));
            }
            connecting.as_mut().poll(cx)
        })
        .await
    }

    /// Pumps until the link's end.
    pub async fn run(&mut self, socket: &mut Socket, report: &Report) -> LinkFailure {
        loop {
            let end = poll_fn(|cx| self.poll(cx, socket, report)).await;
            if self.ignored > 0 {
                let ignored = std::mem::take(&mut self.ignored);
                report.log(|id| {
                    format!("link {id}: ignored {ignored} binary frames that are not text")
                });
            }
            if log::enabled(Level::Trace) {
                let received = |frame: &Frame| report.trace("received", frame);
                self.frames.iter().for_each(received);
            }
            report.frames(&mut self.frames);
            match end {
                Some(_) if self.closing.is_some() => return LinkFailure::of_own_close(),
                Some(failure) => return failure,
                None if report.is_crowded() => sleep(READ_DELAY).await,
                None => tokio::task::yield_now().await,
            }
        }
    }

    /// Ready if frames were received, or with the reason of the link's end.
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        socket: &mut Socket,
        report: &Report,
    ) -> Poll<Option<LinkFailure>> {
        self.take_commands(cx);
        if self.broken.is_none() {
            let failure = self.write(cx, socket, report).err();
            let end = || Box::pin(sleep(READ_AFTER_BREAK));
            self.broken = failure.map(|error| (LinkFailure::of_websocket(error), end()));
        }
        let out_of_time = |closing: &mut Pin<Box<Sleep>>| closing.as_mut().poll(cx).is_ready();
        if self.closing.as_mut().is_some_and(out_of_time) {
            return Poll::Ready(Some(LinkFailure::of_own_close()));
        }
        if let Poll::Ready(end) = self.read(cx, socket) {
            return Poll::Ready(end);
        }
        match &mut self.broken {
            Some((failure, end)) => end.as_mut().poll(cx).map(|()| Some(failure.clone())),
            None => Poll::Pending,
        }
    }

    /// Empties the inbox, so that a command to close is seen although the peer does not read.
    fn take_commands(&mut self, cx: &mut Context<'_>) {
        while self.closing.is_none() {
            match self.inbox.poll_recv(cx) {
                Poll::Ready(Some(Command::Send(text))) => self.waiting.push_back(text),
                Poll::Ready(Some(Command::Close) | None) => {
                    self.inbox.close();
                    self.closing = Some(Box::pin(sleep(CLOSE_TIMEOUT)));
                }
                Poll::Pending => break,
            }
        }
    }

    /// Writes what is to be sent, as far as the system takes it.
    fn write(
        &mut self,
        cx: &mut Context<'_>,
        socket: &mut Socket,
        report: &Report,
    ) -> Result<(), tungstenite::Error> {
        let mut socket = socket.sink();
        while socket.as_mut().poll_ready(cx)?.is_ready() {
            if let Some(text) = self.waiting.pop_front() {
                report.trace("sent", &text);
                self.counters.sent(text.len());
                self.unflushed += text.len();
                socket.as_mut().start_send(Message::text(text))?;
            } else if self.closing.is_some() && !self.sent_close {
                self.sent_close = true;
                socket.as_mut().start_send(Message::Close(None))?;
            } else {
                break;
            }
        }
        // Also flushes what tungstenite itself sends, such as pongs.
        if socket.poll_flush(cx)?.is_ready() {
            let unsent = &self.status.unsent;
            unsent.fetch_sub(self.unflushed, Ordering::Relaxed);
            self.unflushed = 0;
        }
        Ok(())
    }

    /// Reads into `frames`, at most one batch. Pending if there was nothing.
    fn read(&mut self, cx: &mut Context<'_>, socket: &mut Socket) -> Poll<Option<LinkFailure>> {
        let mut bytes = 0;
        let mut outcome = Poll::Ready(None);
        for _ in 0..BATCH_FRAMES {
            let message = match socket.poll_next(cx) {
                Poll::Ready(message) => message,
                Poll::Pending => {
                    outcome = Poll::Pending;
                    break;
                }
            };
            let text = match message {
                Some(Ok(Received::Text(frame))) => Ok(frame),
                Some(Ok(Received::Other(Message::Text(text)))) => Ok(Frame::from(text.as_str())),
                Some(Ok(Received::Other(Message::Binary(data)))) => {
                    match std::str::from_utf8(&data) {
                        Ok(text) => Ok(Frame::from(text)),
                        Err(_) => Err(None),
                    }
                }
                Some(Ok(Received::Other(Message::Close(close)))) => {
                    let code = close.as_ref().map(|close| u16::from(close.code));
                    let reason = close.as_ref().map_or("", |close| &close.reason);
                    Err(Some(LinkFailure::of_close_frame(code, reason)))
                }
                // tungstenite answers pings itself.
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
                Err(end) => {
                    outcome = Poll::Ready(end);
                    break;
                }
            }
        }
        self.counters.received(self.frames.len(), bytes);
        match outcome {
            Poll::Pending if !self.frames.is_empty() || self.ignored > 0 => Poll::Ready(None),
            outcome => outcome,
        }
    }
}
