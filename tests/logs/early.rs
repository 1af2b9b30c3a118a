//! A handle is valid as soon as anything can meet it, also before the call that makes it returns.

use std::ffi::{c_char, c_void};
use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::thread::{self, ThreadId};
use std::time::Duration;

use super::listening::*;
use super::test_client::*;
use directus_realtime::ffi::*;

/// Runs inside `drt_subscribe`, in a log function, and uses the subscription that is being made.
struct Early {
    client: usize,
    maker: ThreadId,
    /// The handle; what another thread's wait for it and this thread's unsubscribe returned.
    met: Mutex<Option<(usize, i32, i32)>>,
}

unsafe extern "C" fn keep_handle(info: *const drt_subscription_info, data: *mut c_void) -> bool {
    // SAFETY: the library passes a live info, `meet_early` a handle to write.
    unsafe { *data.cast::<usize>() = (*info).handle as usize };
    false
}

unsafe extern "C" fn meet_early(_: i32, _: *const c_char, _: *const c_char, data: *mut c_void) {
    // SAFETY: the test keeps it.
    let early = unsafe { &*data.cast::<Early>() };
    if thread::current().id() != early.maker || early.met.lock().unwrap().is_some() {
        return;
    }
    let mut handle = 0usize;
    let client = early.client as *mut drt_client;
    // SAFETY: the handle lives during the call.
    unsafe { drt_active_subscriptions(client, Some(keep_handle), (&raw mut handle).cast()) };
    if handle == 0 {
        return;
    }
    let (sender, receiver) = channel();
    thread::spawn(move || {
        // SAFETY: a handle is a number that any thread may use.
        sender.send(unsafe { drt_subscription_wait(handle as *mut drt_subscription, 0) })
    });
    let other = receiver
        .recv_timeout(Duration::from_secs(20))
        .unwrap_or(i32::MIN);
    // SAFETY: as above.
    let own = unsafe { drt_subscription_unsubscribe(handle as *mut drt_subscription) };
    *early.met.lock().unwrap() = Some((handle, other, own));
}

#[test]
fn a_handle_is_valid_on_every_thread_before_drt_subscribe_returns() {
    let _log = exclusive_log();
    let client = Options::new("ws://127.0.0.1:1/").token("t").open();
    let early = Early {
        client: client.raw as usize,
        maker: thread::current().id(),
        met: Mutex::default(),
    };
    let data = (&raw const early).cast_mut().cast();
    assert_eq!(set(DRT_LOG_INFO, Some(meet_early), data, None), DRT_OK);
    let made = client.subscribe(subscription("posts"));
    assert_eq!(set(DRT_LOG_OFF, None, std::ptr::null_mut(), None), DRT_OK);
    let met = early.met.lock().unwrap().take();
    assert_eq!(met, Some((made.raw as usize, DRT_ERR_TIMEOUT, DRT_OK)));
    assert_eq!(client.close(), DRT_OK);
}
