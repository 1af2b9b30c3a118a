//! A registration from C: a function, its user data and the release function.

use std::ffi::c_void;

use crate::delivery::{Registration, enter_callback};

/// Releases the user data of a registration. Called exactly once for each, when the library will
/// not use `user_data` again; also if the registering call fails, and then before that returns.
/// Otherwise it runs where the callbacks run.
pub type drt_release_fn = Option<unsafe extern "C" fn(user_data: *mut c_void)>;

/// A callback; dropping it releases the user data.
pub(super) struct Callback<F> {
    pub function: F,
    pub user_data: *mut c_void,
    release: drt_release_fn,
}

impl<F> Callback<F> {
    pub fn new(function: F, user_data: *mut c_void, release: drt_release_fn) -> Self {
        Callback {
            function,
            user_data,
            release,
        }
    }

    /// The same registration with another form of its function.
    pub fn with<G>(mut self, function: G) -> Callback<G> {
        Callback {
            function,
            user_data: self.user_data,
            release: self.release.take(),
        }
    }
}

impl<F: Send> Registration for Callback<F> {
    fn user_data(&self) -> u64 {
        self.user_data as u64
    }

    fn release_as_row(&mut self) {
        self.release = None;
    }
}

/// A sink that wraps a [`Callback`] is the registration that the callback is.
///
/// `$has_function` says whether it has one.
macro_rules! is_registration {
    ($sink:ty, $callback:tt, $has_function:expr) => {
        impl crate::delivery::Registration for $sink {
            fn is_for_rows(&self) -> bool {
                let has_function: fn(&Self) -> bool = $has_function;
                !has_function(self)
            }

            fn user_data(&self) -> u64 {
                self.$callback.user_data()
            }

            fn release_as_row(&mut self) {
                self.$callback.release_as_row();
            }
        }
    };
}
pub(super) use is_registration;

// SAFETY: the header says on which threads callbacks and release run, and the
// application gives user data that is fit for it.
unsafe impl<F: Send> Send for Callback<F> {}
// SAFETY: as above; only log callbacks are shared, and the header says so.
unsafe impl<F: Sync> Sync for Callback<F> {}

impl<F> Drop for Callback<F> {
    fn drop(&mut self) {
        if let Some(release) = self.release {
            let _inside = enter_callback();
            // SAFETY: the application's own function and data, once.
            unsafe { release(self.user_data) };
        }
    }
}
