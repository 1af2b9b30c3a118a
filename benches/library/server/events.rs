//! The frames of events that create one new item each, as a busy server sends them.

use crate::frame;
use crate::latencies::STAMP;

/// All ids have as many digits.
pub const FIRST_ID: u64 = 100_000_000;
const ID: usize = 9;

/// Frames in one piece of memory, in which ids and stamps are replaced.
pub struct Frames {
    bytes: Vec<u8>,
    /// Where each frame's id begins, and where the frame ends.
    places: Vec<(usize, usize)>,
    /// Where the first frame's stamp begins.
    stamp: usize,
}

impl Frames {
    /// One frame for each uid in turn, again and again up to so many bytes. An item has
    /// `item` bytes, of which the last are the stamp.
    pub fn new(uids: &[String], item: usize, bytes: usize) -> Frames {
        let mut frames = Frames {
            bytes: Vec::new(),
            places: Vec::new(),
            stamp: 0,
        };
        while frames.bytes.is_empty() || frames.bytes.len() < bytes {
            uids.iter().for_each(|uid| frames.add(uid, item));
        }
        frames
    }

    fn add(&mut self, uid: &str, item: usize) {
        let head = r#"{"type":"subscription","event":"create","data":["#;
        let (before, stamp) = (r#"{"id":"#, "0".repeat(STAMP));
        let write = |title: &str| {
            format!(
                r#"{before}{FIRST_ID},"status":"published","title":"{title}","sent":"{stamp}"}}"#
            )
        };
        let title = "x".repeat(item.saturating_sub(write("").len()));
        let text = format!(r#"{head}{}],"uid":"{uid}"}}"#, write(&title));
        let frame = frame::encode(frame::TEXT, true, text.as_bytes());
        let at = self.bytes.len() + frame.len() - text.len();
        if self.places.is_empty() {
            self.stamp = at + text.find(&stamp).expect("it is in there");
        }
        self.bytes.extend(frame);
        self.places
            .push((at + head.len() + before.len(), self.bytes.len()));
    }

    pub fn count(&self) -> usize {
        self.places.len()
    }

    /// Gives the first frames new ids.
    pub fn number(&mut self, next: &mut u64, count: usize) {
        for (at, _) in &self.places[..count] {
            put(&mut self.bytes[*at..at + ID], *next);
            *next += 1;
        }
    }

    /// The first frame's stamp.
    pub fn stamp(&mut self) -> &mut [u8] {
        &mut self.bytes[self.stamp..self.stamp + STAMP]
    }

    /// The first frames.
    pub fn first(&self, count: usize) -> &[u8] {
        &self.bytes[..self.places[count - 1].1]
    }
}

/// Writes a number in decimal, with zeros in front.
pub fn put(digits: &mut [u8], mut number: u64) {
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}
