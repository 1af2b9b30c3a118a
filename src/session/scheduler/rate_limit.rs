//! Stays below the server's rate limit, which is inferred from the first dropped message.
//!
//! The server counts messages in fixed windows (so many messages in each) and drops what
//! is over, saying only when the window ends. A window begins with the first message after
//! the window before, and lasts whole seconds. The length of the window and its messages
//! follow from that, from what was sent, and from the end that the server names. Where they
//! do not, all that is known after the pause is that the next message begins a window: if
//! the server drops another message soon, that shows the window's length.
//!
//! Until the server has dropped something there may be no limit at all, so everything
//! passes; afterwards no more is sent in any period of a window's length than the server
//! has accepted.

use std::collections::VecDeque;
use std::time::Duration;

use crate::session::jitter::jitter;

/// Sends are remembered for this long, and so many of them.
const MEMORY: Duration = Duration::from_secs(120);
const MOST_REMEMBERED: usize = 8192;
/// The server's clock and ours drift apart, and messages bunch up on the way.
const MARGIN: Duration = Duration::from_millis(60);
/// How much earlier and later than named a window may end by our clock: the server's error
/// takes time to arrive, and so did the message that began the window.
const EARLIER: Duration = Duration::from_millis(100);
const LATER: Duration = Duration::from_millis(500);
/// A limit that the server has not enforced for so long may have been changed since.
const LIMIT_KNOWN_FOR: Duration = Duration::from_secs(600);

/// See the module.
#[derive(Debug, Default)]
pub struct RateLimit {
    sends: VecDeque<Duration>,
    limit: Option<Limit>,
    paused_until: Option<Duration>,
    /// Messages dropped in the present pause.
    dropped: usize,
    /// When the server first reported a dropped message in the present pause.
    first_report: Duration,
    /// Messages that were sent before this were not dropped in it.
    since: Duration,
    /// The window that the present pause belongs to, as far as it is known.
    window: Option<Window>,
    /// The server counts what was sent from here on, and nothing else.
    counted_from: Option<Duration>,
    /// The next message begins a window.
    begins: bool,
    /// It comes after a pause, so that more messages follow it closely.
    after_pause: bool,
}

/// What was dropped before a pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// How many messages the server has dropped.
    pub messages: usize,
    /// None of them was sent before this.
    pub since: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Limit {
    points: usize,
    window: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Window {
    begin: Duration,
    length: Duration,
}

impl RateLimit {
    /// A new link: the server counts from zero, but its limit is the same.
    pub fn new_link(&mut self) {
        self.sends.clear();
        self.resume();
        self.counted_from = None;
        self.begins = true;
        self.after_pause = false;
    }

    /// A message goes out.
    pub fn sent(&mut self, now: Duration) {
        if std::mem::take(&mut self.begins) {
            self.counted_from = Some(now);
        }
        if self.sends.len() == MOST_REMEMBERED {
            self.forget_first();
        }
        self.sends.push_back(now);
    }

    /// When the next message may go: `None` for at once.
    pub fn wait_until(&mut self, now: Duration) -> Option<Duration> {
        if let Some(until) = self.paused_until.filter(|until| *until > now) {
            return Some(until);
        }
        let limit = self.limit?;
        if now.saturating_sub(self.first_report) > LIMIT_KNOWN_FOR {
            self.limit = None;
            return None;
        }
        let window = limit.window + MARGIN;
        let begin = now.saturating_sub(window.max(MEMORY));
        while self.sends.front().is_some_and(|sent| *sent < begin) {
            self.forget_first();
        }
        let nth = self.sends.len().checked_sub(limit.points)?;
        let free_at = self.sends[nth] + window;
        (free_at > now).then_some(free_at)
    }

    fn forget_first(&mut self) {
        let first = self.sends.pop_front();
        // The message that began the window may not be known any more.
        self.counted_from = self.counted_from.filter(|from| Some(*from) > first);
    }

    /// The server has dropped a message and names the time left in its window. It reports
    /// this ahead of its answers to later messages: the dropped message is one of those that
    /// were sent since `answered_up_to`.
    pub fn exceeded(
        &mut self,
        now: Duration,
        retry_after: Duration,
        answered_up_to: Duration,
        rng: &mut fastrand::Rng,
    ) {
        self.dropped += 1;
        if self.dropped == 1 {
            self.first_report = now;
            self.since = answered_up_to;
            self.window = self.window_that_ends(now + retry_after, retry_after);
        }
        self.limit = self.learn(now + retry_after, retry_after);
        let pause = now + retry_after + MARGIN + jitter(MARGIN, MARGIN, 0, rng);
        self.paused_until = Some(self.paused_until.map_or(pause, |until| until.max(pause)));
    }

    /// The window that ends then: of whole seconds, and such that windows of its length,
    /// one after the other from the first message on, have one that ends there.
    fn window_that_ends(&self, end: Duration, left: Duration) -> Option<Window> {
        let from = self.counted_from?;
        let shortest = left.saturating_sub(EARLIER).as_secs_f64().ceil().max(1.0) as u64;
        // Nearly any long window would seem to fit. A window that fills up only near its end
        // need not be known exactly yet.
        let longest = 2 * left + LATER;
        let whole = (shortest..=longest.as_secs().max(shortest)).find_map(|seconds| {
            let length = Duration::from_secs(seconds);
            let mut begin = from;
            for sent in self.sends.iter().filter(|sent| **sent >= from) {
                if *sent >= begin + length {
                    begin = *sent;
                }
            }
            let ends = begin + length;
            let fits = ends <= end + EARLIER && end <= ends + LATER;
            fits.then_some(Window { begin, length })
        });
        let length = end.saturating_sub(from);
        let first = self.after_pause && length <= longest;
        whole.or_else(|| {
            first.then_some(Window {
                begin: from,
                length,
            })
        })
    }

    /// What is known of the limit, now that so many were dropped.
    fn learn(&self, end: Duration, left: Duration) -> Option<Limit> {
        let taken = |begin: Duration| {
            let sent = self.sends.iter().filter(|sent| **sent >= begin).count();
            sent.saturating_sub(self.dropped).max(1)
        };
        match (self.window, self.limit) {
            (Some(window), None) => Some(Limit {
                points: taken(window.begin),
                window: window.length,
            }),
            (_, None) => None,
            // The limit is lower than was thought, or the window longer.
            (window, Some(known)) => {
                let length = window.map_or(left, |window| window.length);
                let length = length.max(known.window);
                let begin = window.map_or(end.saturating_sub(length), |window| window.begin);
                let before = known.points - usize::from(self.dropped == 1 && known.points > 1);
                Some(Limit {
                    points: taken(begin).min(before),
                    window: length,
                })
            }
        }
    }

    /// The end of the pause after a dropped message, until [`RateLimit::resume`].
    pub fn paused_until(&self) -> Option<Duration> {
        self.paused_until
    }

    /// The pause is over: what was dropped.
    pub fn resume(&mut self) -> Dropped {
        if self.paused_until.take().is_some() {
            self.begins = true;
            self.after_pause = true;
        }
        self.window = None;
        Dropped {
            messages: std::mem::take(&mut self.dropped),
            since: self.since,
        }
    }
}

#[cfg(test)]
mod tests;
