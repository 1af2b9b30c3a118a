//! Frames that are dropped one after the other.

use std::mem::ManuallyDrop;
use std::ptr::NonNull;

use super::{Block, Frame};

/// Counts frames of one block off together, when they are dropped one after the other: to change a
/// count that another thread changes, too, takes longer than most of what is done for a frame.
#[derive(Default)]
pub struct FrameDrops {
    /// The block of the last frame, and how many of it are to be counted off.
    block: Option<NonNull<Block>>,
    frames: usize,
}

// SAFETY: it stands for so many frames of the block, and frames are `Send`.
unsafe impl Send for FrameDrops {}

impl FrameDrops {
    /// Drops a frame. Its block is kept until a frame of another one is dropped, or
    /// [`FrameDrops::finish`].
    #[inline]
    pub fn add(&mut self, frame: Frame) {
        let block = ManuallyDrop::new(frame).block;
        if self.block != block {
            self.finish();
            self.block = block;
        }
        self.frames += 1;
    }

    /// Nothing is kept any more.
    pub fn finish(&mut self) {
        let frames = std::mem::take(&mut self.frames);
        if let Some(block) = self.block.take() {
            // SAFETY: the references of these frames, whose own drop did not run.
            unsafe { Block::release(block, frames) }
        }
    }
}

impl Drop for FrameDrops {
    fn drop(&mut self) {
        self.finish();
    }
}
