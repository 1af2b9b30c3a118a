//! Counts the frames and bytes that go over the links of a client.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Counters that a client's links share.
#[derive(Debug, Default)]
pub struct Counters {
    frames_in: AtomicU64,
    bytes_in: AtomicU64,
    frames_out: AtomicU64,
    bytes_out: AtomicU64,
}

/// The counters at a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Frames received.
    pub frames_in: u64,
    /// Bytes of their payloads.
    pub bytes_in: u64,
    /// Frames sent.
    pub frames_out: u64,
    /// Bytes of their payloads.
    pub bytes_out: u64,
}

impl Counters {
    /// The counters now.
    pub fn read(&self) -> Totals {
        Totals {
            frames_in: self.frames_in.load(Relaxed),
            bytes_in: self.bytes_in.load(Relaxed),
            frames_out: self.frames_out.load(Relaxed),
            bytes_out: self.bytes_out.load(Relaxed),
        }
    }

    pub(super) fn received(&self, frames: usize, bytes: usize) {
        self.frames_in.fetch_add(frames as u64, Relaxed);
        self.bytes_in.fetch_add(bytes as u64, Relaxed);
    }

    pub(super) fn sent(&self, bytes: usize) {
        self.frames_out.fetch_add(1, Relaxed);
        self.bytes_out.fetch_add(bytes as u64, Relaxed);
    }
}
