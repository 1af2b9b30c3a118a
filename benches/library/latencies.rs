//! How late paced events come, and what they cost.

use serde_json::{Value, json};

use crate::clock;

/// How long a stamp is: [`clock::monotonic`] in decimal digits.
pub const STAMP: usize = 20;
/// This part of the events comes first and is not measured.
const WARM_UP: usize = 10;

pub struct Latencies {
    wanted: usize,
    seen: usize,
    nanoseconds: Vec<u64>,
    /// Processor time at the first event that is measured, and at the last.
    processor: [u64; 2],
}

impl Latencies {
    pub fn new(wanted: usize) -> Latencies {
        Latencies {
            wanted,
            seen: 0,
            nanoseconds: Vec::with_capacity(wanted),
            processor: [0; 2],
        }
    }

    /// An event has come that was sent at the time in its stamp. True for the last one.
    pub fn add(&mut self, stamp: &[u8]) -> bool {
        let digit = |sent: u64, digit: &u8| sent * 10 + u64::from(digit - b'0');
        let latency = clock::monotonic() - stamp.iter().fold(0, digit);
        self.seen += 1;
        if self.seen == self.wanted / WARM_UP {
            self.processor[0] = clock::processor();
        } else if self.seen > self.wanted / WARM_UP {
            self.nanoseconds.push(latency);
        }
        let is_last = self.seen == self.wanted;
        if is_last {
            self.processor[1] = clock::processor();
        }
        is_last
    }

    pub fn report(mut self) -> Value {
        assert_eq!(self.seen, self.wanted);
        self.nanoseconds.sort_unstable();
        let (count, [from, to]) = (self.nanoseconds.len(), self.processor);
        let quantile = |part: f64| self.nanoseconds[(part * (count - 1) as f64).round() as usize];
        json!({
            "p50_us": quantile(0.5) as f64 / 1e3,
            "p999_us": quantile(0.999) as f64 / 1e3,
            "cpu_us_per_event": (to - from) as f64 / 1e3 / count as f64,
        })
    }
}
