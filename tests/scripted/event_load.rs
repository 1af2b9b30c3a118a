//! Subscribing and unsubscribing, from callbacks and from other threads, while events
//! arrive as fast as they can be delivered.

use std::ffi::c_void;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering};
use std::thread;

use serde_json::Value;

use super::load_server::LoadServer;
use super::scripted_server::ScriptedServer;
use super::test_client::*;
use directus_realtime::ffi::*;

/// What a subscription's callback does with the client in its nth run.
type Action = fn(&Watched);

/// One subscription's user data.
struct Watched {
    client: *mut drt_client,
    handle: AtomicPtr<drt_subscription>,
    scope: *mut drt_scope,
    uid: String,
    action: Option<(u64, Action)>,
    /// An unsubscribing call has returned: the callback must not run any more.
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
    if let Some((_, action)) = own.action.filter(|(at, _)| *at == call) {
        own.handle.store(event.subscription, Ordering::SeqCst);
        action(own);
    }
}

unsafe extern "C" fn on_release(data: *mut c_void) {
    // SAFETY: the pointer came from Arc::into_raw.
    let own = unsafe { Arc::from_raw(data.cast::<Watched>()) };
    own.released.fetch_add(1, Ordering::SeqCst);
}

struct EventLoad {
    client: TestClient,
    load_server: LoadServer,
    _server: ScriptedServer,
}

fn event_load() -> EventLoad {
    let server = ScriptedServer::new();
    let client = Options::new(&server.url()).token("t").with(fast).open();
    client.start();
    let load_server = LoadServer::start(server.ready());
    assert_eq!(client.wait(DRT_STATE_CONNECTED), DRT_OK);
    EventLoad {
        client,
        load_server,
        _server: server,
    }
}

#[derive(Clone)]
struct Plan {
    collection: &'static str,
    scope: *mut drt_scope,
    persistent: bool,
    action: Option<(u64, Action)>,
}

const PLAIN: Plan = Plan {
    collection: "posts",
    scope: ptr::null_mut(),
    persistent: false,
    action: None,
};

