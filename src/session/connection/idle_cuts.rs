//! Links that are cut after the same silence each time: by the idle timeout of a proxy
//! or a load balancer, not by a server that is stopped.

use std::time::Duration;

/// A link that is busy is not cut for being idle.
const SHORTEST: Duration = Duration::from_secs(1);
/// Silences that differ by no more are the same.
const TOLERANCE: Duration = Duration::from_millis(300);

/// The silence before the last loss.
#[derive(Debug, Default)]
pub struct IdleCuts {
    last: Option<Duration>,
}

impl IdleCuts {
    /// An open link was cut after this silence. Returns the reason to report where the link
    /// before it was cut after the same.
    pub fn cut(&mut self, silence: Duration) -> Option<String> {
        let last = self.last.replace(silence)?;
        let is_same = silence.abs_diff(last) <= TOLERANCE.max(last / 20);
        if silence < SHORTEST || !is_same {
            return None;
        }
        Some(format!(
            "the connection was cut after {:.1} s without a message, as the one before it: this \
             looks like the idle timeout of a proxy or a load balancer; raise it there, or set \
             `heartbeat_ms` to less",
            silence.as_secs_f32()
        ))
    }

    /// A link ended otherwise.
    pub fn clear(&mut self) {
        self.last = None;
    }
}
