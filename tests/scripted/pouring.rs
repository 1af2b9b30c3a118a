//! Subscriptions that come and go, from callbacks and from other threads, while events
//! pour in.

use std::ffi::c_void;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering};
use std::thread;

use serde_json::Value;

use super::fountain::Fountain;
use super::peer::Peer;
use super::sut::*;
use directus_realtime::ffi::*;

/// What a subscription's callback does to the client when it runs for the nth time.
type Deed = fn(&Watched);

/// One subscription's user data.
struct Watched {
    client: *mut drt_client,
    handle: AtomicPtr<drt_subscription>,
    scope: *mut drt_scope,
    uid: String,
    deed: Option<(u64, Deed)>,
    /// An unsubscribing call has returned: nothing may run any more.
    ended: AtomicBool,
    /// The callback has ended its own subscription: this run is the last.
    last: AtomicBool,
    calls: AtomicU64,
    next: AtomicU64,
    faults: AtomicUsize,
    released: AtomicUsize,
}

// SAFETY: handles are numbers that any thread may use.
unsafe impl Send for Watched {}
// SAFETY: the same.
unsafe impl Sync for Watched {}

unsafe extern "C" fn on_event(event: *const drt_event, data: *mut c_void) {
    // SAFETY: the event lives during the call, the data until it is released.
    let (event, own) = unsafe { (&*event, &*data.cast::<Watched>()) };
    let fault = own.ended.load(Ordering::SeqCst)
        || own.last.load(Ordering::SeqCst)
        || own.released.load(Ordering::SeqCst) > 0;
    if event.kind == DRT_EVENT_UPDATE {
        // SAFETY: counted by the library.
        let text = unsafe { std::slice::from_raw_parts(event.data.cast::<u8>(), event.data_len) };
        let item: Value = serde_json::from_slice(text).unwrap();
        let n = item["n"].as_u64().unwrap();
        // The first ones may be in the snapshot.
        let before = own.next.swap(n + 1, Ordering::SeqCst);
        if before != 0 && before != n {
            own.faults.fetch_add(1, Ordering::SeqCst);
        }
    }
    own.faults.fetch_add(fault as usize, Ordering::SeqCst);
    let call = own.calls.fetch_add(1, Ordering::SeqCst);
    if let Some((_, deed)) = own.deed.filter(|(at, _)| *at == call) {
        own.handle.store(event.subscription, Ordering::SeqCst);
        deed(own);
    }
}

unsafe extern "C" fn on_release(data: *mut c_void) {
    // SAFETY: the pointer came from Arc::into_raw.
    let own = unsafe { Arc::from_raw(data.cast::<Watched>()) };
    own.released.fetch_add(1, Ordering::SeqCst);
}

struct Pouring {
    client: Sut,
    fountain: Fountain,
    _peer: Peer,
}

fn pouring() -> Pouring {
    let peer = Peer::new();
    let client = Options::new(&peer.url()).token("t").with(fast).open();
    client.start();
    let fountain = Fountain::start(peer.ready());
    assert_eq!(client.wait(DRT_STATE_CONNECTED), DRT_OK);
    Pouring {
        client,
        fountain,
        _peer: peer,
    }
}

#[derive(Clone)]
struct Plan {
    collection: &'static str,
    scope: *mut drt_scope,
    persistent: bool,
    deed: Option<(u64, Deed)>,
}

const PLAIN: Plan = Plan {
    collection: "posts",
    scope: ptr::null_mut(),
    persistent: false,
    deed: None,
};

