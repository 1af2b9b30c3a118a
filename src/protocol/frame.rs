//! Received text, and the memory that it is received into.
//!
//! A frame is not copied on its way: the socket is read into a block of memory, and a frame is a
//! part of a block, which is freed with the last of its frames. The reading thread makes frames and
//! another one drops them, so a count that both write for each frame would travel between their
//! processors all the time. A block is therefore counted as if all the frames that fit into it
//! existed already: to make one costs nothing, and the rest is taken off when the block is full.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::collections::VecDeque;
use std::fmt;
use std::mem::MaybeUninit;
use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering, fence};

use super::plain_text;

/// The size of a block, if no frame needs a larger one.
const BLOCK: usize = 128 * 1024;
/// With less space than this at its end, a block is given up: every read costs a system call.
const LEAST_SPARE: usize = 16 * 1024;
/// So many blocks are kept to be used again while the application does not keep up: two batches. What
/// the system gives anew for each costs a page fault per 4 KiB.
const KEPT_BLOCKS: usize = 16;

/// The beginning of a block; its bytes follow.
struct Block {
    /// Frames that are parts of it, and those that its [`FrameBuffer`] may still make.
    references: AtomicUsize,
    /// How many bytes follow.
    size: usize,
}

impl Block {
    fn layout(size: usize) -> Layout {
        let bytes = size_of::<Block>().saturating_add(size);
        // The size of a frame is limited, by an option of 32 bits.
        Layout::from_size_align(bytes, align_of::<Block>()).unwrap_or(Layout::new::<Block>())
    }

    fn allocate(size: usize, references: usize) -> NonNull<Block> {
        let layout = Block::layout(size);
        assert!(layout.size() > size, "a block of {size} bytes");
        // SAFETY: the layout has the size of a block at least; what is there is initialised before
        // anything refers to it.
        unsafe {
            let Some(block) = NonNull::new(alloc(layout).cast::<Block>()) else {
                handle_alloc_error(layout)
            };
            let references = AtomicUsize::new(references);
            block.write(Block { references, size });
            block
        }
    }

    /// Its bytes.
    fn bytes(block: NonNull<Block>) -> NonNull<u8> {
        // SAFETY: they follow the beginning, in one allocation.
        unsafe { block.add(1).cast() }
    }

    /// Gives references back; the last one frees the block.
    ///
    /// # Safety
    ///
    /// The caller has so many references, and uses them no more.
    unsafe fn release(block: NonNull<Block>, references: usize) {
        // SAFETY: it lives, as the caller has references.
        let header = unsafe { block.as_ref() };
        if header.references.fetch_sub(references, Ordering::Release) != references {
            return;
        }
        // What other threads have done with the block comes before it is freed.
        fence(Ordering::Acquire);
        let layout = Block::layout(header.size);
        // SAFETY: allocated with this layout; nothing refers to it any more.
        unsafe { dealloc(block.as_ptr().cast(), layout) }
    }
}

/// The text of one received frame: UTF-8, cheap to clone.
pub struct Frame {
    text: NonNull<u8>,
    len: usize,
    /// What the text is a part of; `None` if it lives for ever.
    block: Option<NonNull<Block>>,
}

// SAFETY: nothing writes to the text of a frame, and references are counted atomically.
unsafe impl Send for Frame {}
// SAFETY: as above.
unsafe impl Sync for Frame {}

impl Frame {
    /// A text that lives for ever.
    pub const fn from_static(text: &'static str) -> Frame {
        Frame {
            // `NonNull::from` is not const.
            text: match NonNull::new(text.as_ptr().cast_mut()) {
                Some(text) => text,
                None => NonNull::dangling(),
            },
            len: text.len(),
            block: None,
        }
    }

    /// The text.
    #[inline]
    pub fn as_str(&self) -> &str {
        // SAFETY: the block lives while a frame of it does; the bytes were checked to be UTF-8, and
        // are not written to after that.
        unsafe {
            let bytes = std::slice::from_raw_parts(self.text.as_ptr(), self.len);
            std::str::from_utf8_unchecked(bytes)
        }
    }
}

impl Drop for Frame {
    #[inline]
    fn drop(&mut self) {
        if let Some(block) = self.block {
            // SAFETY: this frame's own reference.
            unsafe { Block::release(block, 1) }
        }
    }
}

