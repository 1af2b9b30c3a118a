//! Keeps below the server's rate limit, which it learns from the first refusal.
//!
//! The server counts messages in fixed windows (so many points a duration) and
//! drops what is over, saying only when the window ends. Until it has done so
//! there may be no limit at all, so the pacer lets everything pass; afterwards
//! it never sends more in any stretch of a window's length than the server took.

use std::collections::VecDeque;
use std::time::Duration;

use super::backoff::jitter;

/// Sends are remembered for this long, and so many of them.
const MEMORY: Duration = Duration::from_secs(120);
const MOST_REMEMBERED: usize = 1024;
/// The server's clock and ours tick apart, and messages bunch up on the way.
const MARGIN: Duration = Duration::from_millis(60);
/// How late the server's word of a dropped message may be.
const LATEST_WORD: Duration = Duration::from_secs(10);

/// See the module.
#[derive(Debug, Default)]
pub struct Pacer {
    sends: VecDeque<Duration>,
    limit: Option<Limit>,
    paused_until: Option<Duration>,
    /// Messages dropped in the present pause.
    dropped: usize,
    /// When the server first spoke of a dropped message in the present pause.
    first_word: Duration,
}

/// What a pause has cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// Messages that the server has dropped.
    pub messages: usize,
    /// The oldest of them is not older.
    pub since: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Limit {
    points: usize,
    window: Duration,
}

impl Pacer {
    /// A new socket: the server counts from zero, but what was learnt stays.
    pub fn new_link(&mut self) {
        self.sends.clear();
        self.resume();
    }

    /// A message goes out.
    pub fn sent(&mut self, now: Duration) {
        if self.sends.len() == MOST_REMEMBERED {
            self.sends.pop_front();
        }
        self.sends.push_back(now);
    }

    /// When the next message may go: `None` for at once.
    pub fn wait_until(&mut self, now: Duration) -> Option<Duration> {
        if let Some(until) = self.paused_until.filter(|until| *until > now) {
            return Some(until);
        }
        let limit = self.limit?;
        let window = limit.window + MARGIN;
        let begin = now.saturating_sub(window.max(MEMORY));
        while self.sends.front().is_some_and(|sent| *sent < begin) {
            self.sends.pop_front();
        }
        let nth = self.sends.len().checked_sub(limit.points)?;
        let free_at = self.sends[nth] + window;
        (free_at > now).then_some(free_at)
    }

    /// The server has dropped a message and names the time left in its window.
    pub fn exceeded(&mut self, now: Duration, retry_after: Duration, rng: &mut fastrand::Rng) {
        // The window's length is not said: at least the time left, and people
        // choose whole seconds.
        let window = Duration::from_secs(retry_after.as_secs_f64().ceil().max(1.0) as u64);
        let began = (now + retry_after).saturating_sub(window);
        self.dropped += 1;
        if self.dropped == 1 {
            self.first_word = now;
        }
        let since = self.sends.iter().filter(|sent| **sent >= began).count();
        let points = since.saturating_sub(self.dropped).max(1);
        self.limit = Some(match self.limit {
            // Less than was thought, or a longer window than was thought.
            Some(known) if self.dropped == 1 => Limit {
                points: points.min(known.points.saturating_sub(1)).max(1),
                window: window.max(known.window),
            },
            Some(known) => Limit {
                points: points.min(known.points),
                ..known
            },
            None => Limit { points, window },
        });
        let pause = now + retry_after + MARGIN + jitter(MARGIN, MARGIN, 0, rng);
        self.paused_until = Some(self.paused_until.map_or(pause, |until| until.max(pause)));
    }

    /// The pause after a refusal, until it has been ended.
    pub fn paused_until(&self) -> Option<Duration> {
        self.paused_until
    }

    /// The pause is over: what it has cost.
    pub fn resume(&mut self) -> Dropped {
        self.paused_until = None;
        Dropped {
            messages: std::mem::take(&mut self.dropped),
            since: self.first_word.saturating_sub(LATEST_WORD),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A fixed-window limiter as the server has it.
    struct Server {
        points: usize,
        window: Duration,
        began: Option<Duration>,
        used: usize,
    }

    impl Server {
        fn take(&mut self, now: Duration) -> Result<(), Duration> {
            if self.began.is_none_or(|began| now >= began + self.window) {
                self.began = Some(now);
                self.used = 0;
            }
            self.used += 1;
            if self.used > self.points {
                return Err(self.began.unwrap_or_default() + self.window - now);
            }
            Ok(())
        }
    }

    #[test]
    fn the_limit_is_learnt_from_one_pause_and_then_kept() {
        for (points, seconds) in [(5, 3), (50, 1), (1, 1), (10, 60)] {
            let window = Duration::from_secs(seconds);
            let mut server = Server {
                points,
                window,
                began: None,
                used: 0,
            };
            let mut pacer = Pacer::default();
            let mut rng = fastrand::Rng::with_seed(points as u64);
            let (mut now, mut taken, mut pauses) = (Duration::ZERO, 0, 0);
            while taken < points * 6 {
                if pacer.paused_until().is_some_and(|until| until <= now) {
                    pacer.resume();
                }
                if let Some(until) = pacer.wait_until(now) {
                    now = until;
                    continue;
                }
                pacer.sent(now);
                match server.take(now) {
                    Ok(()) => taken += 1,
                    Err(left) => {
                        pauses += 1;
                        pacer.exceeded(now, left, &mut rng);
                    }
                }
                now += Duration::from_millis(1);
            }
            assert_eq!(pauses, 1, "limit {points} per {seconds} s");
        }
    }

    #[test]
    fn nothing_is_held_back_as_long_as_no_limit_is_known() {
        let mut pacer = Pacer::default();
        for _ in 0..10_000 {
            assert_eq!(pacer.wait_until(Duration::ZERO), None);
            pacer.sent(Duration::ZERO);
        }
    }
}
