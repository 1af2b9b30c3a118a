//! A link's part of the I/O thread: moves frames between a socket and the link's owner, until the
//! link's end. Neither direction waits for the other: frames are received from a peer that does not
//! read, too.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Sleep, sleep};

use super::connection::Report;
use super::failure::LinkFailure;
use super::open_link::{Ends, OpenLink};
use super::outbox::Outbox;
use super::reader::{Batch, Socket};
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

pub(super) struct Pump {
    outbox: Arc<Outbox>,
    /// Runs from the command to close.
    closing: Option<Pin<Box<Sleep>>>,
    /// Why nothing more can be written, and until when the link is still read.
    broken: Option<(LinkFailure, Pin<Box<Sleep>>)>,
}

impl Pump {
    pub fn new(outbox: Arc<Outbox>) -> Self {
        Pump {
            outbox,
            closing: None,
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
            self.outbox.has_task(cx);
            if self.outbox.is_closing() {
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
        self.outbox.has_task(cx);
        if self.closing.is_none() && self.outbox.is_closing() {
            self.closing = Some(Box::pin(sleep(CLOSE_TIMEOUT)));
        }
        let changed = watched.is_some_and(|watched| watched.poll_changed(cx));
        let out_of_time = |closing: &mut Pin<Box<Sleep>>| closing.as_mut().poll(cx).is_ready();
        if self.closing.as_mut().is_some_and(out_of_time) {
            return Poll::Ready(Some(LinkFailure::of_own_close()));
        }
        let has_to_write = self.outbox.unsent() > 0 || self.closing.is_some();
        let wanted = READ | if has_to_write { WRITE } else { 0 };
        let turn = link.ends.turn(wanted, |ends, notes| {
            if changed || notes & READ != 0 {
                ends.reader.tcp().readable(true);
            }
            self.take_turn(cx, ends, &link.report)
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
        ends: &mut Ends,
        report: &Report,
    ) -> Poll<Option<LinkFailure>> {
        ends.writer.write(cx, &mut ends.reader.socket, report, true);
        let batch = ends.read(cx, report);
        if let (Some(failure), None) = (ends.writer.failure(), &self.broken) {
            let end = Box::pin(sleep(READ_AFTER_BREAK));
            self.broken = Some((failure.clone(), end));
        }
        match batch {
            Batch::Empty => Poll::Pending,
            Batch::Last | Batch::Full => Poll::Ready(None),
            Batch::End => Poll::Ready(ends.reader.end().cloned()),
        }
    }
}
