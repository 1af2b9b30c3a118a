//! A model of the server, with its traps: what a Directus server was seen to do,
//! and nothing that it was not.
//!
//! Requests are handled at their own pace and overtake each other. A snapshot is
//! read before its subscription is registered; an unsubscribe that comes in between
//! finds nothing, and the subscription lives on. What comes between `auth` and its
//! answer is lost, and so is what is over the rate limit. A row is read when its
//! event is sent. Whoever is not heard of for a whole heartbeat is dropped.

use std::collections::BTreeMap;
use std::time::Duration;

use fastrand::Rng;
use serde_json::{Value, json};

use crate::schedule::Setting;

mod store;
mod tasks;

use tasks::{Task, auth_failed};

const HEARTBEAT: Duration = Duration::from_secs(30);
const AUTH_TIMEOUT: Duration = Duration::from_secs(10);
pub const GOOD_TOKENS: [&str; 2] = ["s3cret-token", "s3cret-token-2"];

/// What the server does to a socket.
pub enum Out {
    Say(u64, String),
    Close(u64),
}

pub struct Server {
    rng: Rng,
    setting: Setting,
    pub posts: BTreeMap<u32, u64>,
    next_id: u32,
    next_version: u64,
    sockets: BTreeMap<u64, Socket>,
    tasks: BTreeMap<(Duration, u64), Task>,
    task: u64,
    registrations: u64,
    carried_out: BTreeMap<u64, u32>,
    pub revoked: bool,
    pub up: bool,
    beat_at: Option<Duration>,
}

struct Socket {
    auth: Auth,
    subscriptions: Vec<Registered>,
    /// When the last event went out: the next one comes later.
    last_event: Duration,
    window: Option<(Duration, u32)>,
    heard: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Auth {
    Awaited,
    Checked,
    /// Until then, if it ends at all.
    Good(Option<Duration>),
    Expired {
        close_at: Duration,
    },
}

pub struct Registered {
    pub wire: String,
    number: u64,
    changes: Option<String>,
}

impl Server {
    pub fn new(setting: Setting, seed: u64) -> Server {
        Server {
            rng: Rng::with_seed(seed),
            setting,
            posts: BTreeMap::new(),
            next_id: 0,
            next_version: 0,
            sockets: BTreeMap::new(),
            tasks: BTreeMap::new(),
            task: 0,
            registrations: 0,
            carried_out: BTreeMap::new(),
            revoked: false,
            up: true,
            beat_at: None,
        }
    }

    /// A request of the application's that was carried out more than once.
    pub fn asked_twice(&self) -> Option<u64> {
        let twice = |(by, times): (&u64, &u32)| (*times > 1).then_some(*by);
        self.carried_out.iter().find_map(twice)
    }

    /// The subscriptions that a socket has.
    pub fn subscriptions(&self, link: u64) -> &[Registered] {
        self.sockets
            .get(&link)
            .map_or(&[], |socket| &socket.subscriptions)
    }

    pub fn accept(&mut self, now: Duration, link: u64) {
        let socket = Socket {
            auth: Auth::Awaited,
            subscriptions: Vec::new(),
            last_event: now,
            window: None,
            heard: true,
        };
        self.sockets.insert(link, socket);
        self.beat_at.get_or_insert(now + HEARTBEAT);
        self.later(now + AUTH_TIMEOUT, Task::AuthTimeout { link });
    }

    /// The socket is gone. What it was subscribing to is leaked, and nobody hears
    /// of it.
    pub fn drop_socket(&mut self, link: u64) {
        self.sockets.remove(&link);
    }

    /// Every request is answered, in no time, from now on.
    pub fn calm_down(&mut self) {
        self.setting.silent_one_in = 0;
        self.setting.slowness = Duration::from_millis(2);
    }

    pub fn stop(&mut self) {
        self.up = false;
        self.sockets.clear();
        self.tasks.clear();
        self.beat_at = None;
    }

    pub fn next_task(&self) -> Option<Duration> {
        let first = self.tasks.keys().next().map(|(at, _)| *at);
        first.into_iter().chain(self.beat_at).min()
    }

    fn later(&mut self, at: Duration, task: Task) {
        self.task += 1;
        self.tasks.insert((at, self.task), task);
    }

