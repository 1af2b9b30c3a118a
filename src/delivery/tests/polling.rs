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
fn the_descriptor_is_readable_while_something_waits() {
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
fn the_application_may_take_the_byte_itself() {
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
fn who_looks_only_at_changes_sees_one_for_whatever_is_left() {
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
fn dispatch_waits_for_something_to_come() {
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
fn a_second_dispatcher_waits_for_its_turn() {
    let bench = Bench::poll();
    let (open, wait) = door();
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
fn dispatching_everything_ends_although_callbacks_bring_more() {
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
fn thread_delivery_cannot_be_dispatched() {
    let bench = Bench::new(Mode::Thread, AMPLE);
    let error = bench.dispatch(0).unwrap_err();
    assert_eq!(error.status, Status::InvalidArgument);
    let error = bench
        .delivery
        .drain(NOW, 0, &mut String::new())
        .unwrap_err();
    assert_eq!(error.status, Status::InvalidArgument);
}
