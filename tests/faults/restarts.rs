//! Servers that are killed and networks that fail, while four writers change items. In
//! every quiet moment the copy that a C program keeps of the events is the collection.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::mirror::{Mirror, Settings};
use super::proxy::{Fault, Proxy};
use super::support::server::{Server, V12};
use super::writers::{WRITERS, rows, write};
use super::{report, seed, setting};

const FAULTS: [Fault; 5] = [
    Fault::Freeze,
    Fault::HalfOpen,
    Fault::Trickle,
    Fault::Split,
    Fault::Join,
];
/// Faults after which the copy may be wrong until the next link, as a changed value cannot
/// be noticed.
const CORRUPTING: [Fault; 2] = [Fault::Corrupt, Fault::Garble];

/// What changed bytes may cause, and nothing else.
const CORRUPTIBLE: [&str; 2] = ["repeated", "without_item"];

#[test]
fn i7_a_copy_agrees_after_every_server_kill() {
    let seed = seed();
    let server = Server::start(V12, &[]);
    let proxy = Proxy::start(server.port, seed);
    let mut mirror = Mirror::start(&Settings::of(&proxy.url(), "posts"));
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut corrupted = CORRUPTIBLE.map(|_| 0);
    for round in 0..setting("DRT_FAULT_RESTARTS", 30) {
        let mut faults = FAULTS.to_vec();
        let corrupts = round % 2 == 1;
        if corrupts {
            faults.extend(CORRUPTING);
        }
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            for writer in 0..WRITERS {
                let (server, stop) = (&server, &stop);
                scope.spawn(move || write(server, stop, writer, seed ^ (round << 8)));
            }
            for _ in 0..6 {
                proxy.set(*rng.choice(&faults).unwrap());
                if rng.u32(..3) == 0 {
                    proxy.reset();
                }
                thread::sleep(Duration::from_millis(rng.u64(20..300)));
                proxy.set(Fault::None);
            }
            server.control("kill");
            server.control("start");
            thread::sleep(Duration::from_millis(rng.u64(..500)));
            stop.store(true, Ordering::SeqCst);
        });
        let when = format!("after kill {round} (DRT_FAULT_SEED={seed})");
        mirror.agrees_with(|| rows(&server), &when);
        let counts = mirror.counts();
        let seen = CORRUPTIBLE.map(|name| counts.get(name));
        if !corrupts {
            assert_eq!(seen, corrupted, "{CORRUPTIBLE:?} {when}: {counts}");
        }
        corrupted = seen;
        for name in ["holes", "unmarked"] {
            assert_eq!(counts.get(name), 0, "{name} {when}: {counts}");
        }
        let afresh = counts.get("resyncs") + counts.get("refused");
        assert!(afresh > round, "{when}: {counts}");
    }
    report(&format!("the C program's mirror: {}", mirror.counts()));
}