impl EventLoad {
    fn subscribe(&self, uid: String, plan: &Plan) -> Arc<Watched> {
        let watched = Arc::new(Watched {
            client: self.client.raw,
            handle: AtomicPtr::default(),
            scope: plan.scope,
            uid: uid.clone(),
            action: plan.action,
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

    /// Closes the client, and checks that no callback saw a fault.
    fn finish(self, all: &[Arc<Watched>]) {
        assert_eq!(self.client.close(), DRT_OK, "{}", last_error());
        self.load_server.ends();
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

/// Waits until each has run at least so often.
fn all_have(all: &[Arc<Watched>], least: u64) {
    eventually("events for all", || {
        all.iter().all(|one| calls(one) >= least)
    });
}

#[test]
fn i2_under_load_sequences_have_no_gaps_and_each_subscription_is_in_order() {
    let server = ScriptedServer::new();
    let client = Options::new(&server.url()).token("t").with(fast).open();
    client.start();
    let load_server = LoadServer::start(server.ready());
    let log = Log::new();
    for n in 0..60 {
        let one = subscription("posts")
            .uid(&format!("s{n}"))
            .server_snapshot();
        let (status, _) = client.subscribe_with(ptr::null_mut(), &one, &log);
        assert_eq!(status, DRT_OK);
    }
    log.until("many events of all", |all| {
        let last: std::collections::BTreeSet<_> =
            all.iter().rev().take(500).map(|one| &one.uid).collect();
        all.len() > 5_000 && last.len() == 60
    });
    assert_eq!(client.close(), DRT_OK);
    load_server.ends();
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
fn i4_no_callback_runs_after_any_unsubscribing_call_returns_on_another_thread() {
    let load = event_load();
    let mut everyone = Vec::new();
    for round in 0..12 {
        let scope = load.scope();
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
            .map(|n| load.subscribe(format!("{round}-{n}"), &of(n)))
            .collect();
        all_have(&all, 5);
        let client = load.client.raw;
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
    // A live subscription still gets events, so the ended ones would have got theirs.
    let witness = load.subscribe("witness".into(), &PLAIN);
    everyone.push(Arc::clone(&witness));
    all_have(&[witness], 200);
    load.finish(&everyone);
}

#[test]
fn i4_a_callback_that_ends_its_own_subscription_runs_no_more() {
    let actions: [Action; 5] = [
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
    let load = event_load();
    let persistent = Plan {
        persistent: true,
        ..PLAIN
    };
    let witness = load.subscribe("witness".into(), &persistent);
    let mut everyone = vec![Arc::clone(&witness)];
    for (at, action) in actions.into_iter().enumerate() {
        let scope = if at == 4 {
            load.scope()
        } else {
            ptr::null_mut()
        };
        let plan = Plan {
            scope,
            action: Some((20, action)),
            ..PLAIN
        };
        let own = load.subscribe(format!("own {at}"), &plan);
        eventually("its end", || own.released.load(Ordering::SeqCst) == 1);
        assert_eq!(calls(&own), 21, "way {at}");
        let so_far = calls(&witness);
        all_have(&[Arc::clone(&witness)], so_far + 50);
        everyone.push(own);
    }
    load.finish(&everyone);
}

#[test]
fn i4_subscriptions_ended_by_another_callback_run_no_more() {
    let end_others: Action = |own| {
        let mut ended = 0;
        // SAFETY: any number is a fine handle.
        let status =
            unsafe { drt_unsubscribe_collection(own.client, c"others".as_ptr(), &mut ended) };
        assert_eq!((status, ended), (DRT_OK, 20));
        OTHERS_ENDED.store(true, Ordering::SeqCst);
    };
    static OTHERS_ENDED: AtomicBool = AtomicBool::new(false);
    let load = event_load();
    let plan = Plan {
        collection: "others",
        ..PLAIN
    };
    let others: Vec<_> = (0..20)
        .map(|n| load.subscribe(format!("other {n}"), &plan))
        .collect();
    all_have(&others, 5);
    let plan = Plan {
        action: Some((10, end_others)),
        ..PLAIN
    };
    let own = load.subscribe("own".into(), &plan);
    eventually("the action", || OTHERS_ENDED.load(Ordering::SeqCst));
    // The call returned on the thread that runs the callbacks, so none ran meanwhile.
    for other in &others {
        other.ended.store(true, Ordering::SeqCst);
    }
    all_have(&[Arc::clone(&own)], 100);
    let everyone: Vec<_> = others.into_iter().chain([own]).collect();
    load.finish(&everyone);
}

#[test]
fn persistent_subscriptions_survive_scope_close_and_unsubscribe_all_under_load() {
    let load = event_load();
    let scope = load.scope();
    let lasting = Plan {
        scope,
        persistent: true,
        ..PLAIN
    };
    let passing = Plan { scope, ..PLAIN };
    let kept: Vec<_> = (0..5)
        .map(|n| load.subscribe(format!("kept {n}"), &lasting))
        .collect();
    let gone: Vec<_> = (0..5)
        .map(|n| load.subscribe(format!("gone {n}"), &passing))
        .collect();
    all_have(&kept, 5);
    all_have(&gone, 5);
    let mut ended = 99;
    // SAFETY: live handles.
    unsafe {
        assert_eq!(drt_scope_close(scope), DRT_OK);
        let client = load.client.raw;
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
    assert_eq!(load.client.stats().subscriptions, 5);
    let everyone: Vec<_> = kept.into_iter().chain(gone).collect();
    load.finish(&everyone);
}

#[test]
fn i4_threads_may_subscribe_and_unsubscribe_concurrently_under_load() {
    let load = event_load();
    let everyone: Vec<_> = thread::scope(|threads| {
        let threads: Vec<_> = (0..4)
            .map(|thread| {
                let load = &load;
                threads.spawn(move || {
                    let mut all = Vec::new();
                    for n in 0..40 {
                        let one = load.subscribe(format!("{thread}-{n}"), &PLAIN);
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
    assert_eq!(load.client.stats().subscriptions, 0);
    load.finish(&everyone);
}
