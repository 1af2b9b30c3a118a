//! The collection, and what goes out when it changes.

use std::time::Duration;

use serde_json::{Value, json};

use super::tasks::{Change, Task};
use super::{Registered, Server};

impl Server {
    pub fn create(&mut self, now: Duration) {
        self.next_id += 1;
        let id = self.next_id;
        self.write(id);
        self.emit(now, Change::Create(id));
    }

    pub fn update(&mut self, now: Duration, nth: usize) {
        if let Some(id) = self.nth(nth) {
            self.write(id);
            self.emit(now, Change::Update(id));
        }
    }

    pub fn delete(&mut self, now: Duration, nth: usize, by_url: bool) {
        if let Some(id) = self.nth(nth) {
            self.posts.remove(&id);
            self.emit(now, Change::Delete { id, by_url });
        }
    }

    fn nth(&self, nth: usize) -> Option<u32> {
        let count = self.posts.len();
        (count > 0).then(|| *self.posts.keys().nth(nth % count).expect("one of them"))
    }

    fn write(&mut self, id: u32) {
        self.next_version += 1;
        self.posts.insert(id, self.next_version);
    }

    fn emit(&mut self, now: Duration, change: Change) {
        let name = match change {
            Change::Create(_) => "create",
            Change::Update(_) => "update",
            Change::Delete { .. } => "delete",
        };
        let mut tasks = Vec::new();
        let latency = self.latency();
        for (&link, socket) in &mut self.sockets {
            socket.last_event = socket.last_event.max(now + latency) + Duration::from_nanos(1);
            let wants = |s: &&Registered| s.changes.as_deref().is_none_or(|only| only == name);
            for subscription in socket.subscriptions.iter().filter(wants) {
                let (wire, number) = (subscription.wire.clone(), subscription.number);
                tasks.push((
                    socket.last_event,
                    Task::Emit {
                        link,
                        wire,
                        number,
                        change,
                    },
                ));
            }
        }
        for (at, task) in tasks {
            self.later(at, task);
        }
    }

    pub(super) fn snapshot(&self) -> Value {
        self.posts
            .iter()
            .map(|(id, v)| json!({"id": id, "v": v}))
            .collect()
    }
}
