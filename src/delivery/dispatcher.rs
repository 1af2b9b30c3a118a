//! Dispatching: by the thread of the library, by the application in its turn,
//! and one last time when the client is closed.

use std::sync::{Arc, Weak};

use super::Feedback;
use super::consumer::{Consumer, Job, Shop};
use super::desk::Desk;
use super::drain::Batch;
use super::presence::{Presence, enter_callback};
use super::queue::{Queue, Refill, Wait};
use super::wakeup::Signal;

/// What whoever dispatches shares with everybody else.
pub(super) struct Dispatcher {
    pub shop: Shop,
    pub desk: Desk,
}

impl Dispatcher {
    pub fn new(
        budget: u64,
        signal: Option<Signal>,
        feedback: Weak<dyn Feedback>,
        consumer: Option<Box<Consumer>>,
    ) -> Arc<Dispatcher> {
        let queue = Queue::new(budget, signal);
        let shop = Shop {
            queue,
            presence: Presence::default(),
            feedback,
        };
        Arc::new(Dispatcher {
            shop,
            desk: Desk::new(consumer),
        })
    }

    /// The dispatcher thread, from its start to its end.
    pub fn run(&self, mut consumer: Box<Consumer>) {
        self.shop.presence.dispatching(true);
        {
            let _inside = enter_callback();
            while self.work(&mut consumer, Wait::Forever) {}
        }
        self.finish(consumer);
    }

    /// Delivers one portion; false when there is none.
    fn work(&self, consumer: &mut Consumer, wait: Wait) -> bool {
        let found = consumer.refill(&self.shop, &mut Some(u64::MAX), wait, false);
        consumer.begin();
        consumer.work(
            &self.shop,
            &mut Job {
                most: usize::MAX,
                leave: false,
                batch: None,
            },
        );
        found == Refill::Some
    }

    /// One turn of the application's.
    pub fn dispatch(
        &self,
        consumer: &mut Consumer,
        wait: Wait,
        most: usize,
        batch: Option<&mut Batch>,
    ) -> usize {
        let shop = &self.shop;
        let mut job = Job {
            most,
            leave: true,
            batch,
        };
        let mut horizon = None;
        shop.presence.dispatching(true);
        let _inside = enter_callback();
        consumer.begin();
        loop {
            if consumer.is_idle() {
                // Registrations and releases alone are not worth returning for.
                let wait = if consumer.count == 0 { wait } else { Wait::No };
                if consumer.count == 0 {
                    horizon = None;
                }
                if consumer.refill(shop, &mut horizon, wait, true) != Refill::Some {
                    break;
                }
            }
            consumer.work(shop, &mut job);
            let batch_is_over = job.batch.as_ref().is_some_and(|batch| batch.is_over);
            if consumer.count >= most || batch_is_over || shop.queue.is_closed() {
                break;
            }
        }
        consumer.park(shop);
        shop.presence.dispatching(false);
        consumer.count
    }

    /// After the end: runs what is left and drops every callback.
    pub fn finish(&self, mut consumer: Box<Consumer>) {
        self.shop.presence.dispatching(true);
        {
            let _inside = enter_callback();
            while self.work(&mut consumer, Wait::No) {}
            consumer.release_all(&self.shop);
        }
        self.shop.queue.silence();
        self.shop.presence.dispatching(false);
        self.desk.leave_for_good();
    }
}
