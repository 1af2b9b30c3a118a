//! The application's live collections: the list that the changes give (I10), and what it has to be.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use directus_realtime::client::engine::live_spec;
use directus_realtime::handover::{
    DeliveryOptions, EventSink, EventView, Registration, SubscriptionMeta,
};
use directus_realtime::live::{LiveOptions, LiveQuery};
use directus_realtime::rows::{ChangeKind, Feed, LiveStatus, Row, Update};
use directus_realtime::session::NewSubscription;
use directus_realtime::subscriptions::SubId;
use serde_json::{Value, json};

use crate::app::App;
use crate::mirror::Shared;
use crate::schedule::LiveWanted;
use crate::server::live::LiveQuery as ServerQuery;
use crate::world::World;

/// What the application keeps of a live collection.
#[derive(Default)]
pub struct Copy {
    pub rows: Vec<String>,
    pub status: LiveStatus,
    revision: u64,
    ended: bool,
}

pub struct LiveCopy {
    number: u64,
    pub wanted: LiveWanted,
    copy: Mutex<Copy>,
    releases: AtomicUsize,
    shared: Shared,
}

impl LiveCopy {
    pub fn copy(&self) -> MutexGuard<'_, Copy> {
        self.copy.lock().expect("no panic before")
    }

    pub fn end(&self) {
        self.copy().ended = true;
    }

    pub fn releases(&self) -> usize {
        self.releases.load(Ordering::SeqCst)
    }

    pub fn name(&self, text: &str) -> String {
        let (invariant, text) = text.split_once(": ").unwrap_or(("I8", text));
        format!("{invariant}: live collection {}: {text}", self.number)
    }

    fn query(&self) -> Value {
        let LiveWanted {
            below,
            sort,
            limit,
            offset,
            ..
        } = &self.wanted;
        let mut query = json!({"live": true, "sort": sort});
        if let Some(below) = below {
            query["filter"] = json!({"n": {"_lt": below}});
        }
        if let Some(limit) = limit {
            query["limit"] = json!(limit);
        }
        if *offset > 0 {
            query["offset"] = json!(offset);
        }
        query
    }

    fn take(&self, update: &Update) -> Result<(), &'static str> {
        let mut copy = self.copy();
        if copy.ended {
            return Err("I4: an update after the end");
        }
        if copy.status == LiveStatus::Ended {
            return Err("I4: an update after the last one");
        }
        copy.status = update.status;
        if !update.changes.is_empty() && update.revision <= copy.revision {
            return Err("I10: the revision does not grow");
        }
        copy.revision = update.revision;
        for change in update.steps() {
            let is_added = change.kind == ChangeKind::Added;
            let is_removed = change.kind == ChangeKind::Removed;
            if change.old.is_none() != is_added || change.new.is_none() != is_removed {
                return Err("I10: an index is missing");
            }
            if let Some(old) = change.old {
                if old >= copy.rows.len() || key_of(&copy.rows[old]) != change.row.key() {
                    return Err("I10: another row is at the old index");
                }
                copy.rows.remove(old);
            }
            if let Some(new) = change.new {
                if new > copy.rows.len() {
                    return Err("I10: the new index is behind the end");
                }
                copy.rows.insert(new, change.row.text().to_owned());
            }
        }
        let shown = update.rows.iter().map(Row::text);
        if !shown.eq(copy.rows.iter().map(String::as_str)) {
            return Err("I10: the changes do not give the rows");
        }
        Ok(())
    }
}

fn key_of(row: &str) -> String {
    let row: Value = serde_json::from_str(row).expect("a row");
    row["id"].to_string()
}

/// The callback. It is released when this is dropped.
struct LiveSink(Arc<LiveCopy>);

impl Registration for LiveSink {}

impl EventSink for LiveSink {
    fn event(&self, _: &EventView<'_>) {
        let text = self.0.name("I10: an event instead of an update");
        self.0.shared.violations.add(text);
    }

