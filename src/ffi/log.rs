//! `drt_set_log`.

use std::cell::Cell;
use std::ffi::{CString, c_char, c_int, c_void};
use std::io;
#[cfg(unix)]
use std::os::fd::IntoRawFd;

use super::callback::{Callback, drt_release_fn};
use super::panic;
use super::process;
use super::status::drt_status;
use super::strings::is_null;
use crate::delivery::enter_callback;
use crate::error::{Error, Status};
use crate::log::{self, Level};
#[cfg(unix)]
use crate::log_stream::LogStream;

/// How important a log message is.
pub type drt_log_level = i32;

/// No messages.
pub const DRT_LOG_OFF: i32 = 0;
/// Something failed that the application should know of: a client entered
/// `DRT_STATE_FAILED`, or a callback or the library itself panicked.
pub const DRT_LOG_ERROR: i32 = 1;
/// Something is wrong, and handled: a link could not be opened or was lost.
pub const DRT_LOG_WARN: i32 = 2;
/// The life of links: connected, lost, authenticated.
pub const DRT_LOG_INFO: i32 = 3;
/// What the library does, and why.
pub const DRT_LOG_DEBUG: i32 = 4;
/// Everything.
pub const DRT_LOG_TRACE: i32 = 5;

/// Receives a log message; the strings are valid during the call. Runs on any thread, on several
/// at once. It may call every function of the library that does not block; what those calls would
/// log is not logged.
pub type drt_log_fn = Option<
    unsafe extern "C" fn(
        level: drt_log_level,
        target: *const c_char,
        message: *const c_char,
        user_data: *mut c_void,
    ),
>;

type Function = unsafe extern "C" fn(drt_log_level, *const c_char, *const c_char, *mut c_void);

struct CLog(Callback<Function>);

impl log::Sink for CLog {
    fn log(&self, level: Level, target: &'static str, message: &str) {
        if LOGGING.replace(true) {
            return;
        }
        self.call(level, target, message);
        LOGGING.set(false);
    }
}

thread_local! {
    /// Whether this thread is inside a log function, which must not call itself.
    static LOGGING: Cell<bool> = const { Cell::new(false) };
}

impl CLog {
    fn call(&self, level: Level, target: &str, message: &str) {
        let (Ok(target), Ok(message)) = (
            CString::new(target),
            CString::new(message.replace('\0', "\u{fffd}")),
        ) else {
            return;
        };
        let _inside = enter_callback();
        let Callback {
            function,
            user_data,
            ..
        } = &self.0;
        // SAFETY: the application's own function and data; the strings live.
        unsafe {
            function(
                level as drt_log_level,
                target.as_ptr(),
                message.as_ptr(),
                *user_data,
            );
        }
    }
}

/// Sets the function that receives the log messages of all clients, up to `max_level`. They never
/// contain a token or a password. `DRT_LOG_OFF`, or NULL for `fn`, removes it.
///
/// While no function is set, the environment decides: with `DRT_LOG=error`, `warn`,
/// `info`, `debug` or `trace`, messages up to that level are written to standard error;
/// without it there are none. The variable is read once, by the first
/// `drt_client_new` or `drt_set_log`, and ignored in setuid programs.
///
/// The previous function is released when its last call has returned.
/// Any thread. Errors: `DRT_ERR_INVALID_ARGUMENT`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_set_log(
    max_level: drt_log_level,
    r#fn: drt_log_fn,
    user_data: *mut c_void,
    release: drt_release_fn,
) -> drt_status {
    panic::run(|| {
        let callback = Callback::new(r#fn, user_data, release);
        process::prepare();
        let level = level_of(max_level)?;
        match r#fn {
            Some(function) if level != Level::Off => {
                log::set_sink(level, Some(Box::new(CLog(callback.with(function)))));
            }
            _ => log::set_sink(Level::Off, None),
        }
        Ok(())
    })
}

fn level_of(max_level: drt_log_level) -> Result<Level, Error> {
    Ok(match max_level {
        DRT_LOG_OFF => Level::Off,
        DRT_LOG_ERROR => Level::Error,
        DRT_LOG_WARN => Level::Warn,
        DRT_LOG_INFO => Level::Info,
        DRT_LOG_DEBUG => Level::Debug,
        DRT_LOG_TRACE => Level::Trace,
        other => {
            let message = format!("`max_level` is {other}: it must be a DRT_LOG_ constant");
            return Err(Error::invalid("max_level", message));
        }
    })
}

/// Writes the log messages of all clients, up to `max_level`, to a descriptor instead of calling a
/// function, for languages in which calls from threads of the library are unwelcome. `*fd`
/// receives the end to read from, a non-blocking socket. Each message is a line of JSON,
/// `[level,"target","message"]`, followed by `\n`.
///
/// The library never waits for the reader: messages that do not fit are dropped, and their number
/// is logged as soon as there is room again. A reader must skip lines of another form. The caller
/// owns the descriptor and may close it at any time. The descriptor replaces what `drt_set_log` or
/// `drt_log_open` had set, and is replaced by either.
///
/// Any thread. Errors: `DRT_ERR_INVALID_ARGUMENT`, `DRT_ERR_IO` (too many open files,
/// or a platform without this function).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_log_open(max_level: drt_log_level, fd: *mut c_int) -> drt_status {
    panic::run(|| {
        // SAFETY: NULL or valid for writing, by the header's contract.
        let fd = unsafe { fd.as_mut() }.ok_or_else(|| is_null("fd"))?;
        *fd = -1;
        process::prepare();
        let level = level_of(max_level)?;
        *fd = open_stream(level).map_err(|error| {
            let message = format!("the log cannot be sent to a descriptor: {error}");
            Error::new(Status::Io, message)
        })?;
        Ok(())
    })
}

#[cfg(unix)]
fn open_stream(level: Level) -> io::Result<c_int> {
    let (stream, reader) = LogStream::open()?;
    log::set_sink(level, Some(Box::new(stream)));
    Ok(reader.into_raw_fd())
}

#[cfg(not(unix))]
fn open_stream(_: Level) -> io::Result<c_int> {
    Err(io::ErrorKind::Unsupported.into())
}
