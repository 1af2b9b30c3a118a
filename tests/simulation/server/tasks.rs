//! What the server does with a delay.

use std::collections::BTreeMap;
use std::time::Duration;

use directus_realtime::handover::EventKind;
use directus_realtime::protocol::wire_uid::WireUid;
use serde_json::{Value, json};

use super::auth::Checked;
use super::live::LiveQuery;
use super::{Out, Registered, Server};

/// A subscribe in flight.
pub struct PendingSubscribe {
    pub wire: String,
    /// The only kind of events, if one is named.
    pub changes: Option<String>,
    pub item: Option<u32>,
    pub live: Option<LiveQuery>,
}

pub enum Task {
    AuthAnswer {
        link: u64,
        checked: Checked,
    },
    AuthExpires {
        link: u64,
        at: Duration,
    },
    AuthTimeout {
        link: u64,
    },
    ReadSnapshot {
        link: u64,
        asked: PendingSubscribe,
    },
    Register {
        link: u64,
        asked: PendingSubscribe,
        rows: BTreeMap<u32, u64>,
    },
    Unsubscribe {
        link: u64,
        uid: Value,
    },
    Read {
        link: u64,
        uid: Value,
        item: Option<u32>,
        among: Option<Vec<u32>>,
        /// The rows above this id, in order, and no more than so many.
        above: u32,
        limit: usize,
        live: Option<LiveQuery>,
    },
    CreateItem {
        link: u64,
        uid: Value,
        /// The number of the application's message.
        by: u64,
        refused: bool,
    },
    Answer {
        link: u64,
        message: Value,
    },
    Emit {
        link: u64,
        number: u64,
        change: Change,
    },
    /// An event of an item that a socket may not read any more.
    Withhold {
        link: u64,
    },
}

#[derive(Clone)]
pub enum Change {
    Create(u32),
    /// A create of an import that comes late, unless the row has changed since.
    LateCreate(u32, u64),
    Update(Vec<u32>),
    /// An update that shows its row as it was at another time.
    Stale(u32, u64),
    Delete {
        ids: Vec<u32>,
        by_url: bool,
    },
    /// A create or an update that the delete of its rows has overtaken.
    Late {
        kind: EventKind,
        rows: BTreeMap<u32, u64>,
    },
}

impl Change {
    pub fn kind(&self) -> EventKind {
        match self {
            Change::Create(_) | Change::LateCreate(..) => EventKind::Create,
            Change::Update(_) | Change::Stale(..) => EventKind::Update,
            Change::Delete { .. } => EventKind::Delete,
            Change::Late { kind, .. } => *kind,
        }
    }

    pub fn name(&self) -> &'static str {
        match self.kind() {
            EventKind::Create => "create",
            EventKind::Update => "update",
            _ => "delete",
        }
    }
}

impl Task {
    /// The task of a message.
    pub fn of(link: u64, kind: &str, message: &Value) -> Option<Task> {
        let uid = message["uid"].clone();
        let item = message["query"]["filter"]["id"]["_eq"].as_str();
        let item = item.map(|item| item.parse().expect("a number"));
        Some(match kind {
            "ping" => Task::Answer {
                link,
                message: json!({"type": "pong", "uid": uid}),
            },
            "subscribe" => {
                let changes = message["event"].as_str().map(str::to_owned);
                let only_changes = changes.is_some();
                let asked = PendingSubscribe {
                    wire: uid.as_str().expect("a text").to_owned(),
                    changes,
                    item,
                    live: message["query"]
                        .get("limit")
                        .map(|_| LiveQuery::of(&message["query"])),
                };
                match only_changes {
                    false => Task::ReadSnapshot { link, asked },
                    true => Task::Register {
                        link,
                        asked,
                        rows: BTreeMap::new(),
                    },
                }
            }
            "unsubscribe" => Task::Unsubscribe { link, uid },
            "items" if message["action"] == "read" => {
                let among = message["ids"].as_array();
                let number = |id: &Value| match id.as_str() {
                    Some(text) => text.trim().parse().expect("a number"),
                    None => id.as_u64().expect("a number") as u32,
                };
                let among = among.map(|ids| ids.iter().map(number).collect());
                let query = &message["query"];
                let above = query["filter"]["id"]["_gt"].as_u64().unwrap_or_default() as u32;
                let limit = query["limit"].as_u64().map_or(usize::MAX, |n| n as usize);
                Task::Read {
                    link,
                    uid,
                    item,
                    among,
                    above,
                    limit,
                    live: query.get("live").map(|_| LiveQuery::of(query)),
                }
            }
            "items" => Task::CreateItem {
                link,
                uid,
                by: message["data"]["by"].as_u64().expect("a number"),
                refused: message["data"]["fate"] == "Refused",
            },
            _ => return None,
        })
    }

    /// Whether it is a subscribe of that link.
    pub fn subscribes(&self, of: u64) -> bool {
        matches!(self, Task::ReadSnapshot { link, .. } | Task::Register { link, .. } if *link == of)
    }

    pub fn is_a_timer(&self) -> bool {
        matches!(self, Task::AuthExpires { .. } | Task::AuthTimeout { .. })
    }
}

