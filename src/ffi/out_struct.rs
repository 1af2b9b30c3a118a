//! Structs of the application's that the library fills. They grow only at the end, so those of an
//! older or a newer header can be written.

use super::options::{LARGEST_STRUCT, wrong_size};
use crate::error::Result;

/// Copies `value` into `out`, as much as there is room for, and clears the members that a later
/// header has and this library does not. `out`'s size stays as it is; `init` is the macro that
/// sets it.
///
/// # Safety
///
/// `out` has as many bytes as its first member says.
pub(super) unsafe fn write<T: Copy>(out: *mut T, value: &T, init: &str) -> Result<()> {
    const SIZE: usize = size_of::<usize>();
    // SAFETY: a struct begins with its size.
    let room = unsafe { out.cast::<usize>().read_unaligned() };
    if !(SIZE..=LARGEST_STRUCT).contains(&room) {
        return Err(wrong_size(room, init));
    }
    let bytes = room.min(size_of::<T>());
    let (from, to) = (std::ptr::from_ref(value).cast::<u8>(), out.cast::<u8>());
    // SAFETY: both have `bytes` bytes, and `out` has `room`.
    unsafe {
        std::ptr::copy_nonoverlapping(from.add(SIZE), to.add(SIZE), bytes - SIZE);
        to.add(bytes).write_bytes(0, room - bytes);
    }
    Ok(())
}