impl Pouring {
    fn subscribe(&self, uid: String, plan: &Plan) -> Arc<Watched> {
        let watched = Arc::new(Watched {
            client: self.client.raw,
            handle: AtomicPtr::default(),
            scope: plan.scope,
            uid: uid.clone(),
            deed: plan.deed,
            ended: AtomicBool::new(false),
            last: AtomicBool::new(false),
            calls: AtomicU64::new(0),
            next: AtomicU64::new(0),
            faults: AtomicUsize::new(0),
            released: AtomicUsize::new(0),
        });
        let (uid, collection) = (c(&uid), c(plan.collection));
        let mut handle = ptr::null_mut();
        // SAFETY: texts live during the call, the user data until it is released.
        let status = unsafe {
            let mut options: drt_subscription_options = std::mem::zeroed();
            options.struct_size = size_of::<drt_subscription_options>();
            options.collection = collection.as_ptr();
            options.uid = uid.as_ptr();
            options.persistent = plan.persistent;
            options.snapshot = DRT_SNAPSHOT_SERVER;
            let data = Arc::into_raw(Arc::clone(&watched)).cast_mut().cast();
            drt_subscribe(
                self.client.raw,
                plan.scope,
                &options,
                Some(on_event),
                data,
                Some(on_release),
                &mut handle,
            )
        };
        assert_eq!(status, DRT_OK, "{}", last_error());
        watched.handle.store(handle, Ordering::SeqCst);
        watched
    }

    fn scope(&self) -> *mut drt_scope {
        let mut scope = ptr::null_mut();
        // SAFETY: a live handle and a valid out pointer.
        assert_eq!(
            unsafe { drt_scope_new(self.client.raw, &mut scope) },
            DRT_OK
        );
        scope
    }

    /// Ends everything, and looks at what was seen.
    fn ends_well(self, all: &[Arc<Watched>]) {
        assert_eq!(self.client.close(), DRT_OK, "{}", last_error());
        self.fountain.ends();
        for watched in all {
            assert_eq!(watched.faults.load(Ordering::SeqCst), 0, "{}", watched.uid);
            assert_eq!(
                watched.released.load(Ordering::SeqCst),
                1,
                "{}",
                watched.uid
            );
        }
    }
}

fn calls(watched: &Watched) -> u64 {
    watched.calls.load(Ordering::SeqCst)
}

/// All have had so many calls.
fn all_have(all: &[Arc<Watched>], least: u64) {
    eventually("events for all", || {
        all.iter().all(|one| calls(one) >= least)
    });
}

#[test]
fn the_sequence_has_no_hole_over_many_subscriptions_and_each_ones_events_are_in_order() {
    let peer = Peer::new();
    let client = Options::new(&peer.url()).token("t").with(fast).open();
    client.start();
    let fountain = Fountain::start(peer.ready());
    let log = Log::new();
    for n in 0..60 {
        let one = wish("posts").uid(&format!("s{n}")).server_snapshot();
        let (status, _) = client.subscribe_with(ptr::null_mut(), &one, &log);
        assert_eq!(status, DRT_OK);
    }
    log.until("many events of all", |all| {
        let last: std::collections::BTreeSet<_> =
            all.iter().rev().take(500).map(|one| &one.uid).collect();
        all.len() > 5_000 && last.len() == 60
    });
    assert_eq!(client.close(), DRT_OK);
    fountain.ends();
    let all = log.all();
    let mut next = std::collections::HashMap::new();
    for (at, event) in all.iter().enumerate() {
        assert_eq!(event.sequence, at as u64 + 1, "without holes, from 1");
        if event.name() == "update" {
            let n = event.data["n"].as_u64().unwrap();
            let expected = next.insert(event.uid.clone(), n + 1).unwrap_or(n);
            assert_eq!(n, expected, "{event:?}");
        }
    }
    assert_eq!(log.released(), 60);
}

