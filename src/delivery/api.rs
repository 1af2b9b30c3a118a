//! Delivery as the rooms above see it.

use std::os::fd::RawFd;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::consumer::{Consumer, Shop, release};
use super::desk::Turn;
use super::dispatcher::Dispatcher;
use super::drain::Batch;
use super::presence::{enter_callback, in_callback};
use super::queue::Wait;
use super::wakeup::Signal;
use super::{DeliveryItem, Feedback, Mode, SubscriptionMeta};
use crate::error::{Error, Result, Status};
use crate::threads::{self, Work};

/// What a thread with nothing left to do may take to end.
const GRACE: Duration = Duration::from_millis(100);

/// Counters of a delivery.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeliveryStats {
    /// Events delivered: callbacks run and events drained.
    pub events: u64,
    /// Times that a subscription lost what waited for want of room.
    pub overflows: u64,
    /// Messages that wait to be delivered.
    pub queued_events: u64,
    /// Their bytes.
    pub queued_bytes: u64,
}

/// The way to the application of one client: a queue, and whoever empties it.
pub struct Delivery {
    mode: Mode,
    inner: Arc<Dispatcher>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Delivery {
    /// Makes the delivery: in thread mode it starts the thread, in poll mode it
    /// opens the descriptor. Once `budget_bytes` of events wait, subscriptions
    /// lose theirs.
    pub fn new(
        mode: Mode,
        budget_bytes: u64,
        feedback: Weak<dyn Feedback>,
    ) -> Result<Arc<Delivery>> {
        let consumer = Box::<Consumer>::default();
        match mode {
            Mode::Thread => {
                let inner = Dispatcher::new(budget_bytes, None, feedback, None);
                let worker = Arc::clone(&inner);
                let run = move || worker.run(consumer);
                let thread = threads::spawn("drt-dispatch", Work::Callbacks, run)
                    .map_err(|error| io("the dispatcher thread could not be started", &error))?;
                Ok(Arc::new(Delivery {
                    mode,
                    inner,
                    thread: Mutex::new(Some(thread)),
                }))
            }
            Mode::Poll => {
                let signal = Signal::new()
                    .map_err(|error| io("the descriptor to poll could not be opened", &error))?;
                let inner = Dispatcher::new(budget_bytes, Some(signal), feedback, Some(consumer));
                Ok(Arc::new(Delivery {
                    mode,
                    inner,
                    thread: Mutex::new(None),
                }))
            }
        }
    }

    /// One that is closed already, for a client that could not be made.
    pub fn closed() -> Arc<Delivery> {
        let feedback: Weak<NoFeedback> = Weak::new();
        let inner = Dispatcher::new(0, None, feedback, None);
        inner.shop.queue.close();
        inner.desk.leave_for_good();
        Arc::new(Delivery {
            mode: Mode::Poll,
            inner,
            thread: Mutex::new(None),
        })
    }

    /// Appends a batch under one lock, and wakes the dispatcher if it sleeps.
    /// Returns the subscriptions that lost what waited for them for want of
    /// room, each with the epoch that begins: their slots and epochs.
    ///
    /// Events of an ended subscription, or of another epoch than the present
    /// one, are left out. After [`Delivery::close`] nothing is taken any more;
    /// callbacks that come too late are dropped with the delivery.
    pub fn push(&self, batch: &mut Vec<DeliveryItem>) -> Vec<(u32, u32)> {
        if batch.is_empty() {
            return Vec::new();
        }
        self.inner.shop.queue.push(batch)
    }

    /// A subscription has ended: from now on nothing of it is delivered any
    /// more, though a callback may still be running ([`Delivery::quiesce`]).
    /// Its callback is dropped where callbacks run.
    pub fn end(&self, meta: &Arc<SubscriptionMeta>) {
        self.inner.shop.queue.end(meta);
    }

    /// Drops what waits for a subscription, without [`DeliveryItem::CaughtUp`], and
    /// returns the epoch that begins.
    pub fn discard(&self, meta: &Arc<SubscriptionMeta>) -> u32 {
        self.inner.shop.queue.discard(meta)
    }

    /// Waits until no callback of these subscriptions is running. They must
    /// have ended before. On the thread that runs the callbacks it returns at
    /// once: the one it was called from, if it is one of these, is the last.
    pub fn quiesce(&self, slots: &[u32]) {
        let Shop {
            presence, queue, ..
        } = &self.inner.shop;
        if presence.is_dispatcher() {
            return;
        }
        for &slot in slots {
            // Where another subscription has the place by now, it is that one's
            // run, and nothing to wait for.
            if let Some(run) = presence.run_at(slot).filter(|_| queue.has_ended(slot)) {
                presence.wait_until_left(run);
            }
        }
    }

    /// The descriptor of poll mode: readable while something waits.
    pub fn fd(&self) -> Option<RawFd> {
        self.inner.shop.queue.fd()
    }

    /// Poll mode: waits for something (for ever without a timeout), runs the
    /// callbacks of what is there, at most `max_events` (0: no limit), and
    /// returns how many it ran: 0 after the timeout.
    pub fn dispatch(&self, timeout: Option<Duration>, max_events: usize) -> Result<usize> {
        self.take_turn(timeout, max_events, None)
    }

    /// Like [`Delivery::dispatch`], but writes the events into `out` as one JSON
    /// array, `[[key,kind,flags,sequence,index,count,data,meta?],…]`, `key` being
    /// [`EventSink::drain_key`](super::EventSink::drain_key). Other callbacks
    /// run, in their place: a batch ends before one. The result counts both.
    pub fn drain(
        &self,
        timeout: Option<Duration>,
        max_events: usize,
        out: &mut String,
    ) -> Result<usize> {
        let mut batch = Batch::new(std::mem::take(out));
        let count = self.take_turn(timeout, max_events, Some(&mut batch));
        *out = batch.into_text();
        count
    }

    /// The counters.
    pub fn stats(&self) -> DeliveryStats {
        let queue = &self.inner.shop.queue;
        let (load, overflows) = queue.load();
        DeliveryStats {
            events: queue.progress.delivered.load(Ordering::Relaxed),
            overflows,
            queued_events: load.events,
            queued_bytes: load.bytes,
        }
    }

    /// Whether so much waits that more should come slowly: over half the budget.
    pub fn is_crowded(&self) -> bool {
        self.inner.shop.queue.is_crowded()
    }

    /// Ends the delivery: events that wait are dropped, everything else still
    /// runs, in order, then every callback is dropped, all of that where
    /// callbacks run; in poll mode that is here. No thread is left then. If a
    /// callback is still running at the deadline, or a moment from now if that is
    /// later, the rest is left to the thread that it runs on. May be called again.
    pub fn close(&self, deadline: Instant) -> Result<()> {
        if in_callback() {
            let message = "delivery cannot be closed from inside a callback: it would wait for it";
            return Err(Error::new(Status::WouldDeadlock, message));
        }
        let inner = &*self.inner;
        inner.shop.queue.close();
        inner.desk.stir();
        // Else a thread that only has to wake up would pass for a callback.
        let deadline = deadline.max(Instant::now() + GRACE);
        let turn = match inner.desk.sit_down(Wait::Until(deadline), || false) {
            Turn::Late => inner.desk.orphan(),
            turn => turn,
        };
        match turn {
            Turn::Yours(consumer) => inner.finish(consumer),
            Turn::Late => {
                let message = "a callback was still running when the time to close was up; \
                               the rest is released when it returns";
                return Err(Error::new(Status::Timeout, message));
            }
            Turn::Over => {}
        }
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(thread) = thread.take() {
            // It has done everything and is about to return.
            let _ = thread.join();
        }
        Ok(())
    }

    fn take_turn(
        &self,
        timeout: Option<Duration>,
        max_events: usize,
        batch: Option<&mut Batch>,
    ) -> Result<usize> {
        if self.mode == Mode::Thread {
            let message = "the client delivers on a thread of its own; \
                           make it with DRT_DELIVER_POLL to dispatch yourself";
            return Err(Error::new(Status::InvalidArgument, message));
        }
        if in_callback() {
            let message = "callbacks cannot be dispatched from inside a callback";
            return Err(Error::new(Status::WouldDeadlock, message));
        }
        let wait = match timeout {
            Some(Duration::ZERO) => Wait::No,
            Some(timeout) => Instant::now()
                .checked_add(timeout)
                .map_or(Wait::Forever, Wait::Until),
            None => Wait::Forever,
        };
        let inner = &*self.inner;
        let queue = &inner.shop.queue;
        match inner.desk.sit_down(wait, || queue.is_closed()) {
            Turn::Yours(mut consumer) => {
                let most = if max_events == 0 {
                    usize::MAX
                } else {
                    max_events
                };
                let count = inner.dispatch(&mut consumer, wait, most, batch);
                if let Some(consumer) = inner.desk.get_up(consumer) {
                    inner.finish(consumer);
                }
                if count == 0 && queue.is_closed() {
                    Err(closed())
                } else {
                    Ok(count)
                }
            }
            Turn::Late => Ok(0),
            Turn::Over => Err(closed()),
        }
    }
}

impl Drop for Delivery {
    /// Without [`Delivery::close`] a thread finishes by itself: this may run on
    /// that very thread.
    fn drop(&mut self) {
        let inner = &*self.inner;
        inner.shop.queue.close();
        if let Turn::Yours(consumer) = inner.desk.sit_down(Wait::No, || false) {
            inner.finish(consumer);
        }
        let _inside = enter_callback();
        release(inner.shop.queue.take_remains());
    }
}

/// What tests look at.
#[cfg(test)]
impl Delivery {
    /// Waits until a thread waits in [`Delivery::quiesce`].
    pub fn await_waiter(&self) {
        while self.inner.shop.presence.waiters() == 0 {
            std::thread::yield_now();
        }
    }

    /// Waits until a thread sleeps in [`Delivery::dispatch`].
    pub fn await_sleeper(&self) {
        while !self.inner.shop.queue.has_sleeper() {
            std::thread::yield_now();
        }
    }

    /// Whether [`Delivery::close`] was called.
    pub fn is_closed(&self) -> bool {
        self.inner.shop.queue.is_closed()
    }

    /// The readable end once more.
    pub fn reader(&self) -> std::os::unix::net::UnixStream {
        self.inner.shop.queue.reader()
    }
}

/// The feedback of a delivery that never was.
struct NoFeedback;

impl Feedback for NoFeedback {
    fn caught_up(&self, _: u32, _: u32) {}
    fn malformed(&self, _: u32, _: u32) {}
    fn released(&self, _: u32) {}
    fn token_callback_returned(&self) {}
}

fn closed() -> Error {
    Error::new(Status::Closed, "the client is closed")
}

fn io(what: &str, error: &std::io::Error) -> Error {
    Error::new(Status::Io, format!("{what}: {error}"))
}
