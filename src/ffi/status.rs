//! Results, their names, and the thread's last error.

use std::ffi::{CStr, c_char};

use super::guard;
use crate::error::Status;

/// The result of a call: 0 is success, a positive value is success with a
/// remark, a negative value is an error, for which `drt_last_error` has words.
pub type drt_status = i32;

/// Success; as the reason of a state: nothing is wrong.
pub const DRT_OK: drt_status = 0;
/// The uid is taken; the subscription that has it was returned.
pub const DRT_DUPLICATE: drt_status = 1;
/// An argument has a value that the function cannot take.
pub const DRT_ERR_INVALID_ARGUMENT: drt_status = -1;
/// A handle is NULL, stale, of another kind, or was never given out.
pub const DRT_ERR_INVALID_HANDLE: drt_status = -2;
/// A string is not UTF-8.
pub const DRT_ERR_INVALID_UTF8: drt_status = -3;
/// A string is not the JSON that is asked for.
pub const DRT_ERR_INVALID_JSON: drt_status = -4;
/// Nothing has that name.
pub const DRT_ERR_NOT_FOUND: drt_status = -5;
/// There is no usable link at the moment.
pub const DRT_ERR_NOT_CONNECTED: drt_status = -6;
/// The client is closed.
pub const DRT_ERR_CLOSED: drt_status = -7;
/// It took longer than allowed.
pub const DRT_ERR_TIMEOUT: drt_status = -8;
/// The server refused the credentials.
pub const DRT_ERR_AUTH: drt_status = -9;
/// The server answered with an error.
pub const DRT_ERR_SERVER: drt_status = -10;
/// Network or file input and output failed.
pub const DRT_ERR_IO: drt_status = -11;
/// TLS failed, for instance because of an untrusted certificate.
pub const DRT_ERR_TLS: drt_status = -12;
/// Too much is waiting already.
pub const DRT_ERR_QUEUE_FULL: drt_status = -13;
/// The call blocks, and was made from inside a callback.
pub const DRT_ERR_WOULD_DEADLOCK: drt_status = -14;
/// The handle was inherited through `fork`.
pub const DRT_ERR_FORKED: drt_status = -15;
/// A fault of the library. It stays usable.
pub const DRT_ERR_INTERNAL: drt_status = -127;

/// The name of a status, for instance "DRT_ERR_TIMEOUT"; static, never NULL,
/// "DRT_UNKNOWN_STATUS" for a value that has none. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn drt_status_name(status: drt_status) -> *const c_char {
    name(status).as_ptr()
}

/// What was wrong with the calling thread's last failed call: one sentence that
/// names the argument. Never NULL; empty when no call has failed. Valid until the
/// thread's next failed call; calls that succeed leave it as it is. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn drt_last_error() -> *const c_char {
    guard::last_error()
}

/// Major version of this header.
pub const DRT_VERSION_MAJOR: u32 = 0;
/// Minor version of this header.
pub const DRT_VERSION_MINOR: u32 = 1;
/// Patch version of this header.
pub const DRT_VERSION_PATCH: u32 = 0;
/// The ABI of this header, as `drt_abi_version` gives the library's.
pub const DRT_ABI_VERSION: u32 = 1;

const VERSION: &CStr =
    match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
        Ok(version) => version,
        Err(_) => panic!("a version has no NUL"),
    };

/// The ABI of the library: `(major << 16) | minor`. A program that was compiled
/// against this header can run with a library of the same major and the same or
/// a larger minor number than `DRT_ABI_VERSION`. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn drt_abi_version() -> u32 {
    DRT_ABI_VERSION
}

/// The version of the library, for instance "0.1.0"; static. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn drt_version() -> *const c_char {
    VERSION.as_ptr()
}

fn name(status: drt_status) -> &'static CStr {
    match status {
        DRT_OK => c"DRT_OK",
        DRT_DUPLICATE => c"DRT_DUPLICATE",
        DRT_ERR_INVALID_ARGUMENT => c"DRT_ERR_INVALID_ARGUMENT",
        DRT_ERR_INVALID_HANDLE => c"DRT_ERR_INVALID_HANDLE",
        DRT_ERR_INVALID_UTF8 => c"DRT_ERR_INVALID_UTF8",
        DRT_ERR_INVALID_JSON => c"DRT_ERR_INVALID_JSON",
        DRT_ERR_NOT_FOUND => c"DRT_ERR_NOT_FOUND",
        DRT_ERR_NOT_CONNECTED => c"DRT_ERR_NOT_CONNECTED",
        DRT_ERR_CLOSED => c"DRT_ERR_CLOSED",
        DRT_ERR_TIMEOUT => c"DRT_ERR_TIMEOUT",
        DRT_ERR_AUTH => c"DRT_ERR_AUTH",
        DRT_ERR_SERVER => c"DRT_ERR_SERVER",
        DRT_ERR_IO => c"DRT_ERR_IO",
        DRT_ERR_TLS => c"DRT_ERR_TLS",
        DRT_ERR_QUEUE_FULL => c"DRT_ERR_QUEUE_FULL",
        DRT_ERR_WOULD_DEADLOCK => c"DRT_ERR_WOULD_DEADLOCK",
        DRT_ERR_FORKED => c"DRT_ERR_FORKED",
        DRT_ERR_INTERNAL => c"DRT_ERR_INTERNAL",
        _ => c"DRT_UNKNOWN_STATUS",
    }
}

/// A status as the header knows it.
pub(super) fn code(status: Status) -> drt_status {
    status as drt_status
}

const _: () = {
    assert!(Status::Ok as drt_status == DRT_OK);
    assert!(Status::InvalidArgument as drt_status == DRT_ERR_INVALID_ARGUMENT);
    assert!(Status::InvalidHandle as drt_status == DRT_ERR_INVALID_HANDLE);
    assert!(Status::InvalidUtf8 as drt_status == DRT_ERR_INVALID_UTF8);
    assert!(Status::InvalidJson as drt_status == DRT_ERR_INVALID_JSON);
    assert!(Status::NotFound as drt_status == DRT_ERR_NOT_FOUND);
    assert!(Status::NotConnected as drt_status == DRT_ERR_NOT_CONNECTED);
    assert!(Status::Closed as drt_status == DRT_ERR_CLOSED);
    assert!(Status::Timeout as drt_status == DRT_ERR_TIMEOUT);
    assert!(Status::Auth as drt_status == DRT_ERR_AUTH);
    assert!(Status::Server as drt_status == DRT_ERR_SERVER);
    assert!(Status::Io as drt_status == DRT_ERR_IO);
    assert!(Status::Tls as drt_status == DRT_ERR_TLS);
    assert!(Status::QueueFull as drt_status == DRT_ERR_QUEUE_FULL);
    assert!(Status::WouldDeadlock as drt_status == DRT_ERR_WOULD_DEADLOCK);
    assert!(Status::Forked as drt_status == DRT_ERR_FORKED);
    assert!(Status::Internal as drt_status == DRT_ERR_INTERNAL);
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_constants_are_the_packages() {
        let version = format!("{DRT_VERSION_MAJOR}.{DRT_VERSION_MINOR}.{DRT_VERSION_PATCH}");
        assert_eq!(version, env!("CARGO_PKG_VERSION"));
        assert_eq!(VERSION.to_str(), Ok(version.as_str()));
    }

    #[test]
    fn a_status_that_nobody_knows_has_a_name_all_the_same() {
        assert_eq!(name(-4711), c"DRT_UNKNOWN_STATUS");
        assert_eq!(name(-8), c"DRT_ERR_TIMEOUT");
    }
}
