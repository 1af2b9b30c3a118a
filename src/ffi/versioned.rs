//! Structs of the header that may be older or newer than the library.

use std::mem::MaybeUninit;

use super::text::invalid;
use crate::error::Result;

/// More than any struct of this header will ever have.
const LARGEST: usize = 4096;

/// What a versioned struct begins with at least: its size and a first member.
const SMALLEST: usize = 2 * size_of::<usize>();

fn check_size(size: usize, align: usize, name: &str, init: &str) -> Result<()> {
    if (SMALLEST..=LARGEST).contains(&size) && size % align == 0 {
        return Ok(());
    }
    Err(invalid(format!(
        "`{name}.struct_size` is {size}: initialise it with {init}"
    )))
}

/// Copies the options of a program that may have been compiled against an older
/// or newer header. What it does not know is zero; what we do not know must be.
///
/// # Safety
/// `options` is not NULL and points to a `size_t` and as many bytes as that
/// says, and all-zero bytes are a valid `T`. The result is a valid `T` if the
/// bytes given are.
pub(super) unsafe fn read<T>(options: *const T, name: &str, init: &str) -> Result<MaybeUninit<T>> {
    // SAFETY: there is a size_t, as the caller promises.
    let size = unsafe { options.cast::<usize>().read_unaligned() };
    check_size(size, align_of::<T>(), name, init)?;
    let known = size.min(size_of::<T>());
    // SAFETY: there are `size` bytes, as the caller promises.
    let excess =
        unsafe { std::slice::from_raw_parts(options.cast::<u8>().add(known), size - known) };
    if excess.iter().any(|&byte| byte != 0) {
        let message =
            format!("`{name}` sets an option that this version of the library does not know");
        return Err(invalid(message));
    }
    let mut copy = MaybeUninit::<T>::zeroed();
    // SAFETY: `known` bytes are there to be read, and there is room for them.
    unsafe {
        options
            .cast::<u8>()
            .copy_to_nonoverlapping(copy.as_mut_ptr().cast(), known);
    }
    Ok(copy)
}

/// Fills a struct of a program that may have been compiled against an older or
/// newer header: as much as it has room for, and zeros where we know nothing.
/// Its `struct_size` stays.
///
/// # Safety
/// `out` is not NULL and points to a `size_t` and as many writable bytes as that
/// says; `T` begins with a `size_t` and has no padding.
pub(super) unsafe fn write<T>(out: *mut T, value: &T, name: &str, init: &str) -> Result<()> {
    // SAFETY: there is a size_t, as the caller promises.
    let size = unsafe { out.cast::<usize>().read_unaligned() };
    check_size(size, align_of::<T>(), name, init)?;
    let known = size.min(size_of::<T>());
    let (behind, out) = (size_of::<usize>(), out.cast::<u8>());
    // SAFETY: there are `size` bytes, as the caller promises.
    unsafe {
        let value = std::ptr::from_ref(value).cast::<u8>().add(behind);
        value.copy_to_nonoverlapping(out.add(behind), known - behind);
        out.add(known).write_bytes(0, size - known);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[repr(C)]
    #[derive(Debug, PartialEq)]
    struct Ours {
        struct_size: usize,
        first: u64,
        second: u64,
    }

    fn read_words(words: &[usize]) -> Result<Ours> {
        // SAFETY: each test gives as many bytes as it says.
        let read = unsafe { read(words.as_ptr().cast::<Ours>(), "options", "AN_INIT") };
        // SAFETY: any bytes are a valid `Ours`.
        read.map(|ours| unsafe { ours.assume_init() })
    }

    #[test]
    fn an_older_programs_options_are_filled_up_with_zeros() {
        assert_eq!(
            read_words(&[16, 7]),
            Ok(Ours {
                struct_size: 16,
                first: 7,
                second: 0
            })
        );
    }

    #[test]
    fn a_newer_programs_options_are_taken_while_they_ask_for_nothing_new() {
        assert_eq!(
            read_words(&[40, 7, 8, 0, 0]),
            Ok(Ours {
                struct_size: 40,
                first: 7,
                second: 8
            })
        );
        let error = read_words(&[40, 7, 8, 0, 1]).expect_err("something new");
        assert!(error.message.contains("does not know"), "{error}");
    }

    #[test]
    fn a_size_that_no_header_gives_is_refused() {
        for size in [0, 1, 8, 17, 20, 4097, 1 << 40, usize::MAX] {
            let error = read_words(&[size, 1, 2]).expect_err("a wild size");
            assert!(error.message.contains("AN_INIT"), "{error}");
        }
    }

    #[test]
    fn an_older_programs_struct_is_not_written_beyond_its_end() {
        let value = Ours {
            struct_size: 24,
            first: 1,
            second: 2,
        };
        let mut words = [16_usize, 9, 9];
        // SAFETY: 16 bytes are there.
        let written = unsafe { write(words.as_mut_ptr().cast(), &value, "out", "AN_INIT") };
        assert_eq!((written, words), (Ok(()), [16, 1, 9]));
        let mut words = [32_usize, 9, 9, 9];
        // SAFETY: 32 bytes are there.
        let written = unsafe { write(words.as_mut_ptr().cast(), &value, "out", "AN_INIT") };
        assert_eq!((written, words), (Ok(()), [32, 1, 2, 0]));
    }
}