    /// A request's time: mostly short.
    fn latency(&mut self) -> Duration {
        let most = self.setting.slowness.as_micros() as u64;
        let part = self.rng.f64().powi(3);
        Duration::from_micros(200 + (most as f64 * part) as u64)
    }

    /// A frame has come.
    pub fn receive(&mut self, now: Duration, link: u64, text: &str, out: &mut Vec<Out>) {
        let message: Value = serde_json::from_str(text).expect("the client sends JSON");
        let kind = message["type"].as_str().unwrap_or_default().to_owned();
        let uid = message["uid"].clone();
        let Some(socket) = self.sockets.get_mut(&link) else {
            return;
        };
        let first = socket.auth == Auth::Awaited;
        if socket.auth == Auth::Checked {
            return;
        }
        if !first && self.is_over_the_limit(now, link, out) {
            return;
        }
        let Some(socket) = self.sockets.get_mut(&link) else {
            return;
        };
        if kind == "auth" {
            socket.auth = if first { Auth::Checked } else { socket.auth };
            return self.authenticate(now, link, &message);
        }
        socket.heard = true;
        if first {
            // It should have been `auth`.
            out.push(Out::Say(link, auth_failed(Value::Null)));
            self.sockets.remove(&link);
            return out.push(Out::Close(link));
        }
        let silent = self.setting.silent_one_in;
        if silent > 0 && kind != "ping" && self.rng.u32(0..silent) == 0 {
            return;
        }
        let at = now + self.latency();
        let task = match kind.as_str() {
            "ping" => Task::Answer {
                link,
                message: json!({"type": "pong", "uid": uid}),
            },
            "subscribe" => {
                let wire = uid.as_str().expect("a text").to_owned();
                let changes = message["event"].as_str().map(str::to_owned);
                match changes {
                    None => Task::ReadSnapshot { link, wire },
                    some => Task::Register {
                        link,
                        wire,
                        changes: some,
                        data: Value::Null,
                    },
                }
            }
            "unsubscribe" => Task::Unsubscribe { link, uid },
            "items" if message["action"] == "read" => Task::Read { link, uid },
            "items" => {
                let by = message["data"]["by"].as_u64().expect("a number");
                Task::CreateItem { link, uid, by }
            }
            _ => return,
        };
        self.later(at, task);
    }

    fn is_over_the_limit(&mut self, now: Duration, link: u64, out: &mut Vec<Out>) -> bool {
        let (Some((points, window)), Some(socket)) =
            (self.setting.rate_limit, self.sockets.get_mut(&link))
        else {
            return false;
        };
        let (began, used) = match socket.window {
            Some((began, used)) if now < began + window => (began, used + 1),
            _ => (now, 1),
        };
        socket.window = Some((began, used));
        if used <= points {
            return false;
        }
        let left = (began + window - now).as_millis();
        let message = format!("Too many messages, retry after {left}ms.");
        let error = json!({"type": "server", "status": "error",
            "error": {"code": "REQUESTS_EXCEEDED", "message": message}});
        out.push(Out::Say(link, error.to_string()));
        true
    }

    fn authenticate(&mut self, now: Duration, link: u64, message: &Value) {
        let login = message["access_token"].is_null();
        let token = message["access_token"].as_str().unwrap_or_default();
        let good = login || GOOD_TOKENS.contains(&token);
        let stall = Duration::from_millis(if login { 500 } else { 0 });
        let at = now + stall + self.latency();
        let uid = message["uid"].clone();
        self.later(
            at,
            Task::AuthAnswer {
                link,
                good,
                login,
                uid,
            },
        );
    }

    /// Does what is due, up to now.
    pub fn run(&mut self, now: Duration, out: &mut Vec<Out>) {
        if self.beat_at.is_some_and(|at| at <= now) {
            self.beat_at = Some(now + HEARTBEAT);
            self.beat(out);
        }
        while let Some(entry) = self.tasks.first_entry() {
            if entry.key().0 > now {
                break;
            }
            let task = entry.remove();
            self.perform(now, task, out);
        }
    }

    fn beat(&mut self, out: &mut Vec<Out>) {
        self.sockets.retain(|&link, socket| {
            if !std::mem::take(&mut socket.heard) {
                out.push(Out::Close(link));
                return false;
            }
            if socket.auth != Auth::Awaited {
                out.push(Out::Say(link, r#"{"type":"ping"}"#.to_owned()));
            }
            true
        });
    }
}
