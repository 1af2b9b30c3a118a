//! A live collection in virtual time, with a session that only the tests play.

use std::sync::Arc;
use std::time::Duration;

use crate::handover::*;
use crate::live::*;
use crate::protocol::Frame;
use crate::rows::{Feed, FeedBudget, LiveStatus, Row};
use crate::subscriptions::SubId;

/// A live collection, its commands, and the clock.
pub struct World {
    pub lives: Lives,
    pub id: SubId,
    pub feed: Arc<Feed>,
    pub now: Duration,
    pub reads: Vec<ReadRequest>,
    pub ends: Vec<String>,
    /// The session does not send reads at once.
    pub defers_reads: bool,
}

pub fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

impl World {
    /// Opened, confirmed, and its first read sent.
    pub fn open(query: &str) -> World {
        World::open_with(query, usize::MAX)
    }

    pub fn open_with(query: &str, max_message_bytes: usize) -> World {
        let mut registry = crate::subscriptions::Registry::default();
        let id = registry.reserve();
        let feed = Feed::new(&FeedBudget::new(1 << 20));
        let options = LiveOptions {
            query: LiveQuery::new("posts", "id", Some(query)).expect("a query"),
            depends_on: Vec::new(),
            verify: None,
            max_message_bytes,
        };
        let mut world = World {
            lives: Lives::default(),
            id,
            feed: Arc::clone(&feed),
            now: Duration::from_secs(100),
            reads: Vec::new(),
            ends: Vec::new(),
            defers_reads: false,
        };
        world.lives.open(world.now, id, feed, options);
        for command in world.lives.take_commands() {
            if let Command::Subscribe { main, part, .. } = command {
                world.lives.on_subscribed(main, part, registry.reserve());
            }
        }
        let slots: Vec<u32> = world.lives.parts.keys().copied().collect();
        for slot in slots {
            world.event(slot, EventKind::Init, "[]");
        }
        world.settle();
        world
    }

    /// The subscription to the rows that match, and the one to all keys.
    pub fn main(&self) -> u32 {
        self.id.slot()
    }

    pub fn touches(&self) -> u32 {
        let other = self.lives.parts.iter().find(|(_, part)| part.1 == 1);
        *other.expect("a second subscription").0
    }

    pub fn event(&mut self, slot: u32, kind: EventKind, data: &str) {
        let event = Event {
            slot,
            epoch: 0,
            kind,
            flags: 0,
            frame: Frame::from(data.to_owned()),
            data: Some((0, data.len() as u32)),
            meta: None,
            checked: true,
        };
        self.lives.on_event(self.now, &event);
        self.settle();
    }

    /// Carries out the commands, and delivers the updates.
    pub fn settle(&mut self) {
        loop {
            self.lives.on_timer(self.now);
            let commands = self.lives.take_commands();
            for item in self.lives.take_items() {
                if matches!(item, DeliveryItem::Update { .. }) {
                    self.feed.deliver();
                }
            }
            if commands.is_empty() {
                return;
            }
            for command in commands {
                match command {
                    Command::Read(_, request) => {
                        self.reads.push(request);
                        if !self.defers_reads {
                            self.lives.on_read_sent(self.id);
                        }
                    }
                    Command::GiveUp(_, json) => self.ends.push(json),
                    _ => {}
                }
            }
        }
    }

    pub fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(at) = self.lives.next_deadline().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.settle();
        }
        self.now = end;
    }

    /// The read that is under way. It is answered next.
    pub fn read(&mut self) -> ReadRequest {
        assert_eq!(self.reads.len(), 1, "{:?}", self.reads);
        self.reads.remove(0)
    }

    pub fn answer(&mut self, data: &str) {
        let answer = ReadAnswer::Rows(Frame::from(data.to_owned()), (0, data.len() as u32));
        self.lives.on_read_over(self.now, self.id, answer);
        self.settle();
    }

    pub fn shown(&self) -> String {
        let (rows, _) = self.feed.shown();
        let texts: Vec<_> = rows.iter().map(Row::text).collect();
        format!("[{}]", texts.join(","))
    }

    pub fn status(&self) -> LiveStatus {
        self.feed.status()
    }
}
