//! Results that go into variables of the caller.

/// Stores a result, if it is asked for.
///
/// # Safety
/// `place` is NULL or the caller's variable.
pub(super) unsafe fn store<T>(place: *mut T, value: T) {
    if !place.is_null() {
        // SAFETY: the caller's variable.
        unsafe { *place = value };
    }
}
