//! The inference of the limit, against a limiter as the server has it.

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
fn the_limit_is_inferred_from_one_pause_and_then_kept() {
    for (points, seconds) in [(5, 3), (50, 1), (1, 1), (10, 60)] {
        let mut rate_limit = RateLimit::default();
        rate_limit.new_link();
        let time = Duration::from_secs(6 * seconds);
        let mut server = limiter(points, seconds);
        let (taken, pauses) = run(&mut server, &mut rate_limit, Duration::from_millis(1), time);
        assert_eq!(pauses, 1, "limit {points} per {seconds} s");
        assert!(
            taken >= 5 * points,
            "{taken}: limit {points} per {seconds} s"
        );
    }
}

#[test]
fn messages_are_not_delayed_while_no_limit_is_known() {
    let mut rate_limit = RateLimit::default();
    for _ in 0..10_000 {
        assert_eq!(rate_limit.wait_until(Duration::ZERO), None);
        rate_limit.sent(Duration::ZERO);
    }
}

/// Sends as fast as it may, and at most every `pace`, for `time`: messages that the
/// server took, and pauses.
fn run(
    server: &mut Server,
    rate_limit: &mut RateLimit,
    pace: Duration,
    time: Duration,
) -> (usize, u32) {
    let mut rng = fastrand::Rng::with_seed(1);
    let (mut now, mut taken, mut pauses) = (Duration::ZERO, 0, 0);
    while now < time {
        if rate_limit.paused_until().is_some_and(|until| until <= now) {
            rate_limit.resume();
        }
        if let Some(until) = rate_limit.wait_until(now) {
            now = until;
            continue;
        }
        rate_limit.sent(now);
        match server.take(now) {
            Ok(()) => taken += 1,
            Err(left) => {
                pauses += 1;
                rate_limit.exceeded(now, left, Duration::ZERO, &mut rng);
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
fn a_window_of_a_minute_is_inferred_though_it_fills_up_late() {
    let mut rate_limit = RateLimit::default();
    rate_limit.new_link();
    let (taken, pauses) = run(
        &mut limiter(1_000, 60),
        &mut rate_limit,
        Duration::from_millis(5),
        Duration::from_secs(600),
    );
    assert!(taken > 9_000, "{taken} of 10,000 in ten minutes");
    assert_eq!(pauses, 1);
}

#[test]
fn a_limit_whose_first_window_began_unseen_is_inferred_after_the_pause() {
    let mut rate_limit = RateLimit::default();
    rate_limit.new_link();
    let mut server = limiter(100, 10);
    // The server counts something that is not ours.
    server.began = Some(Duration::ZERO);
    server.used = 50;
    rate_limit.sent(Duration::from_secs(4));
    let (taken, pauses) = run(
        &mut server,
        &mut rate_limit,
        Duration::from_millis(20),
        Duration::from_secs(300),
    );
    assert!(taken > 2_500, "{taken} of 3,000 in five minutes");
    assert!(pauses <= 3, "{pauses}");
}

#[test]
fn a_limit_that_was_not_enforced_for_ten_minutes_is_forgotten() {
    let mut rate_limit = RateLimit::default();
    rate_limit.new_link();
    let mut server = limiter(5, 10);
    let time = Duration::from_secs(60);
    run(&mut server, &mut rate_limit, Duration::from_millis(1), time);
    assert!(rate_limit.wait_until(time).is_some());
    assert_eq!(rate_limit.wait_until(time + LIMIT_KNOWN_FOR), None);
}
