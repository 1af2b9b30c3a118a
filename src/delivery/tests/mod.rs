//! Fakes for the tests of delivery, and the tests by concern.

mod closing;
mod control;
mod draining;
mod ending;
mod order;
mod overflow;
mod polling;
mod rows;
mod splitting;
mod stress;

use std::ffi::CString;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use super::load::OVERHEAD;
use super::*;
use crate::error::{Result, Status};
use crate::protocol::Frame;

/// Longer than anything takes, even on a busy machine.
const AGES: Duration = Duration::from_secs(60);
const NOW: Option<Duration> = Some(Duration::ZERO);
const AMPLE: u64 = 1 << 26;

/// What happened, one line each, in order.
#[derive(Clone, Default)]
struct Diary(Arc<Mutex<Vec<String>>>);

impl Diary {
    fn write(&self, line: impl Into<String>) {
        self.0.lock().unwrap().push(line.into());
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

type Hook = Box<dyn Fn(&EventView<'_>) + Send>;

/// Every kind of callback; writes its arguments and its release into the diary.
struct FakeSink {
    name: &'static str,
    diary: Diary,
    hook: Option<Hook>,
}

impl EventSink for FakeSink {
    fn event(&self, event: &EventView<'_>) {
        assert!(in_callback());
        let &EventView {
            kind,
            data,
            meta,
            sequence,
            index,
            count,
            ..
        } = event;
        let (name, data) = (self.name, data.unwrap_or("-"));
        let meta = meta.map(|meta| format!(" meta {meta}")).unwrap_or_default();
        self.diary.write(format!(
            "{name} {sequence} {kind:?} {data} {index}/{count}{meta}"
        ));
        if let Some(hook) = &self.hook {
            hook(event);
        }
    }
}

impl Registration for FakeSink {
    fn user_data(&self) -> u64 {
        u64::from(self.name.as_bytes()[0])
    }

    fn release_as_row(&mut self) {
        self.name = "a row";
    }
}

impl StateSink for FakeSink {
    fn state(&self, state: State, _: Status, message: &str) {
        assert!(in_callback());
        self.diary
            .write(format!("{} {state:?} {message}", self.name));
    }
}

impl TokenSink for FakeSink {
    fn token_wanted(&self, reason: Status) {
        assert!(in_callback());
        self.diary.write(format!("{} {reason:?}", self.name));
    }
}

impl ReplySink for FakeSink {
    fn reply(&self, status: Status, json: &str, message: &str) {
        assert!(in_callback());
        let name = self.name;
        self.diary
            .write(format!("{name} {status:?} {json}{message}"));
    }
}

impl Drop for FakeSink {
    fn drop(&mut self) {
        assert!(
            in_callback(),
            "{} was released outside of the dispatcher",
            self.name
        );
        if self.name != "a row" {
            self.diary.write(format!("{} released", self.name));
        }
    }
}

struct FakeFeedback(Diary);

impl Feedback for FakeFeedback {
    fn caught_up(&self, slot: u32, epoch: u32) {
        self.0.write(format!("caught up {slot} {epoch}"));
    }

    fn malformed(&self, slot: u32, epoch: u32) {
        self.0.write(format!("malformed {slot} {epoch}"));
    }

    fn released(&self, slot: u32) {
        self.0.write(format!("free {slot}"));
    }

    fn token_callback_returned(&self) {
        self.0.write("token callback returned");
    }
}

/// A delivery with its fakes.
struct Bench {
    delivery: Arc<Delivery>,
    diary: Diary,
    _feedback: Arc<FakeFeedback>,
}

impl Bench {
    fn new(mode: Mode, budget: u64) -> Bench {
        let diary = Diary::default();
        let feedback = Arc::new(FakeFeedback(diary.clone()));
        let weak: Weak<FakeFeedback> = Arc::downgrade(&feedback);
        let delivery = Delivery::new(mode, budget, weak, None).unwrap();
        Bench {
            delivery,
            diary,
            _feedback: feedback,
        }
    }

    fn poll() -> Bench {
        Bench::new(Mode::Poll, AMPLE)
    }

    fn sink(&self, name: &'static str) -> Box<FakeSink> {
        Box::new(FakeSink {
            name,
            diary: self.diary.clone(),
            hook: None,
        })
    }

    fn register(&self, slot: u32, name: &'static str) -> Arc<SubscriptionMeta> {
        self.register_with(slot, DeliveryOptions::default(), self.sink(name))
    }

    fn register_hooked(
        &self,
        slot: u32,
        name: &'static str,
        hook: impl Fn(&EventView<'_>) + Send + 'static,
    ) -> Arc<SubscriptionMeta> {
        let sink = FakeSink {
            name,
            diary: self.diary.clone(),
            hook: Some(Box::new(hook)),
        };
        self.register_with(slot, DeliveryOptions::default(), Box::new(sink))
    }

    fn register_with(
        &self,
        slot: u32,
        options: DeliveryOptions,
        sink: Box<dyn EventSink>,
    ) -> Arc<SubscriptionMeta> {
        let meta = meta(slot, options);
        self.push([DeliveryItem::Register {
            meta: Arc::clone(&meta),
            sink,
        }]);
        meta
    }

    fn push(&self, items: impl IntoIterator<Item = DeliveryItem>) -> Vec<(u32, u32)> {
        let mut batch: Vec<_> = items.into_iter().collect();
        let lost = self.delivery.push(&mut batch);
        assert!(batch.is_empty());
        lost
    }

    /// Dispatches what is queued, and returns what happened.
    fn run(&self) -> Vec<String> {
        self.dispatch(0).unwrap();
        self.diary.take()
    }

    fn dispatch(&self, most: usize) -> Result<usize> {
        self.delivery.dispatch(NOW, most)
    }

    /// In thread mode: waits until everything that was pushed is delivered.
    fn settle(&self) {
        let (done, signal) = channel();
        self.push([DeliveryItem::Reply {
            sink: Box::new(Mark(done)),
            status: Status::Ok,
            json: Frame::from_static(""),
            message: String::new(),
        }]);
        signal.recv_timeout(AGES).unwrap();
    }

    fn close(&self) -> Result<()> {
        self.delivery.close(Instant::now() + AGES)
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.close().unwrap();
        }
    }
}

/// Reports that delivery has reached this place of the queue.
struct Mark(Sender<()>);

impl Registration for Mark {}

impl ReplySink for Mark {
    fn reply(&self, _: Status, _: &str, _: &str) {
        let _ = self.0.send(());
    }
}

/// A gate that a callback waits at until it is opened.
fn gate() -> (Sender<()>, impl Fn() + Send) {
    let (open, wait): (Sender<()>, Receiver<()>) = channel();
    (open, move || {
        let _ = wait.recv_timeout(AGES);
    })
}

fn meta(slot: u32, options: DeliveryOptions) -> Arc<SubscriptionMeta> {
    Arc::new(SubscriptionMeta {
        slot,
        tag: 0,
        uid: CString::new(format!("uid-{slot}")).unwrap(),
        collection: CString::new("posts").unwrap(),
        delivery: Arc::new(options),
        epoch: AtomicU32::new(0),
        apart: 0,
        feed: None,
        last_sequence: AtomicU64::new(0),
    })
}

/// A message of one subscription in its present epoch.
fn message(meta: &SubscriptionMeta, kind: EventKind, data: &str) -> Event {
    Event {
        slot: meta.slot,
        epoch: meta.epoch(),
        kind,
        flags: 0,
        frame: Frame::from(data.to_owned()),
        data: Some((0, data.len() as u32)),
        meta: None,
        checked: true,
    }
}

fn update(meta: &SubscriptionMeta, data: &str) -> DeliveryItem {
    DeliveryItem::Event(message(meta, EventKind::Update, data))
}

fn state(message: &str) -> DeliveryItem {
    DeliveryItem::State {
        state: State::Connected,
        reason: Status::Ok,
        message: message.into(),
    }
}

/// What an update with this data costs of the budget.
fn weight(data: &str) -> u64 {
    data.len() as u64 + OVERHEAD
}
