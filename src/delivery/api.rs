//! The interface of delivery for the modules above it.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::consumer::{Consumer, Shared, release};
use super::consumer_slot::Acquired;
use super::dispatcher::Dispatcher;
use super::rows::{Batch, Rows, RowsOf};
use super::running::{enter_callback, in_callback};
use super::signal::{Descriptor, Signal};
use super::wait::Wait;
use super::wakeup::Intake;
use super::{DeliveryItem, Feedback, Mode, SubscriptionMeta};
use crate::error::{Error, Result, Status};
use crate::threads::{self, Work};

/// How long `close` waits at least: what an idle thread may need to wake up and end.
const GRACE: Duration = Duration::from_millis(100);

/// Counters of a delivery.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeliveryStats {
    /// Events delivered: callbacks run and events drained.
    pub events: u64,
    /// How often a subscription overflowed.
    pub overflows: u64,
    /// Events (messages of the server) that wait to be delivered.
    pub queued_events: u64,
    /// Their bytes.
    pub queued_bytes: u64,
}

/// The delivery of one client: a queue, and the consumer that empties it.
pub struct Delivery {
    mode: Mode,
    inner: Arc<Dispatcher>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Delivery {
    /// Makes the delivery: starts the thread in thread mode, opens the descriptor in poll mode.
    /// When more than `budget_bytes` of events wait, the largest subscriptions overflow. The thread
    /// that dispatches waits by the intake, if there is one.
    pub fn new(
        mode: Mode,
        budget_bytes: u64,
        feedback: Weak<dyn Feedback>,
        intake: Option<Box<dyn Intake>>,
    ) -> Result<Arc<Delivery>> {
        let consumer = Box::<Consumer>::default();
        match mode {
            Mode::Thread => {
                let inner = Dispatcher::new(budget_bytes, None, feedback, intake, None);
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
                let signal = Some(signal);
                let inner = Dispatcher::new(budget_bytes, signal, feedback, intake, Some(consumer));
                Ok(Arc::new(Delivery {
                    mode,
                    inner,
                    thread: Mutex::new(None),
                }))
            }
        }
    }

    /// A delivery that is closed already, for a client that could not be made.
    pub fn closed() -> Arc<Delivery> {
        let feedback: Weak<NoFeedback> = Weak::new();
        let inner = Dispatcher::new(0, None, feedback, None, None);
        inner.shared.queue.close();
        inner.consumer_slot.retire();
        Arc::new(Delivery {
            mode: Mode::Poll,
            inner,
            thread: Mutex::new(None),
        })
    }

    /// Appends the items under one lock, and wakes the dispatcher if it sleeps. Returns the
    /// subscriptions that overflow: their slots and the epochs that begin.
    ///
    /// Events of an ended subscription, or of another epoch than the present one, are dropped.
    /// After [`Delivery::close`] nothing is accepted; callbacks that are pushed then are released
    /// when the delivery is dropped.
    pub fn push(&self, items: &mut Vec<DeliveryItem>) -> Vec<(u32, u32)> {
        if items.is_empty() {
            return Vec::new();
        }
        self.inner.shared.queue.push(items)
    }

    /// Ends a subscription: from now on none of its events is delivered, though a callback may
    /// still be running ([`Delivery::quiesce`]). Its callback is released where callbacks run.
    pub fn end(&self, meta: &Arc<SubscriptionMeta>) {
        self.inner.shared.queue.end(meta);
    }

    /// Waits until no callback of these subscriptions, which must have ended, is running. On the
    /// thread that runs the callbacks it returns at once, because it would wait for itself: if
    /// the callback that it was called from is one of these, it is the last one.
    pub fn quiesce(&self, slots: &[u32]) {
        let Shared { running, queue, .. } = &self.inner.shared;
        if running.is_dispatcher() {
            return;
        }
        for &slot in slots {
            // If another subscription has the slot by now, the run is of that one: do not wait.
            if let Some(run) = running.run_of(slot).filter(|_| queue.has_ended(slot)) {
                running.wait_until_over(run);
            }
        }
    }

    /// The descriptor of poll mode: readable while something waits.
    pub fn fd(&self) -> Option<Descriptor> {
        self.inner.shared.queue.fd()
    }

    /// Poll mode: waits until something is queued (for ever without a timeout), runs its
    /// callbacks, at most `max_events` (0: no limit), and returns their number: 0 after the
    /// timeout.
    pub fn dispatch(&self, timeout: Option<Duration>, max_events: usize) -> Result<usize> {
        self.dispatch_into(timeout, max_events, None)
    }

    /// Like [`Delivery::dispatch`], but writes what [`RowsOf`] says into `out`: that runs no callback.
    /// Other callbacks run, in order: `out` ends before one. The result counts rows and callbacks.
    /// The number in a row is [`Registration::user_data`](super::Registration::user_data).
    pub fn take_rows(
        &self,
        of: RowsOf,
        timeout: Option<Duration>,
        most: usize,
        out: &mut Batch,
    ) -> Result<usize> {
        let mut rows = Rows::new(of, std::mem::take(out));
        let count = self.dispatch_into(timeout, most, Some(&mut rows));
        *out = rows.into_batch();
        count
    }

    /// Poll mode: runs the state, token and reply callbacks that wait, ahead of the events that
    /// wait, at most `max` (0: no limit), and returns their number.
    pub fn dispatch_control(&self, max: usize) -> Result<usize> {
        self.consume(Wait::No, |dispatcher, consumer| {
            dispatcher.dispatch_control(consumer, limit(max))
        })
    }

    /// Drops the events that wait of a subscription, because a fresh snapshot will follow. Events
    /// of its new epoch are delivered.
    pub fn drop_waiting(&self, meta: &Arc<SubscriptionMeta>) {
        self.inner.shared.queue.drop_waiting(meta);
    }

    /// The counters.
    pub fn stats(&self) -> DeliveryStats {
        let queue = &self.inner.shared.queue;
        let (load, overflows) = queue.load();
        DeliveryStats {
            events: queue.progress.delivered.load(Ordering::Relaxed),
            overflows,
            queued_events: load.events,
            queued_bytes: load.bytes,
        }
    }

    /// Whether more than half of the budget is used, so that the driver should read more slowly.
    pub fn is_crowded(&self) -> bool {
        self.inner.shared.queue.is_crowded()
    }

    /// Ends the delivery: drops the events that wait, delivers everything else in order, then
    /// releases every callback, all of it where callbacks run; in poll mode that is this thread.
    /// No thread is left then. If a callback is still running at the deadline (or 100 ms from
    /// now, if that is later), its thread does the rest. May be called again.
    pub fn close(&self, deadline: Instant) -> Result<()> {
        if in_callback() {
            let message = "delivery cannot be closed from inside a callback: it would wait for it";
            return Err(Error::new(Status::WouldDeadlock, message));
        }
        let inner = &*self.inner;
        inner.shared.queue.close();
        inner.consumer_slot.notify();
        // Without the grace, a thread that only needs to wake up would look like a callback.
        let deadline = deadline.max(Instant::now() + GRACE);
        let turn = match inner.consumer_slot.acquire(Wait::Until(deadline), || false) {
            Acquired::Busy => inner.consumer_slot.abandon(),
            turn => turn,
        };
        match turn {
            Acquired::Consumer(consumer) => inner.finish(consumer),
            Acquired::Busy => {
                let message = "a callback was still running when the time to close was up; \
                               the rest is released when it returns";
                return Err(Error::new(Status::Timeout, message));
            }
            Acquired::Finished => {}
        }
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(thread) = thread.take() {
            // It has finished and is about to return.
            let _ = thread.join();
        }
        Ok(())
    }

    fn dispatch_into(
        &self,
        timeout: Option<Duration>,
        most: usize,
        rows: Option<&mut Rows>,
    ) -> Result<usize> {
        let wait = match timeout {
            Some(Duration::ZERO) => Wait::No,
            Some(timeout) => Instant::now()
                .checked_add(timeout)
                .map_or(Wait::Forever, Wait::Until),
            None => Wait::Forever,
        };
        self.consume(wait, |dispatcher, consumer| {
            dispatcher.dispatch(consumer, wait, limit(most), rows)
        })
    }

    /// Calls `dispatch` with the consumer, as soon as no other thread has it.
    fn consume(
        &self,
        wait: Wait,
        dispatch: impl FnOnce(&Dispatcher, &mut Consumer) -> usize,
    ) -> Result<usize> {
        if self.mode == Mode::Thread {
            let message = "the client delivers on a thread of its own: \
                           set `delivery` to poll to dispatch yourself";
            return Err(Error::invalid("delivery", message));
        }
        if in_callback() {
            let message = "callbacks cannot be dispatched from inside a callback";
            return Err(Error::new(Status::WouldDeadlock, message));
        }
        let inner = &*self.inner;
        let queue = &inner.shared.queue;
        match inner.consumer_slot.acquire(wait, || queue.is_closed()) {
            Acquired::Consumer(mut consumer) => {
                let count = dispatch(inner, &mut consumer);
                if let Some(consumer) = inner.consumer_slot.release(consumer) {
                    inner.finish(consumer);
                }
                if count == 0 && queue.is_closed() {
                    Err(closed())
                } else {
                    Ok(count)
                }
            }
            Acquired::Busy => Ok(0),
            Acquired::Finished => Err(closed()),
        }
    }
}

impl Drop for Delivery {
    /// Does not join the thread, which ends by itself: this may run on that thread.
    fn drop(&mut self) {
        let inner = &*self.inner;
        inner.shared.queue.close();
        if let Acquired::Consumer(consumer) = inner.consumer_slot.acquire(Wait::No, || false) {
            inner.finish(consumer);
        }
        let _inside = enter_callback();
        release(inner.shared.queue.take_late_items());
    }
}

/// For tests.
#[cfg(test)]
impl Delivery {
    fn take_text(
        &self,
        of: RowsOf,
        timeout: Option<Duration>,
        most: usize,
        out: &mut String,
    ) -> Result<usize> {
        let mut batch = Batch {
            text: std::mem::take(out),
            index: Vec::new(),
        };
        let count = self.take_rows(of, timeout, most, &mut batch);
        *out = batch.text;
        count
    }

