//! An open link, which two threads may read: the I/O thread and the client's consumer, the thread
//! that runs the callbacks.
//!
//! Where nothing waits for the application, the consumer waits for the socket itself
//! ([`watch`](super::watch)), reads it, and runs the callbacks: one wake-up for an event. While it
//! runs them, the I/O thread reads ([`readiness`](super::readiness)). Both step through the session
//! and fill the queue in their turn, so that the order of reading is the order of delivery.
//!
//! The consumer only reads. What is to be written, the timers and the end of the link are the I/O
//! task's, which is woken where the consumer finds something of that kind.
//!
//! Why nothing stays unread. What comes wakes the consumer if that waits, and else the I/O thread.
//! Whoever is woken takes a turn after that, or leaves a note for the thread whose turn it is
//! ([`turns`](super::turns)). A turn ends when the socket has nothing left, or the thread goes on
//! with another turn, or it wakes the I/O task.

use std::sync::Arc;
use std::task::{Context, Wake, Waker};

use futures_util::task::AtomicWaker;

use super::connection::Report;
use super::failure::LinkFailure;
use super::reader::{Batch, Reader};
use super::runtime::catch_call;
use super::turns::{READ, Turns, WRITE};

/// See the module.
pub(super) struct OpenLink {
    pub reader: Turns<Reader>,
    pub report: Arc<Report>,
    task: Arc<Task>,
}

/// The link's task on the I/O thread.
#[derive(Default)]
struct Task(AtomicWaker);

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.0.wake();
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
    pub fn new(reader: Reader, report: Arc<Report>) -> Arc<OpenLink> {
        Arc::new(OpenLink {
            reader: Turns::new(reader),
            report,
            task: Arc::default(),
        })
    }

    /// The context is the link's task's, on the I/O thread, until the next call.
    pub fn has_task(&self, cx: &Context<'_>) {
        self.task.0.register(cx.waker());
    }

    /// Reads on the consumer's thread, which was woken because something has come.
    pub fn read_here(&self) -> Here {
        for round in 1.. {
            let Some(((batch, before), after)) = self.reader.turn(READ, |reader, notes| {
                // The end of the connection wakes the I/O thread, too, which leaves the note.
                reader.tcp().readable(notes & READ != 0);
                // What has to be polled once more is polled by the task.
                let waker = Waker::from(Arc::clone(&self.task));
                let mut cx = Context::from_waker(&waker);
                let batch = catch_call(|| reader.read(&mut cx, &self.report));
                let batch = batch.unwrap_or_else(|| reader.fail(LinkFailure::of_panic()));
                (batch, notes)
            }) else {
                return Here::Elsewhere;
            };
            let again = after & READ != 0;
            let leave = matches!(batch, Batch::Full | Batch::End) || again && round == ROUNDS;
            if leave || (before | after) & WRITE != 0 {
                self.task.0.wake();
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
