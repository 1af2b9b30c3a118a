//! One change of a large live collection, by the parts of the library that decide and deliver, in
//! virtual time: what a change costs beside the socket, which costs the same for every event.

use std::sync::Arc;
use std::time::Duration;

use directus_realtime::handover::{DeliveryItem, Event, EventKind, ReadAnswer};
use directus_realtime::live::{Command, LiveOptions, LiveQuery, Lives};
use directus_realtime::protocol::Frame;
use directus_realtime::rows::{Feed, FeedBudget};
use directus_realtime::subscriptions::{Registry, SubId};
use serde_json::{Map, Value, json};

use crate::clock;
use crate::server::{FIRST_KEY, Table};

/// So many changes of each kind, each at another row.
const CHANGES: u64 = 200;
const ITEM: usize = 200;
/// So long after an event the next one is by itself.
const ALONE: Duration = Duration::from_secs(20);

struct World {
    lives: Lives,
    id: SubId,
    feed: Arc<Feed>,
    now: Duration,
    table: Table,
    /// Nanoseconds of processor time since it was taken last.
    used: u64,
    /// What of that were reads.
    reads: u64,
}

impl World {
    fn new(rows: u64) -> World {
        let id = Registry::default().reserve();
        let feed = Feed::new(&FeedBudget::new(u64::MAX));
        let options = LiveOptions {
            query: LiveQuery::new("posts", "id", None).expect("a query"),
            depends_on: Vec::new(),
            verify: None,
            max_message_bytes: usize::MAX,
        };
        let mut world = World {
            lives: Lives::default(),
            id,
            feed: Arc::clone(&feed),
            now: Duration::from_secs(100),
            table: Table::new(rows, ITEM),
            used: 0,
            reads: 0,
        };
        world.lives.open(world.now, id, feed, options);
        world.tell(EventKind::Init, "[]".to_owned());
        world.pass(ALONE);
        assert_eq!(world.feed.count() as u64, rows);
        world
    }

    fn tell(&mut self, kind: EventKind, data: String) {
        let event = Event {
            slot: self.id.slot(),
            epoch: 0,
            kind,
            flags: 0,
            data: Some((0, data.len() as u32)),
            frame: Frame::from(data),
            meta: None,
            checked: true,
        };
        let begin = clock::processor();
        self.lives.on_event(self.now, &event);
        self.deliver();
        self.used += clock::processor() - begin;
        self.settle();
    }

    fn deliver(&mut self) {
        self.lives.on_timer(self.now);
        for item in self.lives.take_items() {
            if matches!(item, DeliveryItem::Update { .. }) {
                drop(self.feed.deliver());
            }
        }
    }

    /// Answers reads until there are no more.
    fn settle(&mut self) {
        loop {
            let begin = clock::processor();
            self.deliver();
            self.used += clock::processor() - begin;
            let commands = self.lives.take_commands();
            if commands.is_empty() {
                return;
            }
            for command in commands {
                let Command::Read(id, request) = command else {
                    continue;
                };
                let mut message = json!({});
                if let Some(keys) = &request.keys {
                    let keys = keys.iter().map(|key| serde_json::from_str(key));
                    message["ids"] = keys
                        .collect::<Result<Vec<Value>, _>>()
                        .expect("keys")
                        .into();
                } else {
                    message["query"] = serde_json::from_str(&request.query).expect("a query");
                }
                let answer = self.table.answer(&message).into_owned();
                let place = (0, answer.len() as u32);
                self.reads += 1;
                let begin = clock::processor();
                self.lives.on_read_sent(id);
                let rows = ReadAnswer::Rows(Frame::from(answer), place);
                self.lives.on_read_over(self.now, id, rows);
                self.used += clock::processor() - begin;
            }
        }
    }

    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(at) = self.lives.next_deadline().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.settle();
        }
        self.now = end;
    }

    /// Microseconds for each of so many changes.
    fn measured(&mut self, reads: u64, mut change: impl FnMut(&mut World, u64)) -> f64 {
        (self.used, self.reads) = (0, 0);
        for n in 0..CHANGES {
            change(self, n);
            self.pass(ALONE);
        }
        assert_eq!(self.reads, reads * CHANGES, "reads");
        self.used as f64 / 1e3 / CHANGES as f64
    }

    fn row(&self, key: u64) -> String {
        format!("[{}]", self.table.row(key))
    }
}

pub fn change(rows: u64) -> Value {
    let mut world = World::new(rows);
    let mut results = Map::new();
    let places = [("front", 0), ("middle", rows / 2), ("end", rows - CHANGES)];
    for (place, at) in places {
        let key = |n: u64| FIRST_KEY + 2 * (at + n);
        let mut note = |what: &str, us: f64| {
            results.insert(format!("{what}_{place}"), us.into());
        };
        // Between two rows that are there.
        let new = |n: u64| key(n) + 1;
        note(
            "insert",
            world.measured(0, |world, n| {
                world.table.set(new(n), 0);
                world.tell(EventKind::Create, world.row(new(n)));
            }),
        );
        note(
            "modify",
            world.measured(0, |world, n| {
                world.table.set(key(n), 1);
                world.tell(EventKind::Update, world.row(key(n)));
            }),
        );
        note(
            "remove",
            world.measured(0, |world, n| {
                world.table.remove(new(n));
                world.tell(EventKind::Delete, format!("[{}]", new(n)));
            }),
        );
        // A create of a row that is there can only be old: the row is read.
        note(
            "modify_read",
            world.measured(1, |world, n| {
                let old = world.row(key(n));
                world.table.set(key(n), 2);
                world.tell(EventKind::Create, old);
            }),
        );
        // An update that its delete has overtaken is not believed: the row is read, and is back.
        note(
            "insert_read",
            world.measured(1, |world, n| {
                let (row, used) = (world.row(key(n)), world.used);
                world.tell(EventKind::Delete, format!("[{}]", key(n)));
                world.pass(Duration::from_secs(3));
                world.used = used;
                world.tell(EventKind::Update, row);
            }),
        );
        note(
            "remove_read",
            world.measured(1, |world, n| {
                let row = world.row(key(n));
                world.table.remove(key(n));
                world.tell(EventKind::Create, row);
            }),
        );
        for n in 0..CHANGES {
            world.table.set(key(n), 0);
            world.tell(EventKind::Create, world.row(key(n)));
            world.pass(ALONE);
        }
        assert_eq!(world.feed.count() as u64, rows);
    }
    Value::Object(results)
}
