//! The collection, and the events of its changes.

use std::collections::BTreeMap;
use std::time::Duration;

use directus_realtime::handover::EventKind;
use serde_json::{Value, json};

use super::live::LiveQuery;
use super::tasks::{Change, Task, shown};
use super::{Out, Registered, Server};

/// Longer than the messages of one request are apart.
const TOGETHER: Duration = Duration::from_secs(3);

impl Server {
    /// One request: a message per item.
    pub fn create(&mut self, now: Duration, count: usize) {
        let ids: Vec<u32> = (1..=count as u32).map(|n| self.next_id + n).collect();
        for &id in &ids {
            self.write(id);
        }
        self.next_id += count as u32;
        if self.setting.stale && count > 2 {
            // An import: one of its creates is lost. The others come together.
            self.untold.insert(ids[1]);
            let at = now + self.latency();
            for &id in &ids {
                self.in_array.insert(id, at + TOGETHER);
            }
            return ids
                .into_iter()
                .for_each(|id| self.emit_after(at, &Change::Create(id)));
        }
        for id in ids {
            self.emit(now, &Change::Create(id));
        }
    }

    /// An import: a message per item, and where it loses some, at least two of each subscription's
    /// are left. Of the others, some come late.
    pub fn import(&mut self, now: Duration, count: usize) {
        if !self.setting.loses_creates {
            return self.create(now, count);
        }
        let ids: Vec<u32> = (1..=count as u32).map(|n| self.next_id + n).collect();
        self.next_id += count as u32;
        let at = now + self.latency();
        for &id in &ids {
            self.write(id);
            self.in_array.insert(id, at + TOGETHER);
        }
        let mut tasks = Vec::new();
        for (&link, socket) in &mut self.sockets {
            socket.last_event = socket.last_event.max(at);
            for subscription in &socket.subscriptions {
                if subscription
                    .changes
                    .as_deref()
                    .is_some_and(|only| only != "create")
                {
                    continue;
                }
                let mut shuffled = ids.clone();
                self.rng.shuffle(&mut shuffled);
                let reported = self.rng.usize(2..=shuffled.len());
                for (n, &id) in shuffled.iter().enumerate() {
                    socket.last_event += Duration::from_nanos(1);
                    let late = Duration::from_micros(self.rng.u64(1..2_000_000));
                    let (at, change) = match n {
                        n if n < reported => (socket.last_event, Change::Create(id)),
                        _ if self.rng.u32(0..4) == 0 => {
                            let change = Change::LateCreate(id, self.posts[&id]);
                            (socket.last_event + late, change)
                        }
                        _ => continue,
                    };
                    let task = Task::Emit {
                        link,
                        number: subscription.number,
                        change,
                    };
                    tasks.push((at, task));
                }
            }
        }
        for (at, task) in tasks {
            self.later(at, task);
        }
    }

    /// One message.
    pub fn update(&mut self, now: Duration, nth: usize, count: usize) {
        let ids = self.some(nth, count);
        if self.setting.stale && !ids.is_empty() {
            return self.update_out_of_order(now, &ids);
        }
        for &id in &ids {
            self.write(id);
        }
        if !ids.is_empty() {
            self.emit(now, &Change::Update(ids));
        }
    }

    /// An array of updates: a message per item, and all but the last show their item as it was
    /// before. Of a single item, three updates in a row, of which the last two change places.
    fn update_out_of_order(&mut self, now: Duration, ids: &[u32]) {
        let mut shown = Vec::new();
        if let &[id] = ids {
            for _ in 0..3 {
                self.write(id);
                shown.push((id, self.posts[&id]));
            }
            shown.swap(1, 2);
        } else {
            for &id in ids {
                shown.push((id, self.posts[&id]));
                self.write(id);
            }
            if let Some((id, version)) = shown.last_mut() {
                *version = self.posts[id];
            }
        }
        let latency = self.latency();
        for &id in ids {
            self.in_array.insert(id, now + latency + TOGETHER);
        }
        for (id, version) in shown {
            self.emit_after(now + latency, &Change::Stale(id, version));
        }
    }

