//! The collection, and what goes out when it changes.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;

use super::tasks::{Change, Task, shown};
use super::{Out, Registered, Server};

impl Server {
    /// As one request: as many messages as items.
    pub fn create(&mut self, now: Duration, count: usize) {
        let ids: Vec<u32> = (1..=count as u32).map(|n| self.next_id + n).collect();
        for &id in &ids {
            self.write(id);
        }
        self.next_id += count as u32;
        for id in ids {
            self.emit(now, &Change::Create(id));
        }
    }

    /// One message.
    pub fn update(&mut self, now: Duration, nth: usize, count: usize) {
        let ids = self.some(nth, count);
        for &id in &ids {
            self.write(id);
        }
        if !ids.is_empty() {
            self.emit(now, &Change::Update(ids));
        }
    }

    /// One message.
    pub fn delete(&mut self, now: Duration, nth: usize, count: usize, by_url: bool) {
        let ids = self.some(nth, count);
        for id in &ids {
            self.posts.remove(id);
        }
        if !ids.is_empty() {
            self.emit(now, &Change::Delete { ids, by_url });
        }
    }

    fn some(&self, nth: usize, count: usize) -> Vec<u32> {
        let all = self.posts.len().max(1);
        let ids = self.posts.keys().skip(nth % all).take(count);
        ids.copied().collect()
    }

    fn write(&mut self, id: u32) {
        self.next_version += 1;
        self.posts.insert(id, self.next_version);
    }

    fn emit(&mut self, now: Duration, change: &Change) {
        let name = change.name();
        let mut tasks = Vec::new();
        let latency = self.latency();
        let withholds = self.setting.withholds && self.rng.bool();
        for (&link, socket) in &mut self.sockets {
            socket.last_event = socket.last_event.max(now + latency) + Duration::from_nanos(1);
            let wants = |s: &&Registered| s.changes.as_deref().is_none_or(|only| only == name);
            for subscription in socket.subscriptions.iter().filter(wants) {
                let task = Task::Emit {
                    link,
                    number: subscription.number,
                    change: change.clone(),
                };
                tasks.push((socket.last_event, task));
            }
            if withholds && !socket.subscriptions.is_empty() {
                tasks.push((socket.last_event, Task::Withhold { link }));
            }
        }
        for (at, task) in tasks {
            self.later(at, task);
        }
    }

    /// The rows that a query finds.
    pub fn rows(&self, item: Option<u32>) -> BTreeMap<u32, u64> {
        match item {
            None => self.posts.clone(),
            Some(item) => {
                let row = self.posts.get(&item).map(|v| (item, *v));
                row.into_iter().collect()
            }
        }
    }

    pub(super) fn send_event(
        &mut self,
        link: u64,
        number: u64,
        change: &Change,
        out: &mut Vec<Out>,
    ) {
        let lives = |s: &&mut Registered| s.number == number;
        let readable = self.may_read(link);
        let Some(socket) = self.sockets.get_mut(&link) else {
            return;
        };
        let Some(subscription) = socket.subscriptions.iter_mut().find(lives) else {
            return;
        };
        let wire = subscription.wire.clone();
        let (ids, data) = match change {
            Change::Delete { ids, by_url } => {
                for id in ids {
                    subscription.told.remove(id);
                }
                let texts: Vec<String> = ids.iter().map(u32::to_string).collect();
                let keys = if *by_url { json!(texts) } else { json!(ids) };
                (ids.clone(), keys)
            }
            Change::Create(_) | Change::Update(_) if !readable => {
                return self.refuse(link, "subscribe", wire.into(), out);
            }
            change => {
                let ids = match change {
                    Change::Create(id) => &[*id][..],
                    Change::Update(ids) => ids,
                    Change::Delete { .. } => &[],
                };
                let watched = |id: &u32| subscription.item.is_none_or(|item| item == *id);
                let rows = ids.iter().copied().filter(watched);
                let rows: BTreeMap<u32, u64> = rows
                    .filter_map(|id| Some((id, *self.posts.get(&id)?)))
                    .collect();
                if rows.is_empty() {
                    return;
                }
                subscription.told.extend(&rows);
                let place = self.shared.journal.next(number);
                (
                    rows.keys().copied().collect(),
                    shown(&rows, link, number, Some(place)),
                )
            }
        };
        self.shared.journal.note(number, change.kind(), ids);
        // As the server writes it, member by member.
        let name = change.name();
        let text =
            format!(r#"{{"type":"subscription","event":"{name}","data":{data},"uid":"{wire}"}}"#);
        out.push(Out::Say(link, text));
    }
}
