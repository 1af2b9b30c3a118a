//! The replicas, and what is known of each.

use std::time::Duration;

/// A server that asks to be left alone for longer is tried after this all the same.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(300);

/// See the module.
#[derive(Debug)]
pub struct Endpoints {
    list: Vec<Endpoint>,
    /// The one that the present link is to.
    present: usize,
}

#[derive(Clone, Debug, Default)]
struct Endpoint {
    /// There was a usable link to it.
    has_worked: bool,
    /// When the server wants to be tried again at the earliest.
    not_before: Duration,
}

impl Endpoints {
    /// So many, of which nothing is known.
    pub fn new(count: usize) -> Endpoints {
        Endpoints {
            list: vec![Endpoint::default(); count],
            present: 0,
        }
    }

    /// The next link is to this one.
    pub fn choose(&mut self, endpoint: usize) {
        self.present = endpoint;
    }

    /// The present link is usable.
    pub fn has_worked(&mut self) {
        if let Some(endpoint) = self.list.get_mut(self.present) {
            endpoint.has_worked = true;
        }
    }

    /// The present link was lost, and the server named a time to stay away. Whether there
    /// was a usable link to this endpoint before.
    pub fn lost(&mut self, now: Duration, retry_after: Option<Duration>) -> bool {
        let Some(endpoint) = self.list.get_mut(self.present) else {
            return false;
        };
        endpoint.not_before = now + retry_after.unwrap_or_default().min(LONGEST_RETRY_AFTER);
        endpoint.has_worked
    }

    /// How long an endpoint wants to be left alone.
    pub fn wait(&self, endpoint: usize, now: Duration) -> Duration {
        let endpoint = self.list.get(endpoint);
        endpoint.map_or(Duration::ZERO, |e| e.not_before.saturating_sub(now))
    }
}