#[test]
fn i4_after_any_way_to_unsubscribe_from_another_thread_no_callback_runs() {
    let pouring = pouring();
    let mut everyone = Vec::new();
    for round in 0..12 {
        let scope = pouring.scope();
        let of = |n: usize| match n % 3 {
            0 => Plan {
                collection: "a",
                ..PLAIN
            },
            1 => Plan {
                collection: "b",
                ..PLAIN
            },
            _ => Plan { scope, ..PLAIN },
        };
        let all: Vec<_> = (0..12)
            .map(|n| pouring.subscribe(format!("{round}-{n}"), &of(n)))
            .collect();
        all_have(&all, 5);
        let client = pouring.client.raw;
        let end = |chosen: &dyn Fn(usize) -> bool, call: &dyn Fn() -> i32| {
            assert_eq!(call(), DRT_OK, "{}", last_error());
            for (n, watched) in all.iter().enumerate() {
                if chosen(n) {
                    watched.ended.store(true, Ordering::SeqCst);
                }
            }
        };
        // SAFETY: any number is a fine handle, here and below.
        unsafe {
            end(&|n| n == 0, &|| {
                drt_subscription_unsubscribe(all[0].handle.load(Ordering::SeqCst))
            });
            end(&|n| n == 1, &|| {
                drt_unsubscribe(client, c(&all[1].uid).as_ptr())
            });
            end(&|n| n % 3 == 0, &|| {
                drt_unsubscribe_collection(client, c"a".as_ptr(), ptr::null_mut())
            });
            end(&|n| n % 3 == 2, &|| drt_scope_close(scope));
            end(&|_| true, &|| drt_unsubscribe_all(client, ptr::null_mut()));
        }
        everyone.extend(all);
    }
    // Those that are there now get theirs, and nobody else does.
    let witness = pouring.subscribe("witness".into(), &PLAIN);
    everyone.push(Arc::clone(&witness));
    all_have(&[witness], 200);
    pouring.ends_well(&everyone);
}

#[test]
fn i4_from_inside_its_own_callback_the_run_that_ends_it_is_the_last() {
    let deeds: [Deed; 5] = [
        |own| {
            // SAFETY: any number is a fine handle, here and below.
            let status = unsafe { drt_subscription_unsubscribe(own.handle.load(Ordering::SeqCst)) };
            assert_eq!(status, DRT_OK);
            own.last.store(true, Ordering::SeqCst);
        },
        |own| {
            let status = unsafe { drt_unsubscribe(own.client, c(&own.uid).as_ptr()) };
            assert_eq!(status, DRT_OK);
            own.last.store(true, Ordering::SeqCst);
        },
        |own| {
            let mut ended = 0;
            let status =
                unsafe { drt_unsubscribe_collection(own.client, c"posts".as_ptr(), &mut ended) };
            assert_eq!((status, ended), (DRT_OK, 1));
            own.last.store(true, Ordering::SeqCst);
        },
        |own| {
            let mut ended = 0;
            let status = unsafe { drt_unsubscribe_all(own.client, &mut ended) };
            assert_eq!((status, ended), (DRT_OK, 1));
            own.last.store(true, Ordering::SeqCst);
        },
        |own| {
            assert_eq!(unsafe { drt_scope_close(own.scope) }, DRT_OK);
            own.last.store(true, Ordering::SeqCst);
        },
    ];
    let pouring = pouring();
    let persistent = Plan {
        persistent: true,
        ..PLAIN
    };
    let witness = pouring.subscribe("witness".into(), &persistent);
    let mut everyone = vec![Arc::clone(&witness)];
    for (at, deed) in deeds.into_iter().enumerate() {
        let scope = if at == 4 {
            pouring.scope()
        } else {
            ptr::null_mut()
        };
        let plan = Plan {
            scope,
            deed: Some((20, deed)),
            ..PLAIN
        };
        let own = pouring.subscribe(format!("own {at}"), &plan);
        eventually("its end", || own.released.load(Ordering::SeqCst) == 1);
        assert_eq!(calls(&own), 21, "way {at}");
        let so_far = calls(&witness);
        all_have(&[Arc::clone(&witness)], so_far + 50);
        everyone.push(own);
    }
    pouring.ends_well(&everyone);
}

