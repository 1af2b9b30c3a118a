//! Full-jitter exponential backoff over a ring of replicas. No wait is longer than the
//! outage has been so far: after a short one, clients are back soon.

use std::time::Duration;

use crate::session::jitter::jitter;

/// Failed attempts in a row, and the replica whose turn it is.
#[derive(Debug)]
pub struct Backoff {
    min: Duration,
    max: Duration,
    replicas: usize,
    failures: u32,
    /// When the first of them was.
    since: Duration,
    replica: usize,
}

impl Backoff {
    /// No failure yet, the first replica's turn.
    pub fn new(min: Duration, max: Duration, replicas: usize) -> Self {
        Backoff {
            min,
            max,
            replicas: replicas.max(1),
            failures: 0,
            since: Duration::ZERO,
            replica: 0,
        }
    }

    /// The replica whose turn it is.
    pub fn replica(&self) -> usize {
        self.replica
    }

    /// Failed attempts since the last healthy link.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// A link was healthy, or the application wants to start afresh.
    pub fn reset(&mut self) {
        self.failures = 0;
    }

    /// Counts a failure, moves on to the next replica, and says how long to
    /// wait: uniformly random below a bound that doubles with each round
    /// through the replicas, and is no longer than the time since the first failure.
    pub fn failed(&mut self, now: Duration, rng: &mut fastrand::Rng) -> Duration {
        let rounds = self.failures / self.replicas as u32;
        if self.failures == 0 {
            self.since = now;
        }
        let outage = now.saturating_sub(self.since);
        self.failures = self.failures.saturating_add(1);
        self.replica = (self.replica + 1) % self.replicas;
        let max = self.max.min(outage.max(self.min));
        jitter(self.min, max, rounds, rng)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_wait_is_longer_than_the_outage_was() {
        for seed in 0..200 {
            let mut rng = fastrand::Rng::with_seed(seed);
            let (min, max) = (Duration::from_millis(250), Duration::from_secs(10));
            let mut backoff = Backoff::new(min, max, 1);
            let begin = Duration::from_secs(1_000);
            let mut now = begin;
            let mut longest = Duration::ZERO;
            for _ in 0..60 {
                let wait = backoff.failed(now, &mut rng);
                assert!(wait <= max.min(min.max(now - begin)), "{wait:?}");
                longest = longest.max(wait);
                now += wait;
            }
            assert!(longest > max / 2, "a long outage has long waits");
        }
    }

    #[test]
    fn replicas_take_turns_and_the_bound_grows_once_a_round() {
        let mut rng = fastrand::Rng::with_seed(2);
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(9), 3);
        let turns: Vec<_> = (0..6)
            .map(|_| {
                let replica = backoff.replica();
                let wait = backoff.failed(Duration::from_secs(60), &mut rng);
                (replica, wait)
            })
            .collect();
        assert_eq!(
            turns.iter().map(|t| t.0).collect::<Vec<_>>(),
            [0, 1, 2, 0, 1, 2]
        );
        assert!(turns[..3].iter().all(|t| t.1 <= Duration::from_millis(100)));
        assert!(turns[3..].iter().all(|t| t.1 <= Duration::from_millis(200)));
    }
}