    fn update(&self, meta: &SubscriptionMeta, update: &Update) {
        let sequence = meta.last_sequence.load(Ordering::Relaxed);
        let before = {
            let mut last = self.0.shared.sequence.lock().expect("no panic before");
            std::mem::replace(&mut *last, sequence)
        };
        if sequence != before + 1 {
            let text = format!("I2: update {sequence} follows {before}");
            self.0.shared.violations.add(self.0.name(&text));
        }
        if let Err(text) = self.0.take(update) {
            self.0.shared.violations.add(self.0.name(text));
        }
    }
}

impl Drop for LiveSink {
    fn drop(&mut self) {
        if self.0.releases.fetch_add(1, Ordering::SeqCst) > 0 {
            self.0
                .shared
                .violations
                .add(self.0.name("I4: released twice"));
        }
    }
}

/// A live collection that the application has opened.
pub struct OpenLive {
    pub id: SubId,
    pub copy: Arc<LiveCopy>,
}

impl App {
    pub fn open_live(&self, wanted: &LiveWanted) {
        let number = {
            let mut state = self.state();
            state.lives_made += 1;
            state.lives_made
        };
        let copy = Arc::new(LiveCopy {
            number,
            wanted: wanted.clone(),
            copy: Mutex::default(),
            releases: AtomicUsize::new(0),
            shared: self.shared.clone(),
        });
        let text = copy.query().to_string();
        let query = LiveQuery::new("posts", "id", Some(&text)).expect("a query");
        let new = NewSubscription {
            uid: None,
            collection: "posts".into(),
            spec: live_spec(query.events.clone(), wanted.persistent),
            delivery: DeliveryOptions {
                primary_key: "id".into(),
                ..DeliveryOptions::default()
            },
            scope: None,
            tag: number,
            sink: Box::new(LiveSink(Arc::clone(&copy))),
        };
        let options = LiveOptions {
            query,
            depends_on: Vec::new(),
            verify: None,
            max_message_bytes: if wanted.in_pages { 4_000 } else { usize::MAX },
        };
        let feed = Feed::new(&self.client.feed_budget);
        if let Some(id) = self.client.open_live(new, &feed, options) {
            let mut state = self.state();
            state.live_copies.push(Arc::clone(&copy));
            state.open_lives.push(OpenLive { id, copy });
        }
    }

    pub fn close_live(&self, nth: usize) {
        let open = {
            let mut state = self.state();
            let count = state.open_lives.len();
            (count > 0).then(|| state.open_lives.remove(nth % count))
        };
        if let Some(open) = open {
            self.client.unsubscribe(open.id);
            open.copy.end();
        }
    }

    /// All subscriptions but the persistent ones have ended, and so these.
    pub fn forget_lives(&self) {
        self.state().open_lives.retain(|open| {
            let ends = !open.copy.wanted.persistent;
            if ends {
                open.copy.end();
            }
            !ends
        });
    }
}

impl World {
    /// Whether a live collection may wait a while before it tries again what the server has refused.
    pub fn has_stale_lives(&self) -> bool {
        let state = self.app.state();
        let waits = |open: &OpenLive| {
            let status = open.copy.copy().status;
            matches!(status, LiveStatus::Loading | LiveStatus::Stale)
        };
        state.open_lives.iter().any(waits)
    }

    /// Every live collection has the rows of the server, in its order.
    pub fn check_lives(&self) -> Result<(), String> {
        let state = self.app.state();
        for open in &state.open_lives {
            let copy = open.copy.copy();
            if copy.status == LiveStatus::Ended {
                continue;
            }
            if copy.status != LiveStatus::Current {
                let text = format!("I10: {:?} when it is quiet", copy.status);
                return Err(open.copy.name(&text));
            }
            if self.setting.stale && self.was_stalled {
                // A lone event is believed, and a stalled network parts those that came together.
                continue;
            }
            let query = ServerQuery::of(&open.copy.query());
            let right = query.answer(&self.server.posts);
            let parse = |row: &String| serde_json::from_str::<Value>(row).expect("a row");
            let rows: Vec<Value> = copy.rows.iter().map(parse).collect();
            if rows != right {
                let text = format!("I10: {rows:?} where {right:?} is right");
                return Err(open.copy.name(&text));
            }
        }
        Ok(())
    }
}