impl Server {
    pub(super) fn perform(&mut self, now: Duration, task: Task, out: &mut Vec<Out>) {
        match task {
            Task::AuthAnswer { link, checked } => self.answer_auth(now, link, checked, out),
            Task::AuthExpires { link, at } => self.expire_auth(now, link, at, out),
            Task::AuthTimeout { link } => self.time_auth_out(now, link, out),
            Task::ReadSnapshot { link, asked } => {
                // The server does not notice here that a socket is gone.
                if self.sockets.contains_key(&link) && !self.may_read(link) {
                    let uid = Value::String(asked.wire);
                    return self.refuse_subscription_or_read(link, "subscribe", uid, out);
                }
                let rows = self.rows(asked.item);
                let at = now + self.latency();
                self.later(at, Task::Register { link, asked, rows });
            }
            Task::Register { link, asked, rows } => self.register(now, link, asked, rows, out),
            Task::Unsubscribe { link, uid } => {
                if let Some(socket) = self.sockets.get_mut(&link) {
                    let mine = |s: &Registered| Some(s.wire.as_str()) == uid.as_str();
                    if let Some(at) = socket.subscriptions.iter().position(mine) {
                        socket.subscriptions.remove(at);
                    }
                    let answer =
                        json!({"type": "subscription", "event": "unsubscribe", "uid": uid});
                    out.push(Out::Send(link, answer.to_string()));
                }
            }
            Task::Read {
                link,
                uid,
                item,
                among,
                above,
                limit,
                live,
            } => {
                if !self.may_read(link) {
                    return self.refuse_subscription_or_read(link, "items", uid, out);
                }
                let number = self.registration(link, &uid);
                let mut rows = self.rows(item);
                rows.retain(|id, _| among.as_ref().is_none_or(|ids| ids.contains(id)));
                let data = match live {
                    Some(live) => Value::from(live.answer(&rows)),
                    None => {
                        let rows = rows.into_iter().filter(|(id, _)| *id > above).take(limit);
                        shown(&rows.collect(), link, number, None)
                    }
                };
                let message = json!({"type": "items", "data": data, "uid": uid});
                let at = now + self.latency();
                self.later(at, Task::Answer { link, message });
            }
            Task::CreateItem {
                link,
                uid,
                by,
                refused,
            } => self.create_item(now, link, uid, by, refused, out),
            Task::Answer { link, message } => out.push(Out::Send(link, message.to_string())),
            Task::Emit {
                link,
                number,
                change,
            } => self.send_event(now, link, number, &change, out),
            Task::Withhold { link } => self.refuse(link, "subscribe", Value::Null, out),
        }
    }

    fn register(
        &mut self,
        now: Duration,
        link: u64,
        asked: PendingSubscribe,
        rows: BTreeMap<u32, u64>,
        out: &mut Vec<Out>,
    ) {
        self.registrations += 1;
        let number = self.registrations;
        let Some(socket) = self.sockets.get_mut(&link) else {
            *self.leaked.entry(link).or_default() += 1;
            return;
        };
        let PendingSubscribe {
            wire,
            changes,
            item,
            live,
        } = asked;
        let mut init = json!({"type": "subscription", "event": "init", "uid": wire});
        if changes.is_none() {
            init["data"] = match &live {
                Some(_) => json!([]),
                None => shown(&rows, link, number, None),
            };
        }
        socket.subscriptions.push(Registered {
            wire,
            number,
            changes,
            item,
            live,
            since: now,
            sent_rows: rows,
        });
        out.push(Out::Send(link, init.to_string()));
    }

    /// The registration that a read belongs to: the last one in the same slot.
    fn registration(&self, link: u64, uid: &Value) -> u64 {
        let parse = |uid: &str| WireUid::parse(uid).expect("a uid of the library");
        let read = parse(uid.as_str().expect("a text"));
        let mine = |s: &&Registered| parse(&s.wire).slot == read.slot;
        let all = self.subscriptions(link).iter().filter(mine);
        let last = all.max_by_key(|s| parse(&s.wire).serial);
        last.map_or(0, |s| s.number)
    }

    fn create_item(
        &mut self,
        now: Duration,
        link: u64,
        uid: Value,
        by: u64,
        refused: bool,
        out: &mut Vec<Out>,
    ) {
        if !self.may_read(link) {
            return self.refuse(link, "items", uid, out);
        }
        if refused {
            let message = "Validation failed.";
            return self.send_error(link, "items", "INVALID_PAYLOAD", message, uid, out);
        }
        *self.carried_out.entry(by).or_default() += 1;
        self.create(now, 1);
        let data = json!({"id": self.next_id, "by": by});
        let message = json!({"type": "items", "data": data, "uid": uid});
        let at = now + self.latency();
        self.later(at, Task::Answer { link, message });
    }
}

/// Rows as they are sent, with their origin for the checks.
pub fn shown(rows: &BTreeMap<u32, u64>, link: u64, number: u64, place: Option<usize>) -> Value {
    rows.iter()
        .map(|(id, v)| match place {
            Some(n) => json!({"id": id, "v": v, "k": link, "r": number, "n": n}),
            None => json!({"id": id, "v": v, "k": link, "r": number}),
        })
        .collect()
}
