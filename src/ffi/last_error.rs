//! The last error of each thread.

use std::cell::RefCell;
use std::ffi::{CString, c_char};
use std::ptr::null;

use super::out_struct;
use super::status::{DRT_OK, drt_status};
use super::strings::is_null;
use crate::error::Error;

/// The error of a thread's last failed call. Initialise it with `DRT_ERROR_INFO_INIT`.
///
/// The library owns the strings; they are valid until the thread's next call that fails.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct drt_error_info {
    /// `sizeof(drt_error_info)`.
    pub struct_size: usize,
    /// What the call returned; `DRT_OK` if none has failed yet.
    pub status: drt_status,
    /// The argument or option that is wrong, for instance `"url"`; NULL where none is.
    pub argument: *const c_char,
    /// The same sentence as `drt_last_error()`; never NULL. It has the names of arguments and
    /// options in backticks, and names no C function, so that other languages can show it.
    pub message: *const c_char,
    /// The code of the server's own error, for instance `"FORBIDDEN"`; NULL where it is not the
    /// server that refused, or where it gave no code.
    pub server_code: *const c_char,
    /// The server's own error object as JSON, counted; NULL where it is not the server that
    /// refused.
    pub server_error: *const c_char,
    /// The length of `server_error` in bytes.
    pub server_error_len: usize,
}

thread_local! {
    static LAST_ERROR: RefCell<LastError> = RefCell::default();
}

#[derive(Default)]
struct LastError {
    last: Stored,
    /// The error before, whose strings may still be in use when a call fails: a compiler may
    /// evaluate the arguments of `printf("%d %s", f(), drt_last_error())` from the last to the
    /// first.
    _previous: Stored,
}

#[derive(Default)]
struct Stored {
    status: drt_status,
    argument: Option<CString>,
    message: CString,
    server_code: Option<CString>,
    server_error: Option<String>,
}

impl Stored {
    fn new(error: &Error) -> Stored {
        let server = error.server.as_deref();
        Stored {
            status: error.status as drt_status,
            argument: error.argument.map(c_string),
            message: c_string(&error.message),
            server_code: server.and_then(|server| server.code.as_deref().map(c_string)),
            server_error: server.map(|server| server.json.clone()),
        }
    }

    /// Points to the strings of `self`.
    fn info(&self) -> drt_error_info {
        let pointer = |text: &Option<CString>| text.as_ref().map_or(null(), |text| text.as_ptr());
        let json = self.server_error.as_deref();
        drt_error_info {
            struct_size: size_of::<drt_error_info>(),
            status: self.status,
            argument: pointer(&self.argument),
            message: self.message.as_ptr(),
            server_code: pointer(&self.server_code),
            server_error: json.map_or(null(), |json| json.as_ptr().cast()),
            server_error_len: json.map_or(0, str::len),
        }
    }
}

fn c_string(text: &str) -> CString {
    CString::new(text.replace('\0', "\u{fffd}")).unwrap_or_default()
}

/// Stores an error for `drt_last_error` and returns its code.
pub(super) fn fail(error: &Error) -> drt_status {
    let stored = Stored::new(error);
    // The thread-local is gone if the thread is ending.
    let _ = LAST_ERROR.try_with(|errors| {
        let mut errors = errors.borrow_mut();
        errors._previous = std::mem::replace(&mut errors.last, stored);
    });
    error.status as drt_status
}

/// The error of the calling thread's last failed call, as one sentence. `""` if no call has failed
/// yet; never NULL. Inside the callback of a request that was not answered, its error.
///
/// The library owns the string; it is valid until the thread's next call that fails.
/// Any thread; cannot fail.
#[unsafe(no_mangle)]
pub extern "C" fn drt_last_error() -> *const c_char {
    LAST_ERROR
        .try_with(|errors| errors.borrow().last.message.as_ptr())
        .unwrap_or(c"".as_ptr())
}

