//! How many events come in a second, and what they cost.

use serde_json::{Value, json};

use crate::clock;

pub struct Throughput {
    wanted: u64,
    seen: u64,
    /// Bytes of data: that the data is looked at at all.
    bytes: u64,
    /// [`clock::monotonic`] and [`clock::processor`] at the first event and at the last.
    first: [u64; 2],
    last: [u64; 2],
}

impl Throughput {
    pub fn new(wanted: u64) -> Throughput {
        Throughput {
            wanted,
            seen: 0,
            bytes: 0,
            first: [0; 2],
            last: [0; 2],
        }
    }

    /// An event has come. True for the last one.
    pub fn add(&mut self, bytes: usize) -> bool {
        self.seen += 1;
        self.bytes += bytes as u64;
        if self.seen == 1 {
            self.first = [clock::monotonic(), clock::processor()];
        }
        let is_last = self.seen == self.wanted;
        if is_last {
            self.last = [clock::monotonic(), clock::processor()];
        }
        is_last
    }

    pub fn report(self) -> Value {
        assert_eq!(self.seen, self.wanted);
        assert!(self.bytes > self.seen);
        let since = |clock: usize| (self.last[clock] - self.first[clock]) as f64 / 1e9;
        json!({
            "events": self.seen,
            "events_per_second": self.seen as f64 / since(0),
            "cpu_seconds": since(1),
        })
    }
}
