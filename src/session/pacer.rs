//! Keeps below the server's rate limit, which it learns from the first refusal.
//!
//! The server counts messages in fixed windows (so many points a duration) and
//! drops what is over, saying only when the window ends. A window begins with the
//! first message after the one before, and lasts whole seconds. From that, from
//! what was sent, and from the end that the server names, follow the window's length
//! and the points. Where they do not, all that is known after the pause is that the
//! next message begins a window: the next refusal, if it comes soon, tells its length.
//!
//! Until the server has dropped something there may be no limit at all, so the pacer
//! lets everything pass; afterwards it never sends more in any stretch of a window's
//! length than the server took.

use std::collections::VecDeque;
use std::time::Duration;

use super::backoff::jitter;

/// Sends are remembered for this long, and so many of them.
const MEMORY: Duration = Duration::from_secs(120);
const MOST_REMEMBERED: usize = 8192;
/// The server's clock and ours tick apart, and messages bunch up on the way.
const MARGIN: Duration = Duration::from_millis(60);
/// How much earlier and later than named a window may end by our clock: the word is
/// under way for a while, and so was the message that began the window.
const EARLIER: Duration = Duration::from_millis(100);
const LATER: Duration = Duration::from_millis(500);
/// A limit that the server has not spoken of for so long may be another one by now.
const LIMIT_KNOWN_FOR: Duration = Duration::from_secs(600);

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
    /// What was sent before was not dropped in it.
    since: Duration,
    /// The window that the present pause belongs to, as far as it is known.
    window: Option<Window>,
    /// What is sent from here on is all that the server counts.
    counted_from: Option<Duration>,
    /// The next message begins a window,
    begins: bool,
    /// and is sent after a pause, with more behind it.
    after_pause: bool,
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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Window {
    begin: Duration,
    length: Duration,
}

impl Pacer {
    /// A new socket: the server counts from zero, but what was learnt stays.
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
        if now.saturating_sub(self.first_word) > LIMIT_KNOWN_FOR {
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
        // What began the window is not known any more.
        self.counted_from = self.counted_from.filter(|from| Some(*from) > first);
    }

    /// The server has dropped a message and names the time left in its window. Its word
    /// comes ahead of the answers to what it has got later: the message is one of those
    /// that were sent since what was `reached`.
    pub fn exceeded(
        &mut self,
        now: Duration,
        retry_after: Duration,
        reached: Duration,
        rng: &mut fastrand::Rng,
    ) {
        self.dropped += 1;
        if self.dropped == 1 {
            self.first_word = now;
            self.since = reached;
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
        // Anything may seem to fit that is long. If it was not full until near its end it
        // need not be known so exactly, as yet.
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
            // Less than was thought, or a longer window than was thought.
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

    /// The pause after a refusal, until it has been ended.
    pub fn paused_until(&self) -> Option<Duration> {
        self.paused_until
    }

    /// The pause is over: what it has cost.
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
            let mut pacer = Pacer::default();
            pacer.new_link();
            let time = Duration::from_secs(6 * seconds);
            let mut server = limiter(points, seconds);
            let (taken, pauses) = run(&mut server, &mut pacer, Duration::from_millis(1), time);
            assert_eq!(pauses, 1, "limit {points} per {seconds} s");
            assert!(
                taken >= 5 * points,
                "{taken}: limit {points} per {seconds} s"
            );
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

    /// Sends as fast as it may, and at most every `pace`, for `time`: messages that the
    /// server took, and pauses.
    fn run(server: &mut Server, pacer: &mut Pacer, pace: Duration, time: Duration) -> (usize, u32) {
        let mut rng = fastrand::Rng::with_seed(1);
        let (mut now, mut taken, mut pauses) = (Duration::ZERO, 0, 0);
        while now < time {
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
                    pacer.exceeded(now, left, Duration::ZERO, &mut rng);
                }
            }
            now += pace;
        }
        (taken, pauses)
    }

    fn limiter(points: usize, seconds: u64) -> Server {
        Server {
            points,
            window: Duration::from_secs(seconds),
            began: None,
            used: 0,
        }
    }

    #[test]
    fn a_long_window_is_learnt_though_it_is_full_only_after_a_while() {
        let mut pacer = Pacer::default();
        pacer.new_link();
        let (taken, pauses) = run(
            &mut limiter(1_000, 60),
            &mut pacer,
            Duration::from_millis(5),
            Duration::from_secs(600),
        );
        assert!(taken > 9_000, "{taken} of 10,000 in ten minutes");
        assert_eq!(pauses, 1);
    }

    #[test]
    fn where_the_first_window_is_not_known_the_one_after_the_pause_is() {
        let mut pacer = Pacer::default();
        pacer.new_link();
        let mut server = limiter(100, 10);
        // The server counts something that is not ours.
        server.began = Some(Duration::ZERO);
        server.used = 50;
        pacer.sent(Duration::from_secs(4));
        let (taken, pauses) = run(
            &mut server,
            &mut pacer,
            Duration::from_millis(20),
            Duration::from_secs(300),
        );
        assert!(taken > 2_500, "{taken} of 3,000 in five minutes");
        assert!(pauses <= 3, "{pauses}");
    }

    #[test]
    fn a_limit_that_the_server_has_not_spoken_of_for_long_is_tried_again() {
        let mut pacer = Pacer::default();
        pacer.new_link();
        let mut server = limiter(5, 10);
        let time = Duration::from_secs(60);
        run(&mut server, &mut pacer, Duration::from_millis(1), time);
        assert!(pacer.wait_until(time).is_some());
        assert_eq!(pacer.wait_until(time + LIMIT_KNOWN_FOR), None);
    }
}
