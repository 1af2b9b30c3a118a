//! Real threads against each other; the seed is printed, and can be set with
//! `DRT_SEED`.

use std::sync::atomic::{AtomicBool, AtomicUsize};

use fastrand::Rng;

use super::*;

fn rng() -> Rng {
    let seed = std::env::var("DRT_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    println!("DRT_SEED={seed}");
    Rng::with_seed(seed)
}

#[derive(Default)]
struct Life {
    /// `quiesce` has returned.
    quiet: AtomicBool,
    calls: AtomicUsize,
    /// Calls that came after the end or out of order. A panic would get no
    /// further than delivery.
    wrong: AtomicUsize,
    released: AtomicUsize,
    last: AtomicU64,
}

struct Watch(Arc<Life>);

impl Registration for Watch {}

impl EventSink for Watch {
    fn event(&self, event: &EventView<'_>) {
        let life = &self.0;
        let number: u64 = event.data.unwrap().parse().unwrap();
        let early = life.quiet.load(Ordering::SeqCst);
        let in_order = life.last.swap(number, Ordering::SeqCst) < number;
        life.calls.fetch_add(1, Ordering::SeqCst);
        if number % 16 == 0 {
            std::thread::yield_now();
        }
        if early || life.quiet.load(Ordering::SeqCst) || !in_order {
            life.wrong.fetch_add(1, Ordering::SeqCst);
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let wrong = usize::from(!in_callback());
        self.0.wrong.fetch_add(wrong, Ordering::SeqCst);
        self.0.released.fetch_add(1, Ordering::SeqCst);
    }
}

/// Hands places out again as the registry does.
#[derive(Default)]
struct Places {
    free: Mutex<Vec<u32>>,
    malformed: AtomicUsize,
}

impl Feedback for Places {
    fn caught_up(&self, _: u32, _: u32) {}
    fn malformed(&self, _: u32, _: u32) {
        self.malformed.fetch_add(1, Ordering::SeqCst);
    }
    fn released(&self, slot: u32) {
        self.free.lock().unwrap().push(slot);
    }
    fn token_callback_returned(&self) {}
}

/// A subscription, what its callback saw, and the number of its last event.
type Alive = (Arc<SubscriptionMeta>, Arc<Life>, u64);

/// Subscriptions come and go under fire; after each end there must be silence.
fn churn(mode: Mode, budget: u64, rounds: usize) {
    const SLOTS: u32 = 6;
    let mut rng = rng();
    let places = Arc::new(Places {
        free: Mutex::new((0..SLOTS).collect()),
        ..Places::default()
    });
    let weak: Weak<Places> = Arc::downgrade(&places);
    let delivery = Delivery::new(mode, budget, weak, None).unwrap();
    let alive: Mutex<Vec<Alive>> = Mutex::default();
    let stop = AtomicBool::new(false);
    let mut lives = Vec::new();
    std::thread::scope(|scope| {
        // The link: pushes events in order, under a lock as the client does.
        let mut seed = rng.fork();
        let (alive, stop, delivery, places) = (&alive, &stop, &delivery, &places);
        scope.spawn(move || {
            let mut batch = Vec::new();
            while !stop.load(Ordering::SeqCst) {
                let mut alive = alive.lock().unwrap();
                for _ in 0..seed.usize(1..40) {
                    let count = alive.len();
                    let Some(at) = (count > 0).then(|| seed.usize(..count)) else {
                        break;
                    };
                    let (meta, _, number) = &mut alive[at];
                    for _ in 0..seed.usize(1..5) {
                        *number += 1;
                        batch.push(update(meta, &format!("[{}]", *number)));
                    }
                }
                delivery.push(&mut batch);
                drop(alive);
                std::thread::yield_now();
            }
        });
        if mode == Mode::Poll {
            for dispatcher in 0..2 {
                let mut seed = rng.fork();
                scope.spawn(move || {
                    let mut out = String::new();
                    while !stop.load(Ordering::SeqCst) {
                        let most = seed.usize(..6);
                        let wait = Some(Duration::from_millis(seed.u64(..3)));
                        if dispatcher == 0 || seed.bool() {
                            delivery.dispatch(wait, most).unwrap();
                        } else {
                            delivery.drain(wait, most, &mut out).unwrap();
                            assert!(crate::protocol::items::check(&out), "{out}");
                        }
                    }
                });
            }
        }
        let mut round = 0;
        // However late the scheduler lets the dispatcher run.
        while round < rounds || delivery.stats().events < 1000 {
            round += 1;
            let slot = places.free.lock().unwrap().pop();
            let mut guard = alive.lock().unwrap();
            if let Some(slot) = slot {
                let life = Arc::<Life>::default();
                let meta = meta(slot, DeliveryOptions::default());
                let sink = Box::new(Watch(Arc::clone(&life)));
                delivery.push(&mut vec![DeliveryItem::Register {
                    meta: Arc::clone(&meta),
                    sink,
                }]);
                lives.push(Arc::clone(&life));
                guard.push((meta, life, 0));
            }
            if guard.is_empty() || rng.u8(..) < 64 {
                drop(guard);
                std::thread::yield_now();
                continue;
            }
            let at = rng.usize(..guard.len());
            let (meta, life, _) = guard.swap_remove(at);
            delivery.end(&meta);
            drop(guard);
            delivery.quiesce(&[meta.slot]);
            life.quiet.store(true, Ordering::SeqCst);
        }
        stop.store(true, Ordering::SeqCst);
    });
    delivery.close(Instant::now() + AGES).unwrap();
    assert_eq!(places.malformed.load(Ordering::SeqCst), 0);
    for life in &lives {
        assert_eq!(
            life.wrong.load(Ordering::SeqCst),
            0,
            "calls after the end or out of order"
        );
        assert_eq!(
            life.released.load(Ordering::SeqCst),
            1,
            "released exactly once"
        );
    }
    let calls: usize = lives
        .iter()
        .map(|life| life.calls.load(Ordering::SeqCst))
        .sum();
    let stats = delivery.stats();
    assert_eq!((stats.queued_events, stats.queued_bytes), (0, 0));
    if mode == Mode::Thread {
        assert_eq!(stats.events, calls as u64);
    }
    println!("{} lives, {calls} calls, {stats:?}", lives.len());
}

#[test]
fn i4_no_callback_runs_after_quiesce_in_thread_delivery() {
    churn(Mode::Thread, AMPLE, 20_000);
}

#[test]
fn i4_no_callback_runs_after_quiesce_in_poll_delivery() {
    churn(Mode::Poll, AMPLE, 10_000);
}

#[test]
fn i4_no_callback_runs_after_quiesce_while_the_queue_overflows() {
    churn(Mode::Thread, 4 * 1024, 10_000);
    churn(Mode::Poll, 4 * 1024, 5_000);
}

/// Several threads push, one overflows; what is delivered is counted without
/// holes, and the budget is kept.
#[test]
fn i6_the_budget_holds_and_the_sequence_has_no_holes() {
    const BUDGET: u64 = 64 * 1024;
    let mut rng = rng();
    let places = Arc::new(Places::default());
    let weak: Weak<Places> = Arc::downgrade(&places);
    let delivery = Delivery::new(Mode::Thread, BUDGET, weak, None).unwrap();
    struct Count(Arc<AtomicU64>);
    impl Registration for Count {}
    impl EventSink for Count {
        fn event(&self, event: &EventView<'_>) {
            if self.0.fetch_add(1, Ordering::SeqCst) + 1 != event.sequence {
                self.0.store(u64::MAX / 2, Ordering::SeqCst);
            }
        }
    }
    let seen = Arc::new(AtomicU64::new(0));
    let subscriptions: Vec<_> = (0..3)
        .map(|slot| meta(slot, DeliveryOptions::default()))
        .collect();
    for meta in &subscriptions {
        let sink = Box::new(Count(Arc::clone(&seen)));
        delivery.push(&mut vec![DeliveryItem::Register {
            meta: Arc::clone(meta),
            sink,
        }]);
    }
    std::thread::scope(|scope| {
        for meta in &subscriptions {
            let mut seed = rng.fork();
            let delivery = &delivery;
            scope.spawn(move || {
                let mut batch = Vec::new();
                for _ in 0..2_000 {
                    let data = format!("[\"{}\"]", "x".repeat(seed.usize(..400)));
                    batch.extend((0..seed.usize(1..60)).map(|_| update(meta, &data)));
                    delivery.push(&mut batch);
                    assert!(delivery.stats().queued_bytes <= BUDGET);
                }
            });
        }
    });
    let (done, signal) = channel();
    let json = Frame::from_static("");
    delivery.push(&mut vec![DeliveryItem::Reply {
        sink: Box::new(Mark(done)),
        status: Status::Ok,
        json,
        message: String::new(),
    }]);
    signal.recv_timeout(AGES).unwrap();
    let stats = delivery.stats();
    println!("{stats:?}");
    assert_eq!(seen.load(Ordering::SeqCst), stats.events);
    assert_eq!((stats.queued_events, stats.queued_bytes), (0, 0));
    delivery.close(Instant::now() + AGES).unwrap();
}

/// Whatever the order in which the threads run.
#[test]
fn every_push_wakes_the_dispatcher() {
    for mode in [Mode::Thread, Mode::Poll] {
        let bench = Bench::new(mode, AMPLE);
        std::thread::scope(|scope| {
            if mode == Mode::Poll {
                scope.spawn(|| while bench.delivery.dispatch(None, 1).is_ok() {});
            }
            for _ in 0..20_000 {
                bench.settle();
            }
            bench.close().unwrap();
        });
    }
}