impl Clone for Frame {
    fn clone(&self) -> Frame {
        if let Some(block) = self.block {
            // SAFETY: the block lives, as this frame refers to it.
            let references = unsafe { &block.as_ref().references };
            references.fetch_add(1, Ordering::Relaxed);
        }
        Frame {
            text: self.text,
            len: self.len,
            block: self.block,
        }
    }
}

impl Default for Frame {
    fn default() -> Frame {
        Frame::from_static("")
    }
}

impl Deref for Frame {
    type Target = str;

    #[inline]
    fn deref(&self) -> &str {
        self.as_str()
    }
}

/// A copy, in memory of its own.
impl From<&str> for Frame {
    fn from(text: &str) -> Frame {
        let block = Block::allocate(text.len(), 1);
        let bytes = Block::bytes(block);
        // SAFETY: the block is new and has this size.
        unsafe { bytes.copy_from_nonoverlapping(NonNull::from(text).cast(), text.len()) };
        Frame {
            text: bytes,
            len: text.len(),
            block: Some(block),
        }
    }
}

impl From<String> for Frame {
    fn from(text: String) -> Frame {
        Frame::from(text.as_str())
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// What a socket is read into, and frames are cut out of.
#[derive(Default)]
pub struct FrameBuffer {
    /// The present block.
    block: Option<NonNull<Block>>,
    /// How many frames of it were made.
    made: usize,
    /// Where its bytes are that were received and not taken yet.
    start: usize,
    end: usize,
    /// The blocks before, the oldest first, to be used again when their frames are gone, and how
    /// many of them were made.
    previous: VecDeque<(NonNull<Block>, usize)>,
}

// SAFETY: it shares nothing but the references of its block, which are counted atomically.
unsafe impl Send for FrameBuffer {}
// SAFETY: as above; everything that changes needs `&mut self`.
unsafe impl Sync for FrameBuffer {}

impl FrameBuffer {
    /// What was received and not taken yet.
    #[inline]
    pub fn unread(&self) -> &[u8] {
        let Some(block) = self.block else { return &[] };
        // SAFETY: these bytes are initialised, and no frame has them.
        unsafe {
            let start = Block::bytes(block).add(self.start);
            std::slice::from_raw_parts(start.as_ptr(), self.end - self.start)
        }
    }

    /// Space behind the unread bytes for what is received next; with them, for `whole` bytes at
    /// least.
    pub fn spare(&mut self, whole: usize) -> &mut [MaybeUninit<u8>] {
        let least = whole.saturating_sub(self.end - self.start).max(LEAST_SPARE);
        self.reuse();
        if self.size() - self.end < least {
            self.exchange(least);
        }
        let Some(block) = self.block else {
            return &mut [];
        };
        // SAFETY: behind `end` nothing was handed out.
        unsafe {
            let spare = Block::bytes(block).add(self.end).cast();
            std::slice::from_raw_parts_mut(spare.as_ptr(), self.size() - self.end)
        }
    }

    /// The size of the present block.
    fn size(&self) -> usize {
        // SAFETY: the buffer has references of its own.
        self.block.map_or(0, |block| unsafe { block.as_ref() }.size)
    }

    /// How many references a block has at the beginning: no more frames than bytes can be made of
    /// it, and one is the buffer's.
    fn references(size: usize) -> usize {
        size + 1
    }

    /// Whether no frame is left of the present block.
    pub fn has_no_frames(&self) -> bool {
        self.block
            .is_none_or(|block| FrameBuffer::is_unused(block, self.made))
    }

    /// Whether all of so many frames of a block are gone.
    fn is_unused(block: NonNull<Block>, made: usize) -> bool {
        // SAFETY: the buffer has references of its own.
        let header = unsafe { block.as_ref() };
        // Acquire: other threads have read what may be written to from now on.
        let references = header.references.load(Ordering::Acquire);
        references == FrameBuffer::references(header.size) - made
    }

    /// A block whose frames are gone has all its references again.
    fn renew(block: NonNull<Block>, made: usize) {
        // SAFETY: the buffer has references of its own.
        let references = unsafe { &block.as_ref().references };
        references.fetch_add(made, Ordering::Relaxed);
    }

    /// The block is left to the frames that were made of it.
    fn give_up(block: NonNull<Block>, made: usize) {
        // SAFETY: the buffer has the references of the frames that it has not made.
        unsafe {
            let unused = FrameBuffer::references(block.as_ref().size) - made;
            Block::release(block, unused);
        }
    }

    /// Begins again at the beginning of the block, if nothing of it is in use. So it is where the
    /// application keeps up; then one block is enough.
    fn reuse(&mut self) {
        let is_read = self.start == self.end && self.start > 0;
        let Some(block) = self.block.filter(|_| is_read && self.has_no_frames()) else {
            return;
        };
        let made = std::mem::take(&mut self.made);
        (self.start, self.end) = (0, 0);
        if self.size() > BLOCK {
            self.block = None;
            FrameBuffer::give_up(block, made);
        } else {
            FrameBuffer::renew(block, made);
        }
        for (block, made) in self.previous.drain(..) {
            FrameBuffer::give_up(block, made);
        }
    }

    /// Moves the unread bytes to another block with so much space behind them.
    fn exchange(&mut self, spare: usize) {
        let unread: NonNull<[u8]> = self.unread().into();
        let size = unread.len().saturating_add(spare).max(BLOCK);
        let unused = self.previous.iter().position(|(block, made)| {
            // SAFETY: the buffer has references of its own.
            let is_large_enough = unsafe { block.as_ref() }.size >= size;
            is_large_enough && FrameBuffer::is_unused(*block, *made)
        });
        let unused = unused.and_then(|at| self.previous.remove(at));
        let block = match unused {
            Some((block, made)) => {
                FrameBuffer::renew(block, made);
                block
            }
            None => Block::allocate(size, FrameBuffer::references(size)),
        };
        // SAFETY: nothing of the block is in use, and it is large enough.
        unsafe {
            Block::bytes(block).copy_from_nonoverlapping(unread.cast(), unread.len());
        }
        let (end, made, is_large) = (
            unread.len(),
            std::mem::take(&mut self.made),
            self.size() > BLOCK,
        );
        let full = self.block.replace(block).map(|block| (block, made));
        (self.start, self.end) = (0, end);
        let unwanted = if is_large {
            full
        } else {
            self.previous.extend(full);
            let too_many = self.previous.len() > KEPT_BLOCKS;
            too_many.then(|| self.previous.pop_front()).flatten()
        };
        if let Some((block, made)) = unwanted {
            FrameBuffer::give_up(block, made);
        }
    }

    /// So many bytes were received.
    ///
    /// # Safety
    ///
    /// They are initialised, at the beginning of what [`FrameBuffer::spare`] returned last.
    pub unsafe fn received(&mut self, bytes: usize) {
        self.end += bytes;
        debug_assert!(self.end <= self.size(), "more than there was space for");
    }

    /// Drops unread bytes.
    pub fn skip(&mut self, bytes: usize) {
        self.start = self.start.saturating_add(bytes).min(self.end);
    }

    /// Cuts a frame: it begins behind so many unread bytes, which are dropped. `None`, and nothing
    /// happens, if it is not UTF-8.
    #[inline]
    pub fn cut(&mut self, before: usize, len: usize) -> Option<Frame> {
        let bytes = self.unread().get(before..)?.get(..len)?;
        // Most frames are ASCII, and that is seen several times faster.
        if !plain_text::is_ascii(bytes) {
            std::str::from_utf8(bytes).ok()?;
        }
        let text = NonNull::from(bytes).cast();
        self.start += before + len;
        // An empty frame is a part of nothing.
        let block = self.block.filter(|_| len > 0);
        self.made += usize::from(block.is_some());
        Some(Frame { text, len, block })
    }
}

impl Drop for FrameBuffer {
    fn drop(&mut self) {
        let present = self.block.map(|block| (block, self.made));
        for (block, made) in present.into_iter().chain(self.previous.drain(..)) {
            FrameBuffer::give_up(block, made);
        }
    }
}

#[cfg(test)]
impl FrameBuffer {
    /// A buffer that has received this.
    pub fn of(bytes: &[u8]) -> FrameBuffer {
        let mut buffer = FrameBuffer::default();
        buffer.receive(bytes);
        buffer
    }

    fn receive(&mut self, bytes: &[u8]) {
        let spare = self.spare(self.unread().len() + bytes.len());
        for (place, byte) in spare.iter_mut().zip(bytes) {
            place.write(*byte);
        }
        // SAFETY: just written.
        unsafe { self.received(bytes.len()) }
    }
}

mod drops;
pub use drops::FrameDrops;

#[cfg(test)]
mod tests;
