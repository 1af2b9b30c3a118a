//! Checks the strings that C passes in.

use std::ffi::{CStr, c_char};

use crate::error::{Error, Result, Status};

/// A string that must be there. `name` is the parameter's.
///
/// # Safety
///
/// `text` is NULL or points to a NUL-terminated string.
pub(super) unsafe fn required<'a>(text: *const c_char, name: &'static str) -> Result<&'a str> {
    // SAFETY: the caller's promise.
    let text = unsafe { optional(text, name) }?;
    text.ok_or_else(|| Error::invalid(name, format!("`{name}` is missing")))
}

/// A string that may be NULL.
///
/// # Safety
///
/// As [`required`].
pub(super) unsafe fn optional<'a>(
    text: *const c_char,
    name: &'static str,
) -> Result<Option<&'a str>> {
    if text.is_null() {
        return Ok(None);
    }
    // SAFETY: not NULL, and NUL-terminated by the caller's promise.
    let bytes = unsafe { CStr::from_ptr(text) };
    match bytes.to_str() {
        Ok(text) => Ok(Some(text)),
        Err(error) => {
            let at = error.valid_up_to();
            let byte = bytes.to_bytes().get(at).copied().unwrap_or_default();
            let message = format!("`{name}` is not UTF-8: byte {byte:#04x} at offset {at}");
            Err(Error::new(Status::InvalidUtf8, message).about(name))
        }
    }
}

/// A string that must be there and not be empty.
///
/// # Safety
///
/// As [`required`].
pub(super) unsafe fn filled<'a>(text: *const c_char, name: &'static str) -> Result<&'a str> {
    // SAFETY: the caller's promise.
    match unsafe { required(text, name) }? {
        "" => Err(Error::invalid(name, format!("`{name}` is empty"))),
        text => Ok(text),
    }
}

/// A string that may be NULL, but not empty.
///
/// # Safety
///
/// As [`required`].
pub(super) unsafe fn optional_filled<'a>(
    text: *const c_char,
    name: &'static str,
) -> Result<Option<&'a str>> {
    // SAFETY: the caller's promise.
    match unsafe { optional(text, name) }? {
        Some("") => {
            let message = format!("`{name}` is empty: leave it unset instead");
            Err(Error::invalid(name, message))
        }
        text => Ok(text),
    }
}

/// The error for a pointer that must not be NULL.
pub(super) fn is_null(name: &'static str) -> Error {
    Error::invalid(name, format!("`{name}` is NULL"))
}
