//! The network between client and server. Each direction of a link keeps its order and
//! delays its messages. A dead direction delivers nothing, and neither side is told.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use fastrand::Rng;

/// Something that arrives at the client or at the server.
#[derive(Debug)]
pub enum Arrival {
    /// At the server.
    Request(u64, String),
    /// The client's end of a link was closed.
    Closed(u64),
    /// At the client: all frames that have arrived by now.
    Frames(u64, Vec<String>),
    /// The server's end was closed.
    Dropped(u64),
    /// A link of the client is open.
    Opened(u64),
    /// A link of the client could not be opened.
    Refused(u64, &'static str),
}

#[derive(Default)]
struct Line {
    queue: VecDeque<(Duration, Option<String>)>,
    last: Duration,
}

impl Line {
    /// `None` closes this direction.
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
    /// Nothing reaches the server.
    pub up_is_dead: bool,
    /// Nothing reaches the client.
    pub down_is_dead: bool,
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

impl Network {
    pub fn new(seed: u64) -> Network {
        Network {
            rng: Rng::with_seed(seed),
            up: BTreeMap::new(),
            down: BTreeMap::new(),
            opening: BTreeMap::new(),
            up_is_dead: false,
            down_is_dead: false,
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

    pub fn send_to_server(&mut self, now: Duration, link: u64, text: String) {
        let at = now + self.delay();
        if let Some(line) = self.up.get_mut(&link) {
            line.push(at, Some(text));
        }
    }

    pub fn send_to_client(&mut self, now: Duration, link: u64, text: String) {
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

    /// The server closes, after what it has sent.
    pub fn drop_from_server(&mut self, now: Duration, link: u64) {
        let at = now + self.delay();
        if let Some(line) = self.down.get_mut(&link) {
            line.push(at, None);
        }
    }

    /// The link breaks, and everything on the way is lost.
    pub fn cut(&mut self, link: u64) -> bool {
        self.up.remove(&link);
        self.opening.remove(&link);
        self.down.remove(&link).is_some()
    }

    /// The link breaks, and a part of what is on the way arrives before that. Returns the
    /// messages that reach the server, and those that reach the client.
    pub fn reset(&mut self, link: u64) -> (Vec<String>, Vec<String>) {
        let up = self.up.remove(&link).unwrap_or_default();
        let down = self.down.remove(&link).unwrap_or_default();
        (self.part_of(up), self.part_of(down))
    }

    fn part_of(&mut self, line: Line) -> Vec<String> {
        let texts: Vec<String> = line
            .queue
            .into_iter()
            .filter_map(|(_, what)| what)
            .collect();
        let count = self.rng.usize(0..=texts.len());
        texts.into_iter().take(count).collect()
    }

    fn is_dead(&self) -> bool {
        self.up_is_dead || self.down_is_dead
    }

    pub fn revive(&mut self) {
        (self.up_is_dead, self.down_is_dead) = (false, false);
    }

    /// Nothing is on the way.
    pub fn is_quiet(&self) -> bool {
        let mut lines = self.up.values().chain(self.down.values());
        !self.is_dead() && self.opening.is_empty() && lines.all(|line| line.queue.is_empty())
    }

    pub fn links(&self) -> Vec<u64> {
        self.down.keys().copied().collect()
    }

    pub fn next_arrival(&self) -> Option<Duration> {
        let opening = self.opening.values().map(|&at| {
            if self.is_dead() {
                at + CONNECT_TIMEOUT
            } else {
                at
            }
        });
        let up = self.up.values().filter(|_| !self.up_is_dead);
        let down = self.down.values().filter(|_| !self.down_is_dead);
        let heads = up.chain(down);
        let heads = heads.filter_map(|line| line.queue.front().map(|(at, _)| *at));
        opening.chain(heads).min()
    }

    /// Takes everything that has arrived by now.
    pub fn arrivals(&mut self, now: Duration, server_is_up: bool) -> Vec<Arrival> {
        let mut arrivals = Vec::new();
        let frozen = self.is_dead();
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
        let mut ended = Vec::new();
        for (&link, line) in self.up.iter_mut().filter(|_| !self.up_is_dead) {
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
        for (&link, line) in self.down.iter_mut().filter(|_| !self.down_is_dead) {
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
