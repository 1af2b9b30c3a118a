//! Results and versions.

use std::ffi::{CStr, c_char};

/// The result of a call: 0 is success, positive is success with a remark,
/// negative is an error, which `drt_last_error()` explains.
pub type drt_status = i32;

/// Success.
pub const DRT_OK: i32 = 0;
/// The uid is in use: the existing subscription was returned.
pub const DRT_DUPLICATE: i32 = 1;
/// An argument has a value that the function cannot take.
pub const DRT_ERR_INVALID_ARGUMENT: i32 = -1;
/// The handle is NULL, stale, of another kind, or was never given out.
pub const DRT_ERR_INVALID_HANDLE: i32 = -2;
/// A string is not UTF-8.
pub const DRT_ERR_INVALID_UTF8: i32 = -3;
/// A string is not the required JSON.
pub const DRT_ERR_INVALID_JSON: i32 = -4;
/// Nothing with that name exists.
pub const DRT_ERR_NOT_FOUND: i32 = -5;
/// There is no usable link to the server at the moment.
pub const DRT_ERR_NOT_CONNECTED: i32 = -6;
/// The client is closed.
pub const DRT_ERR_CLOSED: i32 = -7;
/// The allowed time has passed.
pub const DRT_ERR_TIMEOUT: i32 = -8;
/// The server refused the credentials, or there are none.
pub const DRT_ERR_AUTH: i32 = -9;
/// The server answered with an error.
pub const DRT_ERR_SERVER: i32 = -10;
/// Network or file input and output failed.
pub const DRT_ERR_IO: i32 = -11;
/// TLS failed, for instance an untrusted certificate.
pub const DRT_ERR_TLS: i32 = -12;
/// Too much waits to be sent.
pub const DRT_ERR_QUEUE_FULL: i32 = -13;
/// The call would wait for the callback that it was made from.
pub const DRT_ERR_WOULD_DEADLOCK: i32 = -14;
/// The handle was inherited through fork().
pub const DRT_ERR_FORKED: i32 = -15;
/// An internal error, which is a bug in the library; it stays usable.
pub const DRT_ERR_INTERNAL: i32 = -127;

/// Major version of this header.
pub const DRT_VERSION_MAJOR: u32 = 0;
/// Minor version of this header.
pub const DRT_VERSION_MINOR: u32 = 1;
/// Patch version of this header.
pub const DRT_VERSION_PATCH: u32 = 0;
/// The ABI of this header: `drt_abi_version()` gives the library's.
pub const DRT_ABI_VERSION: u32 = 2;

/// The version of the ABI: `(major << 16) | minor`. Programs work with every
/// library of the same major version and the same or a later minor one.
///
/// Any thread; cannot fail.
#[unsafe(no_mangle)]
pub extern "C" fn drt_abi_version() -> u32 {
    DRT_ABI_VERSION
}

/// The version of the library, for instance `"0.1.0"`. A static string.
///
/// Any thread; cannot fail.
#[unsafe(no_mangle)]
pub extern "C" fn drt_version() -> *const c_char {
    const VERSION: &CStr =
        match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
            Ok(version) => version,
            Err(_) => c"",
        };
    VERSION.as_ptr()
}

/// The name of a status, for instance `"DRT_ERR_TIMEOUT"`; `"DRT_ERR_UNKNOWN"`
/// for an unknown number. A static string, never NULL.
///
/// Any thread; cannot fail.
#[unsafe(no_mangle)]
pub extern "C" fn drt_status_name(status: drt_status) -> *const c_char {
    let name = match status {
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
        _ => c"DRT_ERR_UNKNOWN",
    };
    name.as_ptr()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_in_the_header_is_that_of_the_package() {
        let version = format!("{DRT_VERSION_MAJOR}.{DRT_VERSION_MINOR}.{DRT_VERSION_PATCH}");
        assert_eq!(version, env!("CARGO_PKG_VERSION"));
    }
}
