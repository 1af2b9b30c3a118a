//! A link's part of the I/O thread: moves frames between a socket and the link's owner, until the
//! link's end. Neither direction waits for the other: frames are received from a peer that does not
//! read, too.

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
use super::open_link::OpenLink;
use super::reader::{Batch, Reader, Socket};
use super::turns::{READ, WRITE};
use super::watch::Watched;

/// The pause between two batches while too much waits for the application. It slows reading, so
/// that TCP slows the server, and does not stop it, so that the server's pings are answered. A
/// batch is so large that no server sends more in this time for long.
const READ_DELAY: Duration = Duration::from_millis(5);
/// How long the closing handshake may take in all.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// How long a link that cannot be written to any more is still read: the server's last frames may
/// be in the system's buffers and say why.
const READ_AFTER_BREAK: Duration = Duration::from_millis(100);

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

    /// Pumps until the link's end. `watched`, if the consumer reads the link, too.
    pub async fn run(&mut self, link: &OpenLink, watched: Option<&Watched>) -> LinkFailure {
        loop {
            let end = poll_fn(|cx| self.poll(cx, link, watched)).await;
            match end {
                Some(_) if self.closing.is_some() => return LinkFailure::of_own_close(),
                Some(failure) => return failure,
                None if link.report.is_crowded() => sleep(READ_DELAY).await,
                None => tokio::task::yield_now().await,
            }
        }
    }

    /// Ready if frames were received, or with the reason of the link's end.
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        link: &OpenLink,
        watched: Option<&Watched>,
    ) -> Poll<Option<LinkFailure>> {
        // Before this looks for notes or finds the link's end.
        link.has_task(cx);
        self.take_commands(cx);
        let changed = watched.is_some_and(|watched| watched.poll_changed(cx));
        let out_of_time = |closing: &mut Pin<Box<Sleep>>| closing.as_mut().poll(cx).is_ready();
        if self.closing.as_mut().is_some_and(out_of_time) {
            return Poll::Ready(Some(LinkFailure::of_own_close()));
        }
        let wanted = READ | if self.has_to_write() { WRITE } else { 0 };
        let turn = link.reader.turn(wanted, |reader, notes| {
            if changed || notes & READ != 0 {
                reader.tcp().readable(true);
            }
            self.take_turn(cx, reader, &link.report)
        });
        // If the consumer has its turn, it wakes this task afterwards where there is need.
        if let Some((outcome, notes)) = turn {
            if notes & READ != 0 {
                cx.waker().wake_by_ref();
            }
            if outcome.is_ready() {
                return outcome;
            }
        }
        match &mut self.broken {
            Some((failure, end)) => end.as_mut().poll(cx).map(|()| Some(failure.clone())),
            None => Poll::Pending,
        }
    }

    fn take_turn(
        &mut self,
        cx: &mut Context<'_>,
        reader: &mut Reader,
        report: &Report,
    ) -> Poll<Option<LinkFailure>> {
        if self.broken.is_none() {
            let failure = self.write(cx, &mut reader.socket, report).err();
            let end = || Box::pin(sleep(READ_AFTER_BREAK));
            self.broken = failure.map(|error| (LinkFailure::of_websocket(error), end()));
        }
        match reader.read(cx, report) {
            Batch::Empty => Poll::Pending,
            Batch::Last | Batch::Full => Poll::Ready(None),
            Batch::End => Poll::Ready(reader.end().cloned()),
        }
    }

    fn has_to_write(&self) -> bool {
        !self.waiting.is_empty() || self.unflushed > 0 || self.closing.is_some()
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
}
