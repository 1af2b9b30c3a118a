//! How many messages are looked at, so that what may be wrong of them is read again.
//!
//! To look at a message costs more than to deliver it. So there is a limit for a subscription
//! ([`super::MOST`]), and one for all subscriptions of a client: a flood stays as cheap as it is,
//! through one subscription or ten thousand, and one of them leaves half to the others.

use std::time::Duration;

use super::{CLOSE, LATEST, MOST};

/// So many messages of a client are looked at within [`LATEST`].
const MOST_OF_ALL: usize = 2 * MOST;

/// What may still be looked at. One client's.
#[derive(Debug, Default)]
pub struct Allowance {
    /// When it is renewed.
    until: Duration,
    spent: usize,
}

impl Allowance {
    /// Whether no more messages are to be looked at for now.
    #[inline]
    pub fn is_spent(&mut self, now: Duration) -> bool {
        if now >= self.until {
            (self.until, self.spent) = (now + LATEST, 0);
        }
        self.spent >= MOST_OF_ALL
    }

    /// A message is looked at.
    #[inline]
    pub fn spend(&mut self) {
        self.spent += 1;
    }
}

/// The messages of a subscription that were delivered without being looked at. It stands beside
/// [`super::Rechecks`], so that these are not touched in a flood.
#[derive(Clone, Copy, Debug, Default)]
pub struct Passed {
    /// When the last of them was.
    pub at: Option<Duration>,
    /// Whether there were creates: their keys are not known.
    pub creates: bool,
}

impl Passed {
    /// Whether one of them was a moment ago.
    #[inline]
    pub fn is_close(&self, now: Duration) -> bool {
        self.at.is_some_and(|at| now < at + CLOSE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i6_no_more_than_8192_messages_of_a_client_are_looked_at_within_two_seconds() {
        let mut allowance = Allowance::default();
        let mut looked = |at: u64| {
            let looks = |_: &u32| {
                let looks = !allowance.is_spent(Duration::from_millis(at));
                if looks {
                    allowance.spend();
                }
                looks
            };
            (0..50_000).filter(looks).count()
        };
        assert_eq!(looked(10_000), MOST_OF_ALL);
        assert_eq!(looked(11_999), 0);
        assert_eq!(looked(12_000), MOST_OF_ALL);
    }
}
