//! A C callback with what belongs to it.

use std::ffi::c_void;

use super::types::drt_release_fn;
use crate::delivery::enter_callback;

/// A function of the application, its `user_data`, and how that is given back:
/// once, when this is dropped.
pub(super) struct Callback<F> {
    pub call: F,
    pub user_data: *mut c_void,
    _release: Release,
}

struct Release {
    user_data: *mut c_void,
    release: drt_release_fn,
}

// SAFETY: `user_data` is only handed to functions of the application, which
// says by registering them that they may be called from the library's threads.
unsafe impl<F: Send> Send for Callback<F> {}
// SAFETY: the same.
unsafe impl<F: Sync> Sync for Callback<F> {}

impl<F> Callback<F> {
    /// Takes charge of `user_data`. Without a function it is given back at once.
    pub fn new(call: Option<F>, user_data: *mut c_void, release: drt_release_fn) -> Option<Self> {
        let release = Release { user_data, release };
        call.map(|call| Callback {
            call,
            user_data,
            _release: release,
        })
    }
}

impl Drop for Release {
    fn drop(&mut self) {
        if let Some(release) = self.release {
            let _inside = enter_callback();
            // SAFETY: the application says that `release` takes its `user_data`,
            // once, from any thread.
            unsafe { release(self.user_data) }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    unsafe extern "C" fn count(user_data: *mut c_void) {
        assert!(
            crate::delivery::in_callback(),
            "release counts as a callback"
        );
        // SAFETY: the tests pass a counter that outlives the callback.
        unsafe { &*user_data.cast::<AtomicU32>() }.fetch_add(1, Ordering::SeqCst);
    }

    #[test]
    fn user_data_is_given_back_once() {
        let released = AtomicU32::new(0);
        let user_data = (&raw const released).cast_mut().cast();
        let callback = Callback::new(Some(()), user_data, Some(count));
        assert_eq!(released.load(Ordering::SeqCst), 0);
        drop(callback);
        assert_eq!(released.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn without_a_function_it_is_given_back_at_once() {
        let released = AtomicU32::new(0);
        let user_data = (&raw const released).cast_mut().cast();
        assert!(Callback::<()>::new(None, user_data, Some(count)).is_none());
        assert_eq!(released.load(Ordering::SeqCst), 1);
    }
}