    /// Takes the events as one JSON array.
    pub fn drain(&self, timeout: Option<Duration>, most: usize, out: &mut String) -> Result<usize> {
        self.take_text(RowsOf::Events, timeout, most, out)
    }

    /// Takes everything as one JSON array.
    pub fn next(&self, timeout: Option<Duration>, most: usize, out: &mut String) -> Result<usize> {
        self.take_text(RowsOf::Everything, timeout, most, out)
    }

    /// Waits until a thread waits in [`Delivery::quiesce`].
    pub fn await_waiter(&self) {
        while self.inner.shared.running.waiters() == 0 {
            std::thread::yield_now();
        }
    }

    /// Waits until a thread sleeps in [`Delivery::dispatch`].
    pub fn await_sleeper(&self) {
        while !self.inner.shared.queue.has_sleeper() {
            std::thread::yield_now();
        }
    }

    /// Whether [`Delivery::close`] was called.
    pub fn is_closed(&self) -> bool {
        self.inner.shared.queue.is_closed()
    }

    /// A duplicate of the descriptor's readable end.
    pub fn reader(&self) -> std::os::unix::net::UnixStream {
        self.inner.shared.queue.reader()
    }
}

/// The feedback of [`Delivery::closed`].
struct NoFeedback;

impl Feedback for NoFeedback {
    fn caught_up(&self, _: u32, _: u32) {}
    fn malformed(&self, _: u32, _: u32) {}
    fn released(&self, _: u32) {}
    fn token_callback_returned(&self) {}
}

/// A limit as the application gives it: 0 is none.
fn limit(most: usize) -> usize {
    if most == 0 { usize::MAX } else { most }
}

fn closed() -> Error {
    Error::new(Status::Closed, "the client is closed")
}

fn io(what: &str, error: &std::io::Error) -> Error {
    Error::new(Status::Io, format!("{what}: {error}"))
}
