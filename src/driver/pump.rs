//! Moves frames between a socket and a link's owner. Neither direction ever
//! waits for the other: a peer that does not read is still heard.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::{Sink, Stream as _};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Sleep, sleep};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{self, Message};

use super::connection::{LinkStatus, Report};
use super::failure::LinkFailure;
use super::packer::Packer;
use super::stream::Stream;
use super::traffic::Traffic;
use crate::log::{self, Level};
use crate::protocol::Frame;

/// A batch ends with this many frames or bytes, so that others get their turn.
const BATCH_FRAMES: usize = 256;
const BATCH_BYTES: usize = 1 << 20;
/// The pause between two batches while the application is behind: the network
/// holds what it will soon be able to take. It slows reading down and does not
/// stop it, so that the server's pings get through: far more than any server
/// sends still fits between two pauses.
const BRAKE: Duration = Duration::from_millis(5);
/// How long a polite farewell may take in all.
const FAREWELL: Duration = Duration::from_secs(1);
/// How long a link that cannot be written to any more is still read: the server's
/// last words may be on the way from the system, and tell why.
const LAST_WORDS: Duration = Duration::from_millis(100);

type Socket = WebSocketStream<Stream>;

pub(super) enum Order {
    Send(String),
    Close,
}

pub(super) struct Pump {
    inbox: UnboundedReceiver<Order>,
    /// Taken from the inbox, not yet given to the WebSocket.
    waiting: VecDeque<String>,
    /// Bytes that were given to the WebSocket since its buffer was last empty.
    unflushed: usize,
    status: Arc<LinkStatus>,
    traffic: Arc<Traffic>,
    frames: Vec<Frame>,
    packer: Packer,
    /// Binary frames that were no text.
    ignored: usize,
    /// Runs from the order to close.
    farewell: Option<Pin<Box<Sleep>>>,
    said_goodbye: bool,
    /// Nothing more can be written, and until when it is read.
    broken: Option<(LinkFailure, Pin<Box<Sleep>>)>,
}

impl Pump {
    pub fn new(
        inbox: UnboundedReceiver<Order>,
        status: Arc<LinkStatus>,
        traffic: Arc<Traffic>,
    ) -> Self {
        Pump {
            inbox,
            waiting: VecDeque::new(),
            unflushed: 0,
            status,
            traffic,
            frames: Vec::new(),
            packer: Packer::default(),
            ignored: 0,
            farewell: None,
            said_goodbye: false,
            broken: None,
        }
    }

    /// Waits until the socket is open, unless the link is closed before.
    pub async fn wait_for(
        &mut self,
        connecting: impl Future<Output = Result<Socket, LinkFailure>>,
    ) -> Result<Socket, LinkFailure> {
        let mut connecting = pin!(connecting);
        poll_fn(|cx| {
            self.take_orders(cx);
            if self.farewell.is_some() {
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
                report.log(|id| format!("link {id}: ignored {ignored} binary frames of no text"));
            }
            if log::enabled(Level::Trace) {
                let received = |frame: &Frame| report.trace("received", frame);
                self.frames.iter().for_each(received);
            }
            report.frames(&mut self.frames);
            match end {
                Some(_) if self.farewell.is_some() => return LinkFailure::of_own_close(),
                Some(failure) => return failure,
                None if report.is_crowded() => sleep(BRAKE).await,
                None => tokio::task::yield_now().await,
            }
        }
    }

    /// Ready when there are frames to hand over, or with the link's end.
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        socket: &mut Socket,
        report: &Report,
    ) -> Poll<Option<LinkFailure>> {
        self.take_orders(cx);
        if self.broken.is_none() {
            let failure = self.write(cx, socket, report).err();
            let end = || Box::pin(sleep(LAST_WORDS));
            self.broken = failure.map(|error| (LinkFailure::of_websocket(error), end()));
        }
        let out_of_time = |farewell: &mut Pin<Box<Sleep>>| farewell.as_mut().poll(cx).is_ready();
        if self.farewell.as_mut().is_some_and(out_of_time) {
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

    /// Empties the inbox, so that an order to close is heard though the peer
    /// does not read.
    fn take_orders(&mut self, cx: &mut Context<'_>) {
        while self.farewell.is_none() {
            match self.inbox.poll_recv(cx) {
                Poll::Ready(Some(Order::Send(text))) => self.waiting.push_back(text),
                Poll::Ready(Some(Order::Close) | None) => {
                    self.inbox.close();
                    self.farewell = Some(Box::pin(sleep(FAREWELL)));
                }
                Poll::Pending => break,
            }
        }
    }

    /// Moves what is to be sent towards the system, as far as it takes it.
    fn write(
        &mut self,
        cx: &mut Context<'_>,
        socket: &mut Socket,
        report: &Report,
    ) -> Result<(), tungstenite::Error> {
        let mut socket = Pin::new(socket);
        while socket.as_mut().poll_ready(cx)?.is_ready() {
            if let Some(text) = self.waiting.pop_front() {
                report.trace("sent", &text);
                self.traffic.sent(text.len());
                self.unflushed += text.len();
                socket.as_mut().start_send(Message::text(text))?;
            } else if self.farewell.is_some() && !self.said_goodbye {
                self.said_goodbye = true;
                socket.as_mut().start_send(Message::Close(None))?;
            } else {
                break;
            }
        }
        // Also what tungstenite itself wants to say.
        if socket.poll_flush(cx)?.is_ready() {
            let backlog = &self.status.backlog;
            backlog.fetch_sub(self.unflushed, Ordering::Relaxed);
            self.unflushed = 0;
        }
        Ok(())
    }

    /// Reads what is there into `frames`, up to a batch. Pending when there was
    /// nothing at all.
    fn read(&mut self, cx: &mut Context<'_>, socket: &mut Socket) -> Poll<Option<LinkFailure>> {
        let mut socket = Pin::new(socket);
        let mut bytes = 0;
        let mut outcome = Poll::Ready(None);
        for _ in 0..BATCH_FRAMES {
            let message = match socket.as_mut().poll_next(cx) {
                Poll::Ready(message) => message,
                Poll::Pending => {
                    outcome = Poll::Pending;
                    break;
                }
            };
            let text = match message {
                Some(Ok(Message::Text(text))) => Ok(text),
                Some(Ok(Message::Binary(data))) => Frame::try_from(data).map_err(|_| None),
                Some(Ok(Message::Close(goodbye))) => {
                    let code = goodbye.as_ref().map(|goodbye| u16::from(goodbye.code));
                    let reason = goodbye.as_ref().map_or("", |goodbye| &goodbye.reason);
                    Err(Some(LinkFailure::of_goodbye(code, reason)))
                }
                // tungstenite answers pings itself.
                Some(Ok(_)) => continue,
                Some(Err(error)) => Err(Some(LinkFailure::of_websocket(error))),
                None => Err(Some(LinkFailure::of_goodbye(None, ""))),
            };
            match text {
                Ok(text) => {
                    bytes += text.len();
                    self.frames.push(self.packer.pack(text));
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
        self.traffic.received(self.frames.len(), bytes);
        match outcome {
            Poll::Pending if !self.frames.is_empty() || self.ignored > 0 => Poll::Ready(None),
            outcome => outcome,
        }
    }
}
