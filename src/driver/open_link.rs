//! An open link, which two threads may read: the I/O thread and the client's consumer, the thread
//! that runs the callbacks.
//!
//! Where nothing waits for the application, the consumer waits for the socket itself
//! ([`watch`](super::watch)), reads it, and runs the callbacks: one wake-up for an event. While it
//! runs them, the I/O thread reads ([`readiness`](super::readiness)). Both step through the session
//! and fill the queue in their turn, so that the order of reading is the order of delivery.
//!
//! The thread that reads also writes what the session answers to that ([`outbox`](super::outbox)).
//! Everything else that is to be written, what the system does not take at once, the timers and the
//! end of the link are the I/O task's, which is woken where the consumer finds something of that
//! kind.
//!
//! Why nothing stays unread. What comes wakes the consumer if that waits, and else the I/O thread.
//! Whoever is woken takes a turn after that, or leaves a note for the thread whose turn it is
//! ([`turns`](super::turns)). A turn ends when the socket has nothing left, or the thread goes on
//! with another turn, or it wakes the I/O task.

use std::sync::Arc;
use std::task::{Context, Waker};

use super::connection::Report;
use super::failure::LinkFailure;
use super::outbox::Outbox;
use super::reader::{Batch, Reader};
use super::runtime::catch_call;
use super::turns::{READ, Turns, WRITE};
use super::writer::Writer;

/// See the module.
pub(super) struct OpenLink {
    pub ends: Turns<Ends>,
    pub report: Arc<Report>,
    pub outbox: Arc<Outbox>,
}

/// What the thread has whose turn it is.
pub(super) struct Ends {
    pub reader: Reader,
    pub writer: Writer,
}

impl Ends {
    /// Reads at most one batch, reports it, and writes what that has caused to be sent.
    pub fn read(&mut self, cx: &mut Context<'_>, report: &Report) -> Batch {
        self.writer.attend();
        let batch = catch_call(|| self.reader.read(cx, report));
        self.writer
            .write(cx, &mut self.reader.socket, report, false);
        batch.unwrap_or_else(|| self.reader.fail(LinkFailure::of_panic()))
    }
}

/// What [`OpenLink::read_here`] has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Here {
    /// It has read the link.
    Read,
    /// The I/O thread reads it.
    Elsewhere,
    /// The link has ended.
    Ended,
}

/// How often the consumer reads what came while it read, before it runs the callbacks.
const ROUNDS: usize = 2;

impl OpenLink {
    pub fn new(ends: Ends, report: Arc<Report>, outbox: Arc<Outbox>) -> Arc<OpenLink> {
        Arc::new(OpenLink {
            ends: Turns::new(ends),
            report,
            outbox,
        })
    }

    /// Reads on the consumer's thread, which was woken because something has come.
    pub fn read_here(&self) -> Here {
        for round in 1.. {
            let Some(((batch, before, blocked), after)) = self.ends.turn(READ, |ends, notes| {
                // The end of the connection wakes the I/O thread, too, which leaves the note.
                ends.reader.tcp().readable(notes & READ != 0);
                // What has to be polled once more is polled by the task.
                let waker = Waker::from(Arc::clone(&self.outbox));
                let batch = ends.read(&mut Context::from_waker(&waker), &self.report);
                (batch, notes, ends.writer.needs_task())
            }) else {
                return Here::Elsewhere;
            };
            let again = after & READ != 0;
            let leave = matches!(batch, Batch::Full | Batch::End) || again && round == ROUNDS;
            if leave || blocked || (before | after) & WRITE != 0 {
                self.outbox.wake_task();
            }
            if batch == Batch::End {
                return Here::Ended;
            }
            if leave || !again {
                break;
            }
        }
        Here::Read
    }
}
