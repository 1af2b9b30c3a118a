//! Log messages on their way to the application.

use std::cell::Cell;
use std::ffi::{CString, c_char, c_void};
use std::sync::Arc;

use super::callback::Callback;
use super::status::drt_status;
use super::types::drt_release_fn;
use super::{guard, text};
use crate::delivery::enter_callback;
use crate::error::Result;
use crate::log::{self, Level};

/// How important a log message is, or the least important that is wanted.
pub type drt_log_level = i32;

/// Nothing.
pub const DRT_LOG_OFF: drt_log_level = 0;
/// Something failed that the application should know of.
pub const DRT_LOG_ERROR: drt_log_level = 1;
/// Something is odd, and dealt with.
pub const DRT_LOG_WARN: drt_log_level = 2;
/// The life of a link: connected, lost, authenticated.
pub const DRT_LOG_INFO: drt_log_level = 3;
/// What the library does and why.
pub const DRT_LOG_DEBUG: drt_log_level = 4;
/// Every frame's type.
pub const DRT_LOG_TRACE: drt_log_level = 5;

/// Takes a log message. `target` names the part of the library that speaks; both
/// texts are NUL-terminated, valid during the call, and never contain a token or a
/// password. Runs on any thread, also on several at once, and counts as a callback:
/// calls that block return `DRT_ERR_WOULD_DEADLOCK` in it. What calls made in it
/// would log is left out.
pub type drt_log_fn = Option<
    unsafe extern "C" fn(
        level: drt_log_level,
        target: *const c_char,
        message: *const c_char,
        user_data: *mut c_void,
    ),
>;

/// Sets where the log messages of all clients of the process go, up to
/// `max_level`; nowhere at first. `fn` NULL or `DRT_LOG_OFF` turns logging off.
/// `release` of the one before runs when its last call has returned, which may be
/// after this function. A forked child keeps the setting. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_set_log(
    max_level: drt_log_level,
    r#fn: drt_log_fn,
    user_data: *mut c_void,
    release: drt_release_fn,
) -> drt_status {
    let callback = Callback::new(r#fn, user_data, release);
    guard::status(|| {
        let max_level = level(max_level)?;
        if max_level == Level::Off {
            log::set_sink(Level::Off, None);
            return Ok(());
        }
        let sink = callback.map(|callback| Arc::new(LogSink { callback }) as _);
        log::set_sink(max_level, sink);
        Ok(())
    })
}

fn level(value: drt_log_level) -> Result<Level> {
    Ok(match value {
        DRT_LOG_OFF => Level::Off,
        DRT_LOG_ERROR => Level::Error,
        DRT_LOG_WARN => Level::Warn,
        DRT_LOG_INFO => Level::Info,
        DRT_LOG_DEBUG => Level::Debug,
        DRT_LOG_TRACE => Level::Trace,
        _ => return Err(text::unknown_value("max_level", value)),
    })
}

type LogCall = unsafe extern "C" fn(drt_log_level, *const c_char, *const c_char, *mut c_void);

struct LogSink {
    callback: Callback<LogCall>,
}

thread_local! {
    /// Whether this thread is inside a log callback, which must not call itself.
    static LOGGING: Cell<bool> = const { Cell::new(false) };
}

impl log::Sink for LogSink {
    fn log(&self, level: Level, target: &'static str, message: &str) {
        if LOGGING.replace(true) {
            return;
        }
        let (target, message) = (text::nul_terminated(target), text::nul_terminated(message));
        self.call(level, &target, &message);
        LOGGING.set(false);
    }
}

impl LogSink {
    fn call(&self, level: Level, target: &CString, message: &CString) {
        let _inside = enter_callback();
        let Callback {
            call, user_data, ..
        } = &self.callback;
        // SAFETY: the application says that `call` may be called with its
        // `user_data` until `release`; both texts outlive the call.
        unsafe {
            call(
                level as drt_log_level,
                target.as_ptr(),
                message.as_ptr(),
                *user_data,
            )
        }
    }
}
