//! The head of a WebSocket frame: what kind it is, and how long.

/// A bit of the first byte: the frame is the last of its message.
const FINAL: u8 = 0x80;
const TEXT: u8 = 1;
const CONTINUATION: u8 = 0;
const BINARY: u8 = 2;
/// A bit of the second byte: the payload is masked, and the mask precedes it.
const MASKED: u8 = 0x80;

/// What is at the beginning of some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Head {
    /// A frame that is a whole text message, as a server writes it: behind `head` bytes, `payload`
    /// bytes of text.
    Text { head: usize, payload: usize },
    /// Any other frame, also one that no server may send: so many bytes at most.
    Other { bytes: usize, fragment: Fragment },
    /// More bytes are needed to tell: so many in all.
    Incomplete(usize),
}

/// What a frame has to do with messages in several frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fragment {
    /// Nothing.
    None,
    /// It is one, and others follow.
    Open,
    /// It is the last one.
    Last,
}

/// Reads the head of a frame. A payload may have `most` bytes to be [`Head::Text`].
#[inline]
pub(super) fn head(bytes: &[u8], most: usize) -> Head {
    let (first, second) = match bytes {
        [first, second, ..] => (*first, *second),
        _ => return Head::Incomplete(2),
    };
    let (mut head, length) = match second & !MASKED {
        126 => match bytes.get(2..).and_then(<[u8]>::first_chunk) {
            Some(length) => (4, u64::from(u16::from_be_bytes(*length))),
            None => return Head::Incomplete(4),
        },
        127 => match bytes.get(2..).and_then(<[u8]>::first_chunk) {
            Some(length) => (10, u64::from_be_bytes(*length)),
            None => return Head::Incomplete(10),
        },
        length => (2, u64::from(length)),
    };
    let payload = usize::try_from(length).unwrap_or(usize::MAX);
    if first == FINAL | TEXT && second & MASKED == 0 && payload <= most {
        return Head::Text { head, payload };
    }
    if second & MASKED != 0 {
        head += 4;
    }
    let fragment = match (first & 0xf, first & FINAL) {
        (CONTINUATION | TEXT | BINARY, 0) => Fragment::Open,
        (CONTINUATION, _) => Fragment::Last,
        _ => Fragment::None,
    };
    Head::Other {
        bytes: payload.saturating_add(head),
        fragment,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_heads_of_text_messages_are_read_at_every_length() {
        for (bytes, expected) in [
            (&[0x81, 0][..], (2, 0)),
            (&[0x81, 125, b'x'], (2, 125)),
            (&[0x81, 126, 0, 126], (4, 126)),
            (&[0x81, 126, 0, 1], (4, 1)),
            (&[0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0], (10, 65536)),
        ] {
            let (head_bytes, payload) = expected;
            let expected = Head::Text {
                head: head_bytes,
                payload,
            };
            assert_eq!(head(bytes, 65536), expected, "{bytes:?}");
            for shorter in 0..head_bytes {
                let missing = head(&bytes[..shorter], 65536);
                assert!(matches!(missing, Head::Incomplete(_)), "{bytes:?}");
            }
        }
    }

    #[test]
    fn everything_but_a_whole_text_message_is_another_frame() {
        let other = |bytes, fragment| Head::Other { bytes, fragment };
        for (bytes, expected) in [
            (&[0x01, 3][..], other(5, Fragment::Open)),
            (&[0x00, 3], other(5, Fragment::Open)),
            (&[0x80, 3], other(5, Fragment::Last)),
            (&[0x82, 3], other(5, Fragment::None)),
            (&[0x88, 2], other(4, Fragment::None)),
            (&[0x89, 2], other(4, Fragment::None)),
            (&[0x81, 0x83], other(9, Fragment::None)),
            (&[0xc1, 3], other(5, Fragment::None)),
            (&[0x83, 3], other(5, Fragment::None)),
            (&[0x81, 101], other(103, Fragment::None)),
            (
                &[0x81, 127, 255, 255, 255, 255, 255, 255, 255, 255],
                other(usize::MAX, Fragment::None),
            ),
        ] {
            assert_eq!(head(bytes, 100), expected, "{bytes:?}");
        }
    }
}
