use super::*;
use crate::error::Error;

fn reply(bench: &Bench, name: &'static str) -> DeliveryItem {
    DeliveryItem::Reply {
        sink: bench.sink(name),
        status: Status::Closed,
        json: Frame::from_static(""),
        message: String::new(),
    }
}

#[test]
fn close_drops_waiting_events_and_runs_all_other_callbacks() {
    for mode in [Mode::Thread, Mode::Poll] {
        let bench = Bench::new(mode, AMPLE);
        let (open, wait) = gate();
        let a = bench.register(0, "a");
        let b = bench.register(1, "b");
        if mode == Mode::Thread {
            // Keeps the thread busy until close has been called.
            struct Hold<F>(F);
            impl<F: Fn() + Send> Registration for Hold<F> {}
            impl<F: Fn() + Send> ReplySink for Hold<F> {
                fn reply(&self, _: Status, _: &str, _: &str) {
                    self.0();
                }
            }
            let sink = Box::new(Hold(wait));
            bench.push([DeliveryItem::Reply {
                sink,
                status: Status::Ok,
                json: Frame::from_static(""),
                message: String::new(),
            }]);
        }
        bench.push([
            DeliveryItem::SetStateSink(Some(bench.sink("state"))),
            update(&a, "[1]"),
            reply(&bench, "reply"),
        ]);
        bench.delivery.end(&b);
        bench.push([state("closed")]);
        std::thread::scope(|scope| {
            let closing = scope.spawn(|| bench.close());
            while !bench.delivery.is_closed() {
                std::thread::yield_now();
            }
            let _ = open.send(());
            assert_eq!(closing.join().unwrap(), Ok(()));
        });
        assert_eq!(
            bench.diary.take(),
            [
                "reply Closed ",
                "reply released",
                "free 1",
                "b released",
                "state Connected closed",
                "a released",
                "state released",
            ]
        );
        assert_eq!(bench.close(), Ok(()));
        assert_eq!(bench.delivery.stats().queued_events, 0);
    }
}

#[test]
fn callbacks_pushed_after_close_are_released_with_the_delivery() {
    for mode in [Mode::Thread, Mode::Poll] {
        let bench = Bench::new(mode, AMPLE);
        let diary = bench.diary.clone();
        bench.close().unwrap();
        let a = bench.register(0, "a");
        bench.push([update(&a, "[1]"), reply(&bench, "reply"), state("late")]);
        bench.delivery.end(&a);
        if mode == Mode::Poll {
            let closed = Err(Error::new(Status::Closed, "the client is closed"));
            assert_eq!(bench.delivery.dispatch(NOW, 0), closed);
            assert_eq!(bench.delivery.drain(NOW, 0, &mut String::new()), closed);
        }
        assert!(diary.take().is_empty());
        drop(bench);
        assert_eq!(diary.take(), ["a released", "reply released"]);
    }
}

#[test]
fn close_times_out_and_the_thread_of_the_callback_finishes() {
    for mode in [Mode::Thread, Mode::Poll] {
        let bench = Bench::new(mode, AMPLE);
        let (open, wait) = gate();
        let (entered, inside) = channel();
        let a = bench.register_hooked(0, "a", move |_| {
            entered.send(()).unwrap();
            wait();
        });
        bench.push([update(&a, "[1,2]"), reply(&bench, "reply")]);
        std::thread::scope(|scope| {
            if mode == Mode::Poll {
                scope.spawn(|| bench.delivery.dispatch(None, 0));
            }
            inside.recv_timeout(AGES).unwrap();
            let error = bench.delivery.close(Instant::now()).unwrap_err();
            assert_eq!(error.status, Status::Timeout);
            open.send(()).unwrap();
            assert_eq!(bench.close(), Ok(()));
        });
        assert_eq!(
            bench.diary.take(),
            [
                "a 1 Update 1 0/2",
                "reply Closed ",
                "reply released",
                "a released"
            ]
        );
    }
}

#[test]
fn close_wakes_threads_that_wait_in_dispatch() {
    let bench = Bench::poll();
    std::thread::scope(|scope| {
        let waiting: Vec<_> = (0..3)
            .map(|_| scope.spawn(|| bench.delivery.dispatch(None, 0)))
            .collect();
        assert_eq!(bench.close(), Ok(()));
        for thread in waiting {
            assert_eq!(thread.join().unwrap().unwrap_err().status, Status::Closed);
        }
    });
}

#[test]
fn dispatch_drain_and_close_are_refused_inside_a_callback() {
    let bench = Bench::poll();
    let _inside = enter_callback();
    let mut out = String::new();
    for outcome in [
        bench.delivery.dispatch(NOW, 0).map(drop),
        bench.delivery.drain(NOW, 0, &mut out).map(drop),
        bench.close(),
    ] {
        assert_eq!(outcome.unwrap_err().status, Status::WouldDeadlock);
    }
    drop(_inside);
    assert!(!in_callback());
}

#[test]
fn dropping_a_delivery_without_close_releases_every_callback() {
    for mode in [Mode::Thread, Mode::Poll] {
        let bench = Bench::new(mode, AMPLE);
        bench.register(0, "a");
        bench.push([DeliveryItem::SetTokenSink(Some(bench.sink("token")))]);
        let diary = bench.diary.clone();
        let other = Delivery::closed();
        let mut bench = bench;
        drop(std::mem::replace(&mut bench.delivery, other));
        let mut seen = Vec::new();
        let deadline = Instant::now() + AGES;
        while seen.len() < 2 && Instant::now() < deadline {
            seen.extend(diary.take());
            std::thread::yield_now();
        }
        assert_eq!(seen, ["a released", "token released"]);
    }
}

#[test]
fn a_delivery_may_be_dropped_on_its_dispatcher_thread() {
    let bench = Bench::new(Mode::Thread, AMPLE);
    let diary = bench.diary.clone();
    struct Last(Mutex<Option<Arc<Delivery>>>, Receiver<()>);
    impl Registration for Last {}
    impl ReplySink for Last {
        fn reply(&self, _: Status, _: &str, _: &str) {
            let _ = self.1.recv_timeout(AGES);
            self.0.lock().unwrap().take();
        }
    }
    let (open, wait) = channel();
    let sink = Box::new(Last(Mutex::new(Some(Arc::clone(&bench.delivery))), wait));
    bench.register(0, "a");
    bench.push([DeliveryItem::Reply {
        sink,
        status: Status::Ok,
        json: Frame::from_static(""),
        message: String::new(),
    }]);
    let mut bench = bench;
    bench.delivery = Delivery::closed();
    open.send(()).unwrap();
    let deadline = Instant::now() + AGES;
    while diary.take().is_empty() {
        assert!(Instant::now() < deadline);
        std::thread::yield_now();
    }
}

#[test]
fn a_delivery_that_is_made_closed_refuses_everything() {
    let delivery = Delivery::closed();
    assert_eq!(delivery.fd(), None);
    assert_eq!(
        delivery.dispatch(None, 0).unwrap_err().status,
        Status::Closed
    );
    assert_eq!(delivery.close(Instant::now()), Ok(()));
}
