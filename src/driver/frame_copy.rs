//! Copies frames out of tungstenite's read buffer into blocks of the library's own.
//!
//! A frame from tungstenite is a slice of its read buffer. While such a frame waits for the
//! application, the buffer cannot be reused: the next reads get the few bytes that are left of it,
//! or a new buffer into which everything that is not parsed yet is copied. To copy the frame at
//! once costs less.

use bytes::BytesMut;

use crate::protocol::Frame;

/// Many frames share a block; the last of them frees it.
const BLOCK: usize = 64 * 1024;
/// A larger frame is not copied: it fills most of a read buffer anyway.
const LARGE: usize = 16 * 1024;

#[derive(Default)]
pub(super) struct FrameCopier {
    block: BytesMut,
}

impl FrameCopier {
    /// The same text, in memory of its own.
    pub fn copy(&mut self, text: Frame) -> Frame {
        if text.len() > LARGE {
            return text;
        }
        if self.block.capacity() < text.len() {
            self.block = BytesMut::with_capacity(BLOCK);
        }
        self.block.extend_from_slice(text.as_bytes());
        let copy = self.block.split().freeze();
        // SAFETY: `copy` has the bytes of `text`, which is UTF-8. (Checking it again would cost a
        // tenth of the whole time from the socket to the callback.)
        unsafe { Frame::from_bytes_unchecked(copy) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copied_frame_is_unchanged_at_every_size() {
        let mut copier = FrameCopier::default();
        let texts: Vec<String> = [0, 1, 200, LARGE, LARGE + 1, BLOCK, 2 * BLOCK, 3, LARGE - 1]
            .iter()
            .cycle()
            .take(40)
            .map(|&length| "ü€x".chars().cycle().take(length / 2).collect())
            .collect();
        let copied: Vec<Frame> = texts
            .iter()
            .map(|text| copier.copy(Frame::from(text.as_str())))
            .collect();
        for (copied, text) in copied.iter().zip(&texts) {
            assert_eq!(copied.as_str(), text);
        }
    }
}
