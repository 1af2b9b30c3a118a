//! Text from C and to C.

use std::ffi::{CStr, CString, c_char};
use std::fmt::Display;

use crate::error::{Error, Result, Status};

/// A text that may be left out.
///
/// # Safety
/// `text` is NULL or NUL-terminated, and stays as it is for as long as the
/// result is used.
pub(super) unsafe fn optional<'a>(text: *const c_char, name: &str) -> Result<Option<&'a str>> {
    if text.is_null() {
        return Ok(None);
    }
    // SAFETY: NUL-terminated, as the caller promises.
    let bytes = unsafe { CStr::from_ptr(text) }.to_bytes();
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(Some(text)),
        Err(error) => {
            let at = error.valid_up_to();
            let byte = bytes.get(at).copied().unwrap_or_default();
            let message = format!("`{name}` is not UTF-8: byte {byte:#04x} at offset {at}");
            Err(Error::new(Status::InvalidUtf8, message))
        }
    }
}

/// A text that must be there.
///
/// # Safety
/// As for [`optional`].
pub(super) unsafe fn required<'a>(text: *const c_char, name: &str) -> Result<&'a str> {
    // SAFETY: as the caller promises.
    unsafe { optional(text, name) }?.ok_or_else(|| null(name))
}

/// A text that must be there and have something in it.
///
/// # Safety
/// As for [`optional`].
pub(super) unsafe fn filled<'a>(text: *const c_char, name: &str) -> Result<&'a str> {
    // SAFETY: as the caller promises.
    let text = unsafe { required(text, name) }?;
    if text.is_empty() {
        return Err(invalid(format!("`{name}` is empty")));
    }
    Ok(text)
}

/// A text that may be left out, but not be empty.
///
/// # Safety
/// As for [`optional`].
pub(super) unsafe fn optional_filled<'a>(
    text: *const c_char,
    name: &str,
) -> Result<Option<&'a str>> {
    // SAFETY: as the caller promises.
    let text = unsafe { optional(text, name) }?;
    if text == Some("") {
        return Err(invalid(format!("`{name}` is empty: leave it NULL instead")));
    }
    Ok(text)
}

/// A copy for C. A NUL in the middle becomes a replacement character.
pub(super) fn nul_terminated(text: &str) -> CString {
    CString::new(text)
        .unwrap_or_else(|_| CString::new(text.replace('\0', "\u{fffd}")).unwrap_or_default())
}

/// The error of a pointer that must not be NULL.
pub(super) fn null(name: &str) -> Error {
    invalid(format!("`{name}` is NULL"))
}

/// The error of a number that stands for nothing.
pub(super) fn unknown_value(name: &str, value: impl Display) -> Error {
    invalid(format!("`{name}` has the unknown value {value}"))
}

/// An `InvalidArgument` with its sentence.
pub(super) fn invalid(message: impl Into<String>) -> Error {
    Error::new(Status::InvalidArgument, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_that_is_not_utf8_is_named_with_its_place() {
        // SAFETY: a literal with its NUL.
        let error = unsafe { required(c"abc\xff".as_ptr(), "options.collection") };
        let error = error.expect_err("not UTF-8");
        assert_eq!(error.status, Status::InvalidUtf8);
        assert_eq!(
            error.message,
            "`options.collection` is not UTF-8: byte 0xff at offset 3"
        );
    }

    #[test]
    fn a_missing_text_is_named() {
        // SAFETY: NULL is allowed.
        let error = unsafe { required(std::ptr::null(), "uid") }.expect_err("NULL");
        assert_eq!(
            (error.status, error.message.as_str()),
            (Status::InvalidArgument, "`uid` is NULL")
        );
    }
}
