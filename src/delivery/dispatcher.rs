//! Dispatching: on the library's dispatcher thread, in the application's calls of dispatch, and
//! one last time when the client is closed.

use std::sync::{Arc, Weak};

use super::Feedback;
use super::consumer::{Consumer, DispatchLimits, Shared};
use super::consumer_slot::ConsumerSlot;
use super::queue::{Queue, Refill};
use super::rows::Rows;
use super::running::{Running, enter_callback};
use super::signal::Signal;
use super::wait::Wait;
use super::wakeup::Intake;

/// What the thread that dispatches shares with all others.
pub(super) struct Dispatcher {
    pub shared: Shared,
    pub consumer_slot: ConsumerSlot,
}

impl Dispatcher {
    pub fn new(
        budget: u64,
        signal: Option<Signal>,
        feedback: Weak<dyn Feedback>,
        intake: Option<Box<dyn Intake>>,
        consumer: Option<Box<Consumer>>,
    ) -> Arc<Dispatcher> {
        let queue = Queue::new(budget, signal, intake);
        let shared = Shared {
            queue,
            running: Running::default(),
            feedback,
        };
        Arc::new(Dispatcher {
            shared,
            consumer_slot: ConsumerSlot::new(consumer),
        })
    }

    /// The dispatcher thread, from its start to its end.
    pub fn run(&self, mut consumer: Box<Consumer>) {
        self.shared.running.dispatching(true);
        {
            let _inside = enter_callback();
            while self.work(&mut consumer, Wait::Forever) {}
        }
        self.finish(consumer);
    }

    /// Delivers one batch. False if the queue is empty, after the wait, or closed.
    fn work(&self, consumer: &mut Consumer, wait: Wait) -> bool {
        let found = consumer.refill(&self.shared, &mut Some(u64::MAX), wait, false);
        consumer.begin();
        consumer.work(
            &self.shared,
            DispatchLimits {
                max_callbacks: usize::MAX,
                stop_when_closed: false,
                only_control: false,
            },
            None,
        );
        found == Refill::Some
    }

    /// One dispatch by the application. It returns after one wait, with what was delivered.
    pub fn dispatch(
        &self,
        consumer: &mut Consumer,
        wait: Wait,
        max_callbacks: usize,
        mut rows: Option<&mut Rows>,
    ) -> usize {
        let shared = &self.shared;
        let limits = DispatchLimits {
            max_callbacks,
            stop_when_closed: true,
            only_control: false,
        };
        let mut horizon = None;
        shared.running.dispatching(true);
        let _inside = enter_callback();
        consumer.begin();
        loop {
            if consumer.is_idle() {
                // After registrations and releases alone, keep waiting for a callback.
                let wait = if consumer.count == 0 { wait } else { Wait::No };
                if consumer.count == 0 {
                    horizon = None;
                }
                if consumer.refill(shared, &mut horizon, wait, true) != Refill::Some {
                    break;
                }
            }
            consumer.work(shared, limits, rows.as_deref_mut());
            let array_is_over = rows.as_ref().is_some_and(|rows| rows.is_over);
            if consumer.count >= max_callbacks || array_is_over || shared.queue.is_closed() {
                break;
            }
        }
        consumer.park(shared);
        shared.running.dispatching(false);
        consumer.count
    }

    /// Runs the state, token and reply callbacks that wait, ahead of the events that wait.
    pub fn dispatch_control(&self, consumer: &mut Consumer, max_callbacks: usize) -> usize {
        let shared = &self.shared;
        let limits = DispatchLimits {
            max_callbacks,
            stop_when_closed: true,
            only_control: true,
        };
        shared.running.dispatching(true);
        let _inside = enter_callback();
        consumer.begin();
        consumer.take_control(shared);
        consumer.work(shared, limits, None);
        consumer.park(shared);
        shared.running.dispatching(false);
        consumer.count
    }

    /// After the queue is closed: delivers what is left and releases every callback.
    pub fn finish(&self, mut consumer: Box<Consumer>) {
        self.shared.running.dispatching(true);
        {
            let _inside = enter_callback();
            while self.work(&mut consumer, Wait::No) {}
            consumer.release_all(&self.shared);
        }
        self.shared.queue.clear_signal();
        self.shared.running.dispatching(false);
        self.consumer_slot.retire();
    }
}