/// The same error with everything that is known of it; `out->struct_size` says how many bytes `out`
/// has.
///
/// Any thread. Errors: `DRT_ERR_INVALID_ARGUMENT` where `out` is NULL or does not begin with a
/// size; the last error stays what it was.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_last_error_info(out: *mut drt_error_info) -> drt_status {
    if out.is_null() {
        return is_null("out").status as drt_status;
    }
    let info = LAST_ERROR
        .try_with(|errors| errors.borrow().last.info())
        .unwrap_or(drt_error_info {
            message: c"".as_ptr(),
            ..Stored::default().info()
        });
    // SAFETY: not NULL; it has the bytes that it says, by the caller's promise.
    match unsafe { out_struct::write(out, &info, "DRT_ERROR_INFO_INIT") } {
        Ok(()) => DRT_OK,
        Err(error) => error.status as drt_status,
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::CStr;
    use std::thread;

    use super::*;
    use crate::error::{ServerError, Status};
    use crate::ffi::status::DRT_ERR_INVALID_ARGUMENT;

    fn empty() -> drt_error_info {
        // What the call has to overwrite.
        drt_error_info {
            status: 99,
            ..Stored::default().info()
        }
    }

    fn info() -> drt_error_info {
        let mut info = empty();
        // SAFETY: it is as large as it says.
        assert_eq!(unsafe { drt_last_error_info(&raw mut info) }, DRT_OK);
        info
    }

    fn text<'a>(pointer: *const c_char) -> Option<&'a str> {
        // SAFETY: NULL, or a string that lives until the next but one failure.
        (!pointer.is_null()).then(|| unsafe { CStr::from_ptr(pointer) }.to_str().unwrap())
    }

    #[test]
    fn a_thread_without_a_failure_has_an_empty_info() {
        thread::spawn(|| {
            let info = info();
            assert_eq!((info.status, text(info.message)), (DRT_OK, Some("")));
            assert!(info.argument.is_null() && info.server_code.is_null());
            assert!(info.server_error.is_null() && info.server_error_len == 0);
        })
        .join()
        .unwrap();
    }

    #[test]
    fn the_info_has_all_parts_of_the_last_error() {
        let server = ServerError {
            code: Some("FORBIDDEN".into()),
            json: r#"{"code":"FORBIDDEN"}"#.into(),
        };
        let error = Error::new(Status::Server, "no").with_server_error(server);
        fail(&error);
        let of_server = info();
        assert_eq!(of_server.status, -10);
        assert_eq!(text(of_server.message), Some("no"));
        assert_eq!(of_server.message, drt_last_error());
        assert_eq!(text(of_server.server_code), Some("FORBIDDEN"));
        // SAFETY: so many bytes live until the next failure.
        let json = unsafe {
            std::slice::from_raw_parts(
                of_server.server_error.cast::<u8>(),
                of_server.server_error_len,
            )
        };
        assert_eq!(json, error.server.unwrap().json.as_bytes());
        assert!(of_server.argument.is_null());

        fail(&Error::invalid("url", "`url` is empty"));
        let of_argument = info();
        assert_eq!(of_argument.status, DRT_ERR_INVALID_ARGUMENT);
        assert_eq!(text(of_argument.argument), Some("url"));
        assert!(of_argument.server_error.is_null() && of_argument.server_code.is_null());
        assert_eq!(of_argument.server_error_len, 0);
        // The strings of the error before live for one more failure.
        assert_eq!(text(of_server.server_code), Some("FORBIDDEN"));
    }

    #[test]
    fn an_info_of_another_size_is_filled_as_far_as_it_goes() {
        #[repr(C)]
        struct Larger {
            info: drt_error_info,
            more: usize,
        }
        fail(&Error::invalid("url", "`url` is empty"));
        let mut larger = Larger {
            info: empty(),
            more: 7,
        };
        larger.info.struct_size = size_of::<Larger>();
        // SAFETY: it is as large as it says.
        let status = unsafe { drt_last_error_info((&raw mut larger).cast()) };
        assert_eq!((status, larger.more), (DRT_OK, 0));
        assert_eq!(text(larger.info.argument), Some("url"));
        assert_eq!(larger.info.struct_size, size_of::<Larger>());

        let mut older = empty();
        older.struct_size = std::mem::offset_of!(drt_error_info, argument);
        older.server_error_len = 9;
        // SAFETY: it is larger than it says.
        assert_eq!(unsafe { drt_last_error_info(&raw mut older) }, DRT_OK);
        assert_eq!(
            (older.status, older.server_error_len),
            (DRT_ERR_INVALID_ARGUMENT, 9)
        );
    }

    #[test]
    fn a_wrong_info_is_refused_and_the_last_error_stays() {
        fail(&Error::invalid("url", "`url` is empty"));
        let mut wrong = empty();
        wrong.struct_size = 3;
        // SAFETY: it is refused before anything is written.
        let status = unsafe { drt_last_error_info(&raw mut wrong) };
        assert_eq!((status, wrong.status), (DRT_ERR_INVALID_ARGUMENT, 99));
        // SAFETY: as above.
        let status = unsafe { drt_last_error_info(std::ptr::null_mut()) };
        assert_eq!(status, DRT_ERR_INVALID_ARGUMENT);
        assert_eq!(text(info().argument), Some("url"));
    }
}
