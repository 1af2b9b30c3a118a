//! Finds the end of plain text in a JSON string, and whether a frame is ASCII. Most bytes of most
//! frames are of such text, so they are looked at many at a time.

/// A frame of so many bytes is worth a call.
#[cfg(target_arch = "x86_64")]
const LONG: usize = 512;

/// The position of the first byte from `at` on that ends plain text: a quote, a backslash or a
/// control character. The text's length if there is none.
#[inline(always)]
pub(super) fn end(text: &[u8], at: usize) -> usize {
    #[cfg(target_arch = "x86_64")]
    return x86::end(text, at);
    #[cfg(not(target_arch = "x86_64"))]
    words(text, at)
}

/// As `bytes.is_ascii()`, which looks at the last bytes, up to 63, one by one.
#[inline]
pub(super) fn is_ascii(bytes: &[u8]) -> bool {
    let Some(last) = bytes.last_chunk::<64>() else {
        return bytes.is_ascii();
    };
    #[cfg(target_arch = "x86_64")]
    if bytes.len() >= LONG && std::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2.
        return unsafe { x86::is_ascii_avx2(bytes) };
    }
    bytes.chunks_exact(64).all(<[u8]>::is_ascii) && last.is_ascii()
}

/// Whether plain text ends with this byte.
#[inline(always)]
fn ends_with(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\' | 0..b' ')
}

