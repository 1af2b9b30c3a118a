//! What the owner of a link wants to be written: messages, then perhaps a close frame.
//!
//! The link's task on the I/O thread is woken for it, unless a thread is reading the link. That
//! thread writes it at the end of its turn, so that the answers to what one read has brought cost no
//! wake-up, and are one write.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Wake};

use futures_util::task::AtomicWaker;

/// See the module. As a waker it wakes the link's task.
#[derive(Default)]
pub(super) struct Outbox {
    orders: Mutex<Orders>,
    /// Bytes of messages that were not given to the system yet.
    unsent: AtomicUsize,
    task: AtomicWaker,
}

#[derive(Default)]
struct Orders {
    messages: VecDeque<String>,
    /// After the messages the link is to be closed.
    closing: bool,
    /// A thread will look into this at the end of its turn.
    attended: bool,
    /// Nothing is written any more.
    ended: bool,
}

impl Outbox {
    fn lock(&self) -> MutexGuard<'_, Orders> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a message, unless the link is to be closed or has ended.
    pub fn send(&self, text: String) {
        let mut orders = self.lock();
        if orders.closing || orders.ended {
            return;
        }
        self.unsent.fetch_add(text.len(), Ordering::Relaxed);
        orders.messages.push_back(text);
        let attended = orders.attended;
        drop(orders);
        if !attended {
            self.task.wake();
        }
    }

    /// The link is to be closed.
    pub fn close(&self) {
        self.lock().closing = true;
        // It limits the time, also where another thread writes.
        self.task.wake();
    }

    /// The link has ended.
    pub fn end(&self) {
        let mut orders = self.lock();
        orders.ended = true;
        orders.messages.clear();
        self.unsent.store(0, Ordering::Relaxed);
    }

    /// Whether the link is to be closed.
    pub fn is_closing(&self) -> bool {
        self.lock().closing
    }

    /// Until the next [`Outbox::take`], which the calling thread must not leave out, messages wake
    /// no task.
    pub fn attend(&self) {
        self.lock().attended = true;
    }

    /// Moves the messages to the end of this list. Returns whether the link is to be closed after
    /// them.
    pub fn take(&self, messages: &mut VecDeque<String>) -> bool {
        let mut orders = self.lock();
        orders.attended = false;
        messages.append(&mut orders.messages);
        orders.closing
    }

    /// So many bytes were given to the system.
    pub fn written(&self, bytes: usize) {
        self.unsent.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Bytes of messages that were not given to the system yet.
    pub fn unsent(&self) -> usize {
        self.unsent.load(Ordering::Relaxed)
    }

    /// Wakes the link's task.
    pub fn wake_task(&self) {
        self.task.wake();
    }

    /// The context is the link's task's, until the next call.
    pub fn has_task(&self, cx: &Context<'_>) {
        self.task.register(cx.waker());
    }
}

impl Wake for Outbox {
    fn wake(self: Arc<Self>) {
        self.task.wake();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.task.wake();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;
    use std::task::Waker;

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicBool);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    impl Woken {
        fn take(&self) -> bool {
            self.0.swap(false, Ordering::Relaxed)
        }
    }

    #[test]
    fn messages_wake_the_task_unless_a_thread_will_write_them() {
        let (outbox, woken) = (Outbox::default(), Arc::new(Woken::default()));
        outbox.has_task(&Context::from_waker(&Waker::from(Arc::clone(&woken))));
        outbox.attend();
        outbox.send("a".to_owned());
        assert!(!woken.take());
        let mut messages = VecDeque::new();
        assert!(!outbox.take(&mut messages));
        outbox.send("bc".to_owned());
        assert!(woken.take());
        outbox.take(&mut messages);
        assert_eq!(messages, ["a", "bc"]);
        assert_eq!(outbox.unsent(), 3);
        outbox.written(3);
        assert_eq!(outbox.unsent(), 0);
    }

    #[test]
    fn a_close_wakes_the_task_always_and_nothing_is_sent_after_it() {
        let (outbox, woken) = (Outbox::default(), Arc::new(Woken::default()));
        outbox.has_task(&Context::from_waker(&Waker::from(Arc::clone(&woken))));
        outbox.attend();
        outbox.close();
        assert!(woken.take());
        outbox.send("a".to_owned());
        let mut messages = VecDeque::new();
        assert!(outbox.take(&mut messages));
        assert!(messages.is_empty());
    }
}
