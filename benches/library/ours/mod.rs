//! The library, called by its C ABI.

mod back;
mod flood;
mod footprint;
pub mod live;
mod paced;

use std::ffi::{CString, c_void};
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::Thread;

use directus_realtime::ffi::*;

pub use back::come_back;
pub use flood::flood;
pub use footprint::{idle, memory};
pub use paced::paced;

/// An open client, which is closed when it is dropped.
struct Client(*mut drt_client);

impl Client {
    fn open(url: &str, adjust: impl FnOnce(&mut drt_client_options)) -> Client {
        let (url, token) = (
            CString::new(url).expect("text"),
            CString::new("t").expect("text"),
        );
        let mut client = ptr::null_mut();
        // SAFETY: all-zero is the default; everything lives until the calls return.
        unsafe {
            let mut options: drt_client_options = std::mem::zeroed();
            options.struct_size = size_of::<drt_client_options>();
            options.url = url.as_ptr();
            options.access_token = token.as_ptr();
            adjust(&mut options);
            assert_eq!(drt_client_new(&options, &mut client), DRT_OK);
            assert_eq!(drt_client_connect(client), DRT_OK);
            assert_eq!(drt_client_wait(client, DRT_STATE_CONNECTED, 10_000), DRT_OK);
        }
        Client(client)
    }

    /// Subscribes to the collection `posts`. The data must outlive the client.
    fn subscribe<T>(&self, uid: Option<&str>, callback: drt_event_fn, data: &T) {
        let collection = CString::new("posts").expect("text");
        let uid = uid.map(|uid| CString::new(uid).expect("text"));
        // SAFETY: all-zero is the default; everything lives until the call returns.
        unsafe {
            let mut options: drt_subscription_options = std::mem::zeroed();
            options.struct_size = size_of::<drt_subscription_options>();
            options.collection = collection.as_ptr();
            options.uid = uid.as_ref().map_or(ptr::null(), |uid| uid.as_ptr());
            let data: *mut c_void = ptr::from_ref(data).cast_mut().cast();
            let (scope, out) = (ptr::null_mut(), ptr::null_mut());
            let status = drt_subscribe(self.0, scope, &options, callback, data, None, out);
            assert_eq!(status, DRT_OK);
        }
    }

    fn stats(&self) -> drt_stats {
        // SAFETY: all-zero is fine for an out struct, and the handle lives.
        unsafe {
            let mut stats: drt_stats = std::mem::zeroed();
            stats.struct_size = size_of::<drt_stats>();
            assert_eq!(drt_client_stats(self.0, &mut stats), DRT_OK);
            stats
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // SAFETY: a live handle.
        assert_eq!(unsafe { drt_client_close(self.0, 10_000) }, DRT_OK);
    }
}

/// Something that a callback ends, and the main thread waits for without using the processor.
struct Done {
    is_over: AtomicBool,
    waiter: Thread,
}

impl Done {
    fn new() -> Done {
        Done {
            is_over: AtomicBool::new(false),
            waiter: std::thread::current(),
        }
    }

    fn set(&self) {
        self.is_over.store(true, Ordering::Release);
        self.waiter.unpark();
    }

    fn is_set(&self) -> bool {
        self.is_over.load(Ordering::Acquire)
    }

    fn wait(&self) {
        while !self.is_set() {
            std::thread::park();
        }
    }
}
