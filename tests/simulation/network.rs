//! What lies between client and server: each direction keeps its order and takes
//! its time. A frozen network delivers nothing and tells nobody.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use fastrand::Rng;

/// What arrives somewhere.
#[derive(Debug)]
pub enum Arrival {
    /// At the server.
    Request(u64, String),
    /// The client's end of a link was closed.
    Closed(u64),
    /// At the client: frames, all that have come by now.
    Frames(u64, Vec<String>),
    /// The server's end was closed.
    Dropped(u64),
    /// The client has opened a link.
    Opened(u64),
    /// The client could not.
    Refused(u64, &'static str),
}

#[derive(Default)]
struct Line {
    queue: VecDeque<(Duration, Option<String>)>,
    last: Duration,
}

impl Line {
    /// `None` is the end of it.
    fn push(&mut self, at: Duration, what: Option<String>) {
        self.last = self.last.max(at);
        self.queue.push_back((self.last, what));
    }
}

pub struct Network {
    rng: Rng,
    up: BTreeMap<u64, Line>,
    down: BTreeMap<u64, Line>,
    opening: BTreeMap<u64, Duration>,
    pub frozen: bool,
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

impl Network {
    pub fn new(seed: u64) -> Network {
        Network {
            rng: Rng::with_seed(seed),
            up: BTreeMap::new(),
            down: BTreeMap::new(),
            opening: BTreeMap::new(),
            frozen: false,
        }
    }

    fn delay(&mut self) -> Duration {
        Duration::from_micros(match self.rng.u32(0..10) {
            0 => self.rng.u64(100..80_000),
            _ => self.rng.u64(50..500),
        })
    }

    pub fn open(&mut self, now: Duration, link: u64) {
        let at = now + self.delay();
        self.opening.insert(link, at);
    }

    pub fn send(&mut self, now: Duration, link: u64, text: String) {
        let at = now + self.delay();
        if let Some(line) = self.up.get_mut(&link) {
            line.push(at, Some(text));
        }
    }

    pub fn say(&mut self, now: Duration, link: u64, text: String) {
        let at = now + self.delay();
        if let Some(line) = self.down.get_mut(&link) {
            line.push(at, Some(text));
        }
    }

    /// The client closes, after what it has sent.
    pub fn close(&mut self, now: Duration, link: u64) {
        let at = now + self.delay();
        if let Some(line) = self.up.get_mut(&link) {
            line.push(at, None);
        }
    }

    /// The server closes, after what it has said.
    pub fn drop_from_server(&mut self, now: Duration, link: u64) {
        let at = now + self.delay();
        if let Some(line) = self.down.get_mut(&link) {
            line.push(at, None);
        }
    }

    /// The link breaks at once, in the middle of whatever is on the way.
    pub fn cut(&mut self, link: u64) -> bool {
        self.up.remove(&link);
        self.opening.remove(&link);
        self.down.remove(&link).is_some()
    }

    pub fn links(&self) -> Vec<u64> {
        self.down.keys().copied().collect()
    }

    pub fn next_arrival(&self) -> Option<Duration> {
        let opening = self.opening.values().map(|&at| {
            if self.frozen {
                at + CONNECT_TIMEOUT
            } else {
                at
            }
        });
        let heads = self.up.values().chain(self.down.values());
        let heads = heads.filter_map(|line| line.queue.front().map(|(at, _)| *at));
        opening.chain(heads.filter(|_| !self.frozen)).min()
    }

    /// What has arrived by now.
    pub fn arrivals(&mut self, now: Duration, server_is_up: bool) -> Vec<Arrival> {
        let mut arrivals = Vec::new();
        let frozen = self.frozen;
        self.opening.retain(|&link, &mut at| {
            if frozen && at + CONNECT_TIMEOUT <= now {
                arrivals.push(Arrival::Refused(link, "no answer in time"));
                return false;
            }
            if frozen || at > now {
                return true;
            }
            arrivals.push(if server_is_up {
                Arrival::Opened(link)
            } else {
                Arrival::Refused(link, "refused")
            });
            false
        });
        for arrival in &arrivals {
            if let Arrival::Opened(link) = arrival {
                self.up.insert(*link, Line::default());
                self.down.insert(*link, Line::default());
            }
        }
        if frozen {
            return arrivals;
        }
        let mut ended = Vec::new();
        for (&link, line) in &mut self.up {
            while line.queue.front().is_some_and(|(at, _)| *at <= now) {
                match line.queue.pop_front() {
                    Some((_, Some(text))) => arrivals.push(Arrival::Request(link, text)),
                    _ => {
                        arrivals.push(Arrival::Closed(link));
                        ended.push(link);
                    }
                }
            }
        }
        for (&link, line) in &mut self.down {
            let mut frames = Vec::new();
            let mut dropped = false;
            while line.queue.front().is_some_and(|(at, _)| *at <= now) {
                match line.queue.pop_front() {
                    Some((_, Some(text))) => frames.push(text),
                    _ => dropped = true,
                }
            }
            if !frames.is_empty() {
                arrivals.push(Arrival::Frames(link, frames));
            }
            if dropped {
                arrivals.push(Arrival::Dropped(link));
                ended.push(link);
            }
        }
        for link in ended {
            self.cut(link);
        }
        arrivals
    }
}
