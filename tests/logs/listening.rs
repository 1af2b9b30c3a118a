//! A log function that records its lines.

use std::ffi::{CStr, c_char, c_void};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use directus_realtime::ffi::*;

use super::test_client::*;

/// (level, target, message)
pub type Line = (i32, String, String);
pub type Lines = Log<Line>;

static LOG_LOCK: Mutex<()> = Mutex::new(());

/// Exclusive use of the process's log. Removes the log function when it is dropped.
pub struct ExclusiveLog {
    _lock: MutexGuard<'static, ()>,
}

pub fn exclusive_log() -> ExclusiveLog {
    ExclusiveLog {
        _lock: LOG_LOCK.lock().unwrap_or_else(PoisonError::into_inner),
    }
}

impl Drop for ExclusiveLog {
    fn drop(&mut self) {
        assert_eq!(set(DRT_LOG_OFF, None, std::ptr::null_mut(), None), DRT_OK);
    }
}

pub unsafe extern "C" fn record(
    level: drt_log_level,
    target: *const c_char,
    message: *const c_char,
    lines: *mut c_void,
) {
    // SAFETY: the library passes NUL-terminated texts, and the pointer of an Arc.
    let (lines, target, message) = unsafe {
        let text = |text| CStr::from_ptr(text).to_str().unwrap().to_owned();
        (&*lines.cast::<Lines>(), text(target), text(message))
    };
    lines.push((level, target, message));
}

/// `drt_set_log`.
pub fn set(level: i32, log: drt_log_fn, data: *mut c_void, release: drt_release_fn) -> i32 {
    // SAFETY: the callers give data that lives until it is released.
    unsafe { drt_set_log(level, log, data, release) }
}

/// Records the log from now on.
pub fn listen(level: i32) -> Arc<Lines> {
    let lines = Log::new();
    assert_eq!(
        set(
            level,
            Some(record),
            user_data(&lines),
            Some(release::<Line>)
        ),
        DRT_OK
    );
    lines
}