    /// One message.
    pub fn delete(&mut self, now: Duration, nth: usize, count: usize, by_url: bool) {
        let mut ids = self.some(nth, count);
        self.in_array.retain(|_, until| *until > now);
        ids.retain(|id| !self.in_array.contains_key(id));
        if ids.is_empty() {
            return;
        }
        let overtaken = match self.setting.overtakes.map(|_| self.rng.u32(0..4)) {
            Some(0) => {
                self.next_id += 1;
                ids = vec![self.next_id];
                Some(EventKind::Create)
            }
            Some(1..=2) => Some(EventKind::Update),
            _ => None,
        };
        if overtaken.is_some() {
            ids.iter().for_each(|id| self.write(*id));
        }
        let row = |id: &u32| Some((*id, self.posts.remove(id)?));
        let rows: BTreeMap<u32, u64> = ids.iter().filter_map(row).collect();
        self.emit(now, &Change::Delete { ids, by_url });
        if let Some(kind) = overtaken {
            self.emit_late(&Change::Late { kind, rows });
        }
    }

    /// Sends events whose rows were read before a delete behind that delete.
    fn emit_late(&mut self, change: &Change) {
        let name = change.name();
        let most = self.setting.overtakes.unwrap_or_default().as_micros() as u64;
        let mut tasks = Vec::new();
        for (&link, socket) in &self.sockets {
            let is_concerned =
                |s: &&Registered| s.changes.as_deref().is_none_or(|only| only == name);
            for subscription in socket.subscriptions.iter().filter(is_concerned) {
                let late = Duration::from_micros(1 + self.rng.u64(0..=most));
                let (number, change) = (subscription.number, change.clone());
                let task = Task::Emit {
                    link,
                    number,
                    change,
                };
                tasks.push((socket.last_event + late, task));
            }
        }
        for (at, task) in tasks {
            self.later(at, task);
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
        let latency = self.latency();
        self.emit_after(now + latency, change);
    }

    fn emit_after(&mut self, at: Duration, change: &Change) {
        let name = change.name();
        let mut tasks = Vec::new();
        let withholds = self.setting.withholds && self.rng.bool();
        for (&link, socket) in &mut self.sockets {
            socket.last_event = socket.last_event.max(at) + Duration::from_nanos(1);
            let is_concerned =
                |s: &&Registered| s.changes.as_deref().is_none_or(|only| only == name);
            for subscription in socket.subscriptions.iter().filter(is_concerned) {
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

    /// The rows that a query returns.
    pub fn rows(&self, item: Option<u32>) -> BTreeMap<u32, u64> {
        match item {
            None => self.posts.clone(),
            Some(item) => {
                let row = self.posts.get(&item).map(|v| (item, *v));
                row.into_iter().collect()
            }
        }
    }

    /// An event for a live collection: the rows as its query shows them.
    fn send_live_event(
        &mut self,
        link: u64,
        wire: &str,
        live: &LiveQuery,
        change: &Change,
        is_old: bool,
        out: &mut Vec<Out>,
    ) {
        let of_ids = |ids: &[u32]| -> BTreeMap<u32, u64> {
            let row = |id: &u32| Some((*id, *self.posts.get(id)?));
            ids.iter().filter_map(row).collect()
        };
        let rows = match change {
            Change::Delete { ids, by_url } => {
                let texts: Vec<String> = ids.iter().map(u32::to_string).collect();
                let keys = if *by_url { json!(texts) } else { json!(ids) };
                return out.push(Out::Send(link, live_event("delete", &keys, wire)));
            }
            Change::LateCreate(id, version) if self.posts.get(id) != Some(version) => return,
            Change::Create(_) | Change::LateCreate(..) | Change::Update(_) | Change::Stale(..)
                if !self.may_read(link) =>
            {
                return self.refuse(link, "subscribe", wire.into(), out);
            }
            Change::LateCreate(id, _) => of_ids(&[*id]),
            Change::Create(id) if self.untold.contains(id) => return,
            Change::Create(id) => of_ids(&[*id]),
            Change::Update(ids) => of_ids(ids),
            Change::Late { rows, .. } => rows.clone(),
            Change::Stale(id, version) => {
                let mut rows = of_ids(&[*id]);
                if is_old {
                    rows.entry(*id).and_modify(|row| *row = *version);
                }
                rows
            }
        };
        let rows = live.matching(&rows);
        if !rows.is_empty() {
            let text = live_event(change.name(), &json!(rows), wire);
            out.push(Out::Send(link, text));
        }
    }

    pub(super) fn send_event(
        &mut self,
        now: Duration,
        link: u64,
        number: u64,
        change: &Change,
        out: &mut Vec<Out>,
    ) {
        let is_it = |s: &&mut Registered| s.number == number;
        let readable = self.may_read(link);
        let Some(socket) = self.sockets.get_mut(&link) else {
            return;
        };
        let Some(subscription) = socket.subscriptions.iter_mut().find(is_it) else {
            return;
        };
        let wire = subscription.wire.clone();
        if let Some(live) = subscription.live.clone() {
            let is_old = subscription.since + TOGETHER < now;
            return self.send_live_event(link, &wire, &live, change, is_old, out);
        }
        let (ids, data) = match change {
            Change::Delete { ids, by_url } => {
                for id in ids {
                    subscription.sent_rows.remove(id);
                }
                let texts: Vec<String> = ids.iter().map(u32::to_string).collect();
                // A delete may spell the key with leading zeros, which reach the same row.
                let zeros = usize::from(self.setting.overtakes.is_some());
                let spell = |text: &String| format!("{:0>1$}", text, zeros * (1 + text.len() % 3));
                let texts: Vec<String> = texts.iter().map(spell).collect();
                let keys = if *by_url { json!(texts) } else { json!(ids) };
                (ids.clone(), keys)
            }
            Change::Late { kind, rows } => {
                let watched = |id: &u32| subscription.item.is_none_or(|item| item == *id);
                let rows: BTreeMap<u32, u64> = rows
                    .iter()
                    .filter(|(id, _)| watched(id))
                    .map(|(id, v)| (*id, *v))
                    .collect();
                if rows.is_empty() {
                    return;
                }
                let place = self.shared.journal.next(number);
                let place = (*kind == EventKind::Update).then_some(place);
                let data = shown(&rows, link, number, place);
                (rows.keys().copied().collect(), data)
            }
            Change::LateCreate(id, version) if self.posts.get(id) != Some(version) => return,
            Change::Create(_) | Change::LateCreate(..) | Change::Update(_) | Change::Stale(..)
                if !readable =>
            {
                return self.refuse(link, "subscribe", wire.into(), out);
            }
            change => {
                let ids = match change {
                    Change::Create(id) | Change::LateCreate(id, _) => &[*id][..],
                    Change::Update(ids) => ids,
                    Change::Stale(id, _) => &[*id][..],
                    Change::Delete { .. } | Change::Late { .. } => &[],
                };
                let watched = |id: &u32| subscription.item.is_none_or(|item| item == *id);
                let rows = ids.iter().copied().filter(watched);
                let mut rows: BTreeMap<u32, u64> = rows
                    .filter_map(|id| Some((id, *self.posts.get(&id)?)))
                    .collect();
                // A single one behind a quiet first snapshot is not doubted.
                let is_old = subscription.since + TOGETHER < now;
                if let (Change::Stale(id, version), true) = (change, is_old) {
                    rows.entry(*id).and_modify(|row| *row = *version);
                }
                if rows.is_empty() {
                    return;
                }
                subscription.sent_rows.extend(&rows);
                let place = self.shared.journal.next(number);
                // A create must look like the same row in a snapshot.
                let place = (change.kind() == EventKind::Update).then_some(place);
                (
                    rows.keys().copied().collect(),
                    shown(&rows, link, number, place),
                )
            }
        };
        let late = matches!(change, Change::Late { .. });
        self.shared.journal.note(number, change.kind(), ids, late);
        // With the members in the order in which the server writes them.
        let name = change.name();
        let text =
            format!(r#"{{"type":"subscription","event":"{name}","data":{data},"uid":"{wire}"}}"#);
        out.push(Out::Send(link, text));
    }
}

fn live_event(name: &str, data: &Value, wire: &str) -> String {
    format!(r#"{{"type":"subscription","event":"{name}","data":{data},"uid":"{wire}"}}"#)
}