#[test]
fn a_callback_may_end_the_others_and_none_of_them_runs_again() {
    let end_others: Deed = |own| {
        let mut ended = 0;
        // SAFETY: any number is a fine handle.
        let status =
            unsafe { drt_unsubscribe_collection(own.client, c"others".as_ptr(), &mut ended) };
        assert_eq!((status, ended), (DRT_OK, 20));
        OTHERS_ENDED.store(true, Ordering::SeqCst);
    };
    static OTHERS_ENDED: AtomicBool = AtomicBool::new(false);
    let pouring = pouring();
    let plan = Plan {
        collection: "others",
        ..PLAIN
    };
    let others: Vec<_> = (0..20)
        .map(|n| pouring.subscribe(format!("other {n}"), &plan))
        .collect();
    all_have(&others, 5);
    let plan = Plan {
        deed: Some((10, end_others)),
        ..PLAIN
    };
    let own = pouring.subscribe("own".into(), &plan);
    eventually("the deed", || OTHERS_ENDED.load(Ordering::SeqCst));
    // It returned on the thread of the callbacks, so that none ran meanwhile.
    for other in &others {
        other.ended.store(true, Ordering::SeqCst);
    }
    all_have(&[Arc::clone(&own)], 100);
    let everyone: Vec<_> = others.into_iter().chain([own]).collect();
    pouring.ends_well(&everyone);
}

#[test]
fn persistent_ones_outlive_their_scope_and_the_collective_ways_while_events_pour_in() {
    let pouring = pouring();
    let scope = pouring.scope();
    let lasting = Plan {
        scope,
        persistent: true,
        ..PLAIN
    };
    let passing = Plan { scope, ..PLAIN };
    let kept: Vec<_> = (0..5)
        .map(|n| pouring.subscribe(format!("kept {n}"), &lasting))
        .collect();
    let gone: Vec<_> = (0..5)
        .map(|n| pouring.subscribe(format!("gone {n}"), &passing))
        .collect();
    all_have(&kept, 5);
    all_have(&gone, 5);
    let mut ended = 99;
    // SAFETY: live handles.
    unsafe {
        assert_eq!(drt_scope_close(scope), DRT_OK);
        let client = pouring.client.raw;
        assert_eq!(
            drt_unsubscribe_collection(client, c"posts".as_ptr(), &mut ended),
            DRT_OK
        );
        assert_eq!(ended, 0);
        assert_eq!(drt_unsubscribe_all(client, &mut ended), DRT_OK);
        assert_eq!(ended, 0);
    }
    for one in &gone {
        one.ended.store(true, Ordering::SeqCst);
    }
    let so_far = kept.iter().map(|one| calls(one)).max().unwrap();
    all_have(&kept, so_far + 50);
    assert_eq!(pouring.client.stats().subscriptions, 5);
    let everyone: Vec<_> = kept.into_iter().chain(gone).collect();
    pouring.ends_well(&everyone);
}

#[test]
fn many_threads_subscribe_and_unsubscribe_while_events_pour_in() {
    let pouring = pouring();
    let everyone: Vec<_> = thread::scope(|threads| {
        let threads: Vec<_> = (0..4)
            .map(|thread| {
                let pouring = &pouring;
                threads.spawn(move || {
                    let mut all = Vec::new();
                    for n in 0..40 {
                        let one = pouring.subscribe(format!("{thread}-{n}"), &PLAIN);
                        if n % 4 == 0 {
                            all_have(&[Arc::clone(&one)], 3);
                        }
                        let handle = one.handle.load(Ordering::SeqCst);
                        // SAFETY: any number is a fine handle.
                        assert_eq!(unsafe { drt_subscription_unsubscribe(handle) }, DRT_OK);
                        one.ended.store(true, Ordering::SeqCst);
                        all.push(one);
                    }
                    all
                })
            })
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    assert_eq!(pouring.client.stats().subscriptions, 0);
    pouring.ends_well(&everyone);
}