/// Eight bytes at a time, on every processor. The others below use it for the last few bytes.
#[inline(always)]
fn words(text: &[u8], mut at: usize) -> usize {
    while let Some(bytes) = text.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let stops = stops(u64::from_le_bytes(*bytes));
        if stops != 0 {
            return at + stops.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let rest = text.get(at..).unwrap_or_default();
    at + rest.iter().take_while(|byte| !ends_with(**byte)).count()
}

/// Sets the top bit of each of eight bytes that ends plain text. Above the lowest set bit there may
/// be false ones.
#[inline(always)]
fn stops(word: u64) -> u64 {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const TOPS: u64 = ONES << 7;
    // Exchanging 0x20 and 0x22 puts the quote next to the control characters,
    // so that one comparison finds both.
    let quote_or_control = (word ^ (ONES * 0x02)).wrapping_sub(ONES * 0x21);
    let backslash = (word ^ (ONES * 0x5c)).wrapping_sub(ONES);
    (quote_or_control | backslash) & !word & TOPS
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        __m256i, _mm_cmpeq_epi8, _mm_loadu_si128, _mm_max_epu8, _mm_movemask_epi8, _mm_or_si128,
        _mm_set1_epi8, _mm256_cmpeq_epi8, _mm256_loadu_si256, _mm256_max_epu8,
        _mm256_movemask_epi8, _mm256_or_si256, _mm256_set1_epi8, _mm256_xor_si256,
    };

    /// Sixteen bytes at a time, which every processor of this kind can; in a text that is not
    /// short, 32, where the processor can.
    #[inline(always)]
    pub fn end(text: &[u8], mut at: usize) -> usize {
        for _ in 0..2 {
            let Some(bytes) = text.get(at..).and_then(<[u8]>::first_chunk) else {
                return last(text, at);
            };
            let stops = stops16(bytes);
            if stops != 0 {
                return at + stops.trailing_zeros() as usize;
            }
            at += 16;
        }
        long(text, at)
    }

    #[inline(never)]
    fn long(text: &[u8], at: usize) -> usize {
        if std::is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has AVX2.
            unsafe { avx2(text, at) }
        } else {
            sse2(text, at)
        }
    }

    /// Sixteen bytes at a time.
    pub fn sse2(text: &[u8], mut at: usize) -> usize {
        while let Some(bytes) = text.get(at..).and_then(<[u8]>::first_chunk) {
            let stops = stops16(bytes);
            if stops != 0 {
                return at + stops.trailing_zeros() as usize;
            }
            at += 16;
        }
        last(text, at)
    }

    /// Less than 16 bytes are left: the last 16 are looked at, without those before `at`.
    #[inline(always)]
    fn last(text: &[u8], at: usize) -> usize {
        let Some(bytes) = text.last_chunk() else {
            return super::words(text, at);
        };
        let before = at + 16 - text.len();
        let stops = stops16(bytes) >> before;
        if stops == 0 {
            text.len()
        } else {
            at + stops.trailing_zeros() as usize
        }
    }

    /// 64 bytes at a time.
    ///
    /// # Safety
    ///
    /// The processor has AVX2.
    #[target_feature(enable = "avx2")]
    pub unsafe fn avx2(text: &[u8], mut at: usize) -> usize {
        for bytes in text.get(at..).unwrap_or_default().chunks_exact(64) {
            let (Some(low), Some(high)) = (bytes.first_chunk(), bytes.last_chunk()) else {
                break;
            };
            // SAFETY: the caller's promise.
            unsafe {
                let (low, high) = (stops32(low), stops32(high));
                if _mm256_movemask_epi8(_mm256_or_si256(low, high)) != 0 {
                    let low = u64::from(_mm256_movemask_epi8(low) as u32);
                    let high = u64::from(_mm256_movemask_epi8(high) as u32);
                    return at + (high << 32 | low).trailing_zeros() as usize;
                }
            }
            at += 64;
        }
        if let Some(bytes) = text.get(at..).and_then(<[u8]>::first_chunk) {
            // SAFETY: the caller's promise.
            let stops = unsafe { _mm256_movemask_epi8(stops32(bytes)) };
            if stops != 0 {
                return at + stops.trailing_zeros() as usize;
            }
            at += 32;
        }
        sse2(text, at)
    }

    /// As `is_ascii`, 128 bytes at a time, for texts that have so many.
    ///
    /// # Safety
    ///
    /// The processor has AVX2.
    #[target_feature(enable = "avx2")]
    pub unsafe fn is_ascii_avx2(bytes: &[u8]) -> bool {
        let Some(last) = bytes.last_chunk::<128>() else {
            return bytes.is_ascii();
        };
        for bytes in bytes.chunks_exact(128).chain([&last[..]]) {
            // SAFETY: the caller's promise; the loads are within the 128 bytes, and need no
            // alignment.
            unsafe {
                let at = bytes.as_ptr().cast::<__m256i>();
                let (first, second) = (_mm256_loadu_si256(at), _mm256_loadu_si256(at.add(1)));
                let (third, fourth) =
                    (_mm256_loadu_si256(at.add(2)), _mm256_loadu_si256(at.add(3)));
                let first = _mm256_or_si256(first, second);
                let second = _mm256_or_si256(third, fourth);
                if _mm256_movemask_epi8(_mm256_or_si256(first, second)) != 0 {
                    return false;
                }
            }
        }
        true
    }

    /// A bit for each byte that ends plain text.
    #[inline(always)]
    fn stops16(bytes: &[u8; 16]) -> u32 {
        // SAFETY: x86-64 has SSE2; the load needs no alignment.
        unsafe {
            let bytes = _mm_loadu_si128(bytes.as_ptr().cast());
            let quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b'"' as i8));
            let backslash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b'\\' as i8));
            let last_control = _mm_set1_epi8(0x1f);
            let control = _mm_cmpeq_epi8(_mm_max_epu8(bytes, last_control), last_control);
            _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quote, backslash), control)) as u32
        }
    }

    /// All ones in each byte that ends plain text. The processor must have AVX2.
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn stops32(bytes: &[u8; 32]) -> __m256i {
        // SAFETY: the caller's promise; the load needs no alignment.
        unsafe {
            let bytes = _mm256_loadu_si256(bytes.as_ptr().cast());
            // As in `stops`: one comparison for the quote and the control characters.
            let moved = _mm256_xor_si256(bytes, _mm256_set1_epi8(0x02));
            let most = _mm256_set1_epi8(0x20);
            let quote_or_control = _mm256_cmpeq_epi8(_mm256_max_epu8(moved, most), most);
            let backslash = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(b'\\' as i8));
            _mm256_or_si256(quote_or_control, backslash)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// One byte at a time.
    fn plainly(text: &[u8], at: usize) -> usize {
        (at..text.len())
            .find(|at| ends_with(text[*at]))
            .unwrap_or(text.len())
    }

    fn any_text() -> impl Strategy<Value = Vec<u8>> {
        let byte = prop_oneof![
            60 => b' '..=b'!',
            60 => b'#'..=b'[',
            60 => b']'..=255_u8,
            1 => any::<u8>(),
        ];
        prop::collection::vec(byte, 0..300)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(3000))]

        #[test]
        fn every_way_to_look_finds_the_same_end(text in any_text(), at in 0..40_usize) {
            let at = at.min(text.len());
            let expected = plainly(&text, at);
            prop_assert_eq!(end(&text, at), expected);
            prop_assert_eq!(words(&text, at), expected);
            #[cfg(target_arch = "x86_64")]
            {
                prop_assert_eq!(x86::sse2(&text, at), expected);
                if std::is_x86_feature_detected!("avx2") {
                    // SAFETY: the processor has AVX2.
                    prop_assert_eq!(unsafe { x86::avx2(&text, at) }, expected);
                }
            }
        }
    }

    #[test]
    fn a_byte_that_is_not_ascii_is_seen_at_each_place() {
        for len in [0, 1, 63, 64, 65, 127, 128, 200, 511, 512, 513, 700] {
            let mut text = vec![b'x'; len];
            assert!(is_ascii(&text), "{len}");
            for place in 0..len {
                text[place] = 0x80;
                assert!(!is_ascii(&text), "{place} of {len}");
                text[place] = b'x';
            }
        }
    }

    #[test]
    fn each_byte_is_told_at_each_place() {
        for byte in 0..=255 {
            for place in 0..170 {
                let mut text = [b'x'; 170];
                text[place] = byte;
                assert_eq!(end(&text, 0), plainly(&text, 0), "{byte} at {place}");
                assert_eq!(words(&text, 0), plainly(&text, 0), "{byte} at {place}");
            }
        }
    }
}
