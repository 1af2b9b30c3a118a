//! The uids that go over the wire. The library generates them; the uid that the application chose
//! is never sent.

use std::fmt;

/// A wire uid: the slot of the subscription or request, and a serial number that a client never uses
/// twice, so that a late frame for an earlier subscription in the same slot is recognised.
///
/// As text: both numbers in hexadecimal, with a point between them (`"1f.2a"`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct WireUid {
    /// The subscription's place in the registry.
    pub slot: u32,
    /// Distinguishes messages about the same slot.
    pub serial: u64,
}

impl WireUid {
    /// The longest text of a wire uid, in bytes.
    pub const MAX_LEN: usize = 8 + 1 + 16;

    /// Reads exactly what `Display` writes, and nothing else.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.as_bytes();
        let point = text.iter().position(|byte| *byte == b'.')?;
        let (slot, serial) = (text.get(..point)?, text.get(point + 1..)?);
        Some(WireUid {
            slot: u32::try_from(hexadecimal(slot)?).ok()?,
            serial: hexadecimal(serial)?,
        })
    }
}

impl fmt::Display for WireUid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // By hand: a subscription that comes back has two of them written.
        let mut text = [b'.'; WireUid::MAX_LEN];
        let point = push_hexadecimal(&mut text, WireUid::MAX_LEN, self.serial) - 1;
        let from = push_hexadecimal(&mut text, point, self.slot.into());
        f.write_str(std::str::from_utf8(&text[from..]).unwrap_or_default())
    }
}

/// Writes a number in hexadecimal that ends there. Returns where it begins.
fn push_hexadecimal(text: &mut [u8], end: usize, mut number: u64) -> usize {
    let mut at = end;
    loop {
        at -= 1;
        text[at] = b"0123456789abcdef"[(number & 0xf) as usize];
        number >>= 4;
        if number == 0 {
            return at;
        }
    }
}

/// Reads a number in lower-case hexadecimal without sign or leading zeros.
fn hexadecimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > 16 || (digits.len() > 1 && digits[0] == b'0') {
        return None;
    }
    digits.iter().try_fold(0, |number, digit| {
        let value = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(number << 4 | u64::from(value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_text_that_is_no_wire_uid_is_refused() {
        for text in [
            "",
            ".",
            "1",
            "1.",
            ".1",
            "01.1",
            "1.01",
            "+1.1",
            "1.-1",
            "A.1",
            "1.F",
            "1.1.1",
            " 1.1",
            "1.1 ",
            "100000000.1",
            "1.10000000000000000",
            "0x1.1",
            "1_0.1",
            "١.1",
        ] {
            assert_eq!(WireUid::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn the_largest_wire_uid_has_the_maximal_length() {
        let uid = WireUid {
            slot: u32::MAX,
            serial: u64::MAX,
        };
        assert_eq!(uid.to_string().len(), WireUid::MAX_LEN);
        assert_eq!(WireUid::parse(&uid.to_string()), Some(uid));
        assert_eq!(WireUid::parse("0.0"), Some(WireUid { slot: 0, serial: 0 }));
    }

    proptest! {
        #[test]
        fn a_wire_uid_survives_writing_and_reading(slot: u32, serial: u64) {
            let uid = WireUid { slot, serial };
            prop_assert_eq!(WireUid::parse(&uid.to_string()), Some(uid));
        }

        #[test]
        fn every_text_read_as_a_wire_uid_is_written_the_same(text in "[0-9a-fA-F+.]{1,20}") {
            if let Some(uid) = WireUid::parse(&text) {
                prop_assert_eq!(uid.to_string(), text);
            }
        }
    }
}
