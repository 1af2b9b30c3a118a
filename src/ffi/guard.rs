//! What stands around every function of the ABI: no panic gets out, and an
//! error leaves its sentence with the thread.

use std::cell::RefCell;
use std::ffi::{CStr, CString, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::status::{DRT_OK, code, drt_status};
use super::text;
use crate::delivery::in_callback;
use crate::error::{Error, Result, Status};

thread_local! {
    static LAST_ERROR: RefCell<Option<CString>> = const { RefCell::new(None) };
}

/// Runs a function that gives nothing but its status.
pub(super) fn status(f: impl FnOnce() -> Result<()>) -> drt_status {
    remark(|| f().map(|()| DRT_OK))
}

/// Runs a function whose success may come with a remark.
pub(super) fn remark(f: impl FnOnce() -> Result<drt_status>) -> drt_status {
    run(f).unwrap_or_else(|error| code(error.status))
}

/// Runs a function that gives `fallback` when it fails.
pub(super) fn value<T>(fallback: T, f: impl FnOnce() -> Result<T>) -> T {
    run(f).unwrap_or(fallback)
}

fn run<T>(f: impl FnOnce() -> Result<T>) -> Result<T> {
    let result = catch_unwind(AssertUnwindSafe(f)).unwrap_or_else(|panic| {
        // What it carries might panic again when it is dropped.
        std::mem::forget(panic);
        let message = "the library has a fault: it panicked in this call; please report it";
        Err(Error::new(Status::Internal, message))
    });
    if let Err(error) = &result {
        let message = text::nul_terminated(&error.message);
        // A thread that is ending has no last error any more.
        let _ = LAST_ERROR.try_with(|last| last.replace(Some(message)));
    }
    result
}

/// The text behind `drt_last_error`.
pub(super) fn last_error() -> *const c_char {
    let of_thread = LAST_ERROR.try_with(|last| last.borrow().as_deref().map(CStr::as_ptr));
    of_thread.ok().flatten().unwrap_or(c"".as_ptr())
}

/// Refuses a call that blocks from inside a callback.
pub(super) fn may_block() -> Result<()> {
    if in_callback() {
        let message = "this call blocks, and must not be made from inside a callback";
        return Err(Error::new(Status::WouldDeadlock, message));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ffi::status::{DRT_ERR_INTERNAL, DRT_ERR_NOT_FOUND};

    fn last() -> String {
        // SAFETY: never NULL, and valid until this thread's next failed call.
        unsafe { CStr::from_ptr(last_error()) }
            .to_string_lossy()
            .into_owned()
    }

    #[test]
    fn a_panic_becomes_an_internal_error() {
        assert_eq!(status(|| panic!("on purpose")), DRT_ERR_INTERNAL);
        assert!(last().contains("fault"), "{}", last());
        assert_eq!(status(|| Ok(())), DRT_OK);
    }

    #[test]
    fn the_last_error_belongs_to_the_thread_and_outlives_success() {
        assert_eq!(last(), "");
        let failed = status(|| Err(Error::new(Status::NotFound, "no\0 such thing")));
        assert_eq!(failed, DRT_ERR_NOT_FOUND);
        assert_eq!(status(|| Ok(())), DRT_OK);
        assert_eq!(last(), "no\u{fffd} such thing");
        std::thread::spawn(|| assert_eq!(last(), ""))
            .join()
            .expect("no panic");
    }
}
