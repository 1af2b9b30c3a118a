//! Copies what was read into blocks of the library's own.
//!
//! A frame as tungstenite hands it over is a slice of its read buffer. As long as
//! one waits for the application, that buffer cannot be used again: the next reads
//! get what is left of it, a few bytes at a time, or a new one, with everything
//! that is not parsed yet copied over. A copy in time costs less.

use bytes::BytesMut;

use crate::protocol::Frame;

/// Many frames share a block, and keep it alive together.
const BLOCK: usize = 64 * 1024;
/// A larger frame fills most of a read buffer anyway.
const LARGE: usize = 16 * 1024;

#[derive(Default)]
pub(super) struct Packer {
    block: BytesMut,
}

impl Packer {
    /// The same text, elsewhere.
    pub fn pack(&mut self, text: Frame) -> Frame {
        if text.len() > LARGE {
            return text;
        }
        if self.block.capacity() < text.len() {
            self.block = BytesMut::with_capacity(BLOCK);
        }
        self.block.extend_from_slice(text.as_bytes());
        let copy = self.block.split().freeze();
        // SAFETY: a copy of a text is UTF-8, as that is. (Checking it once more
        // costs a tenth of the whole way from the socket to the callback.)
        unsafe { Frame::from_bytes_unchecked(copy) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_unchanged_whatever_its_size() {
        let mut packer = Packer::default();
        let texts: Vec<String> = [0, 1, 200, LARGE, LARGE + 1, BLOCK, 2 * BLOCK, 3, LARGE - 1]
            .iter()
            .cycle()
            .take(40)
            .map(|&length| "ü€x".chars().cycle().take(length / 2).collect())
            .collect();
        let packed: Vec<Frame> = texts
            .iter()
            .map(|text| packer.pack(Frame::from(text.as_str())))
            .collect();
        for (packed, text) in packed.iter().zip(&texts) {
            assert_eq!(packed.as_str(), text);
        }
    }
}
