//! What a large live collection takes, in memory and in reads.

use std::sync::Arc;
use std::time::Duration;

use directus_realtime::handover::{DeliveryItem, Event, EventKind, ReadAnswer};
use directus_realtime::live::{Command, LiveOptions, LiveQuery, Lives};
use directus_realtime::protocol::Frame;
use directus_realtime::rows::{Feed, FeedBudget, LiveStatus};
use directus_realtime::subscriptions::{Registry, SubId};

use super::memory;

const ROWS: usize = 100_000;
const ITEM: usize = 200;

fn row(key: usize, version: usize) -> String {
    let start = format!(r#"{{"id":{key},"version":{version},"title":""#);
    format!(
        r#"{start}{:x>width$}"}}"#,
        "",
        width = ITEM - 2 - start.len()
    )
}

struct Large {
    lives: Lives,
    id: SubId,
    feed: Arc<Feed>,
    now: Duration,
    /// The server's rows, as it would answer with them.
    stored: Vec<String>,
    reads: usize,
    /// How many changes the application was told.
    told: usize,
}

impl Large {
    /// Opened, and its rows read.
    fn open() -> Large {
        let id = Registry::default().reserve();
        let feed = Feed::new(&FeedBudget::new(1 << 26));
        let options = LiveOptions {
            query: LiveQuery::new("posts", "id", None).expect("a query"),
            depends_on: Vec::new(),
            verify: None,
            max_message_bytes: usize::MAX,
        };
        let mut large = Large {
            lives: Lives::default(),
            id,
            feed: Arc::clone(&feed),
            now: Duration::from_secs(100),
            stored: (0..ROWS).map(|key| row(key, 0)).collect(),
            reads: 0,
            told: 0,
        };
        large.lives.open(large.now, id, feed, options);
        large.tell(EventKind::Init, "[]".to_owned());
        large
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
        self.lives.on_event(self.now, &event);
        self.settle();
    }

    /// Delivers what there is, and answers reads until there are no more.
    fn settle(&mut self) {
        loop {
            self.lives.on_timer(self.now);
            for item in self.lives.take_items() {
                if let DeliveryItem::Update { .. } = item {
                    let delivered = self.feed.deliver();
                    self.told += delivered.map_or(0, |(update, _)| update.changes.len());
                }
            }
            let commands = self.lives.take_commands();
            if commands.is_empty() {
                return;
            }
            for command in commands {
                if let Command::Read(id, request) = command {
                    assert_eq!(request.keys, None, "all rows are read");
                    self.reads += 1;
                    let answer = format!("[{}]", self.stored.join(","));
                    let place = (0, answer.len() as u32);
                    self.lives.on_read_sent(id);
                    let answer = ReadAnswer::Rows(Frame::from(answer), place);
                    self.lives.on_read_over(self.now, id, answer);
                }
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

    /// The link is lost, and comes back after a minute.
    fn lose_link(&mut self) {
        self.lives.on_link_lost(self.now, false);
        self.settle();
        assert_eq!(self.feed.status(), LiveStatus::Stale);
        self.pass(Duration::from_secs(60));
        self.tell(EventKind::Init, "[]".to_owned());
        self.pass(Duration::from_secs(60));
        assert_eq!(self.feed.status(), LiveStatus::Current);
    }
}

/// Bytes that `work` leaves allocated, as a part of the rows' JSON.
fn taken(large: &mut Large, before: isize, work: impl FnOnce(&mut Large)) -> f64 {
    work(large);
    let stored: usize = large.stored.iter().map(|row| row.len() + 1).sum();
    (memory::live() - before) as f64 / stored as f64
}

#[test]
fn a_hundred_thousand_rows_take_at_most_half_as_much_again_as_their_json() {
    let before = memory::live();
    let mut large = Large::open();
    // The model of the server is no part of it.
    let model: usize = large.stored.iter().map(String::capacity).sum();
    let model = model + large.stored.capacity() * size_of::<String>();
    let before = before + model as isize;
    assert_eq!((large.feed.count(), large.reads), (ROWS, 1));
    let opened = taken(&mut large, before, |_| ());
    assert!(opened <= 1.5, "{opened} after it was opened");
    // Changes everywhere, one by one, and what they replace is freed.
    let changed = taken(&mut large, before, |large| {
        for version in 1..=3 {
            for at in (0..ROWS).step_by(if version == 2 { 7 } else { 64 }) {
                let row = row(at, version);
                large.pass(Duration::from_secs(3));
                large.tell(EventKind::Update, format!("[{row}]"));
                large.stored[at] = row;
            }
        }
    });
    assert!(changed <= 1.5, "{changed} after changes");
    assert_eq!(large.reads, 1, "changes by themselves cost no read");
    let again = taken(&mut large, before, Large::lose_link);
    assert!(again <= 1.5, "{again} after a gap");
}

#[test]
fn a_gap_without_changes_costs_one_read_and_tells_nothing() {
    let mut large = Large::open();
    large.pass(Duration::from_secs(60));
    (large.reads, large.told) = (0, 0);
    let (_, revision) = large.feed.shown();
    large.lose_link();
    assert_eq!((large.reads, large.told), (1, 0));
    assert_eq!(large.feed.shown().1, revision);
    // And with one, that one alone.
    large.stored[ROWS / 2] = row(ROWS / 2, 1);
    large.lose_link();
    assert_eq!((large.reads, large.told), (2, 1));
}
