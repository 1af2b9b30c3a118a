use std::io::{ErrorKind, Read};
use std::os::fd::AsRawFd;

use tokio::io::Interest;
use tokio::net::UnixStream;
use tokio::runtime::Runtime;

use super::*;

/// Long enough for the kernel to say that a descriptor is readable; when it is
/// not, so long is waited.
const GLANCE: Duration = Duration::from_millis(20);

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

/// Whether the descriptor is readable, as a level-triggered poll sees it.
fn is_readable(bench: &Bench) -> bool {
    let runtime = runtime();
    runtime.block_on(async {
        let fd = UnixStream::from_std(bench.delivery.reader()).unwrap();
        tokio::time::timeout(GLANCE, fd.readable()).await.is_ok()
    })
}

#[test]
fn the_descriptor_is_readable_while_the_queue_holds_something() {
    let bench = Bench::poll();
    assert!(!is_readable(&bench));
    let a = bench.register(0, "a");
    bench.push([update(&a, "[1,2]")]);
    assert!(is_readable(&bench));
    bench.dispatch(1).unwrap();
    assert!(is_readable(&bench), "half a message waits");
    bench.dispatch(1).unwrap();
    assert!(!is_readable(&bench));
    bench.delivery.end(&a);
    assert!(is_readable(&bench));
    bench.dispatch(0).unwrap();
    assert!(!is_readable(&bench));
}

#[test]
fn the_application_may_read_the_byte_of_the_descriptor() {
    let bench = Bench::poll();
    let a = bench.register(0, "a");
    let mut reader = bench.delivery.reader();
    for _ in 0..3 {
        bench.push([update(&a, "[1,2]")]);
        assert_eq!(reader.read(&mut [0; 8]).unwrap(), 1);
        bench.dispatch(1).unwrap();
        assert!(is_readable(&bench));
        assert_eq!(reader.read(&mut [0; 8]).unwrap(), 1);
        bench.dispatch(0).unwrap();
        assert!(!is_readable(&bench));
    }
}

#[test]
fn an_edge_triggered_event_loop_is_woken_for_what_a_dispatch_left() {
    let bench = Bench::poll();
    let a = bench.register(0, "a");
    let runtime = runtime();
    runtime.block_on(async {
        let fd = UnixStream::from_std(bench.delivery.reader()).unwrap();
        bench.push((0..10).map(|_| update(&a, "[1]")));
        let mut count = 0;
        while count < 10 {
            let changed = tokio::time::timeout(AGES, fd.readable()).await;
            changed.expect("no change was seen").unwrap();
            // Nothing is read, only forgotten until the next change.
            let forget = || Err::<(), _>(ErrorKind::WouldBlock.into());
            let _ = fd.try_io(Interest::READABLE, forget);
            count += bench.dispatch(3).unwrap();
        }
        assert!(tokio::time::timeout(GLANCE, fd.readable()).await.is_err());
        bench.push([update(&a, "[1]")]);
        assert!(tokio::time::timeout(AGES, fd.readable()).await.is_ok());
    });
}

#[test]
fn the_descriptor_is_a_socket_that_children_do_not_inherit() {
    let bench = Bench::poll();
    let fd = bench.delivery.fd().unwrap();
    let info = std::fs::read_to_string(format!("/proc/self/fdinfo/{fd}")).unwrap();
    let flags = info
        .lines()
        .find_map(|line| line.strip_prefix("flags:"))
        .unwrap();
    let flags = i32::from_str_radix(flags.trim(), 8).unwrap();
    assert_ne!(flags & libc::O_CLOEXEC, 0);
    assert_ne!(flags & libc::O_NONBLOCK, 0);
    assert_ne!(bench.delivery.reader().as_raw_fd(), fd);
    assert_eq!(Bench::new(Mode::Thread, AMPLE).delivery.fd(), None);
}

#[test]
fn dispatch_waits_until_something_is_pushed() {
    let bench = Bench::poll();
    let a = bench.register(0, "a");
    assert_eq!(
        bench.delivery.dispatch(Some(Duration::from_millis(1)), 0),
        Ok(0)
    );
    for timeout in [None, Some(AGES), Some(Duration::MAX)] {
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| bench.delivery.dispatch(timeout, 0));
            bench.delivery.await_sleeper();
            // Alone, a registration is nothing to return for.
            bench.register(1, "b");
            bench.push([update(&a, "[1,2]")]);
            assert_eq!(waiting.join().unwrap(), Ok(2));
        });
    }
    assert!(!is_readable(&bench));
}

#[test]
fn a_second_dispatch_waits_for_the_first() {
    let bench = Bench::poll();
    let (open, wait) = gate();
    let (entered, inside) = channel();
    let a = bench.register_hooked(0, "a", move |_| {
        entered.send(()).unwrap();
        wait();
    });
    bench.push([update(&a, "[1,2]")]);
    std::thread::scope(|scope| {
        let first = scope.spawn(|| bench.delivery.dispatch(None, 1));
        inside.recv_timeout(AGES).unwrap();
        assert_eq!(bench.delivery.dispatch(NOW, 0), Ok(0));
        assert_eq!(
            bench.delivery.dispatch(Some(Duration::from_millis(1)), 0),
            Ok(0)
        );
        let second = scope.spawn(|| bench.delivery.dispatch(Some(AGES), 0));
        open.send(()).unwrap();
        assert_eq!(first.join().unwrap(), Ok(1));
        open.send(()).unwrap();
        assert_eq!(second.join().unwrap(), Ok(1));
    });
}

#[test]
fn dispatch_ends_although_callbacks_push_more() {
    let bench = Bench::poll();
    let delivery = Arc::downgrade(&bench.delivery);
    let a = bench.register_hooked(0, "a", move |event| {
        let delivery = delivery.upgrade().unwrap();
        delivery.push(&mut vec![update(event.subscription, "[1]")]);
    });
    bench.push([update(&a, "[1]"), update(&a, "[1]")]);
    assert_eq!(bench.dispatch(0), Ok(2));
    assert!(is_readable(&bench));
    assert_eq!(bench.dispatch(0), Ok(2));
}

#[test]
fn dispatch_and_drain_are_refused_in_thread_delivery() {
    let bench = Bench::new(Mode::Thread, AMPLE);
    let error = bench.dispatch(0).unwrap_err();
    assert_eq!(error.status, Status::InvalidArgument);
    let error = bench
        .delivery
        .drain(NOW, 0, &mut String::new())
        .unwrap_err();
    assert_eq!(error.status, Status::InvalidArgument);
}
