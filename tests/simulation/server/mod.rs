//! A model of the server with its traps: only what a real Directus server was seen to do.
//!
//! Requests are handled concurrently and overtake each other. A snapshot is read before
//! its subscription is registered; an unsubscribe that comes in between finds nothing, and
//! the subscription stays. Messages between `auth` and its reply are lost, and so are
//! those over the rate limit. A row is read when its event is sent, or before: then the
//! delete of the row overtakes the event. A socket that is silent for a whole heartbeat is
//! dropped. Subscribes in flight when their socket is dropped stay registered for ever.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use std::time::Duration;

use directus_realtime::protocol::wire_uid::WireUid;
use fastrand::Rng;
use serde_json::{Value, json};

use crate::mirror::Shared;
use crate::schedule::Setting;

mod auth;
pub mod live;
mod store;
mod tasks;

use auth::{Auth, auth_failed};
use live::LiveQuery;
use tasks::Task;

const HEARTBEAT: Duration = Duration::from_secs(30);
const AUTH_TIMEOUT: Duration = Duration::from_secs(10);
/// How many subscribes a lost link may leave behind.
const MOST_LEAKED: usize = 8;

/// What the server does with a socket.
pub enum Out {
    Send(u64, String),
    Close(u64),
}

pub struct Server {
    rng: Rng,
    setting: Setting,
    pub posts: BTreeMap<u32, u64>,
    next_id: u32,
    next_version: u64,
    /// Items whose stale updates or late creates are still to come; none is deleted before.
    in_array: BTreeMap<u32, Duration>,
    /// Items of imports, of whose creation live collections are not told.
    untold: BTreeSet<u32>,
    sockets: BTreeMap<u64, Socket>,
    tasks: BTreeMap<(Duration, u64), Task>,
    task: u64,
    registrations: u64,
    carried_out: BTreeMap<u64, u32>,
    /// The valid refresh tokens, and how many were issued.
    refresh_tokens: BTreeSet<String>,
    refreshed: u64,
    /// How many subscriptions each dropped link has left behind, which cannot be ended.
    leaked: BTreeMap<u64, usize>,
    /// Messages were delayed, or dropped by the rate limiter, so requests that the client has
    /// abandoned or repeated may still arrive.
    pub late: bool,
    shared: Shared,
    pub up: bool,
    /// The faults are over.
    faults_are_over: bool,
    /// Upgrades are refused with this status until this time.
    pub refuses_upgrades: Option<(u16, Duration)>,
    beat_at: Option<Duration>,
}

struct Socket {
    auth: Auth,
    subscriptions: Vec<Registered>,
    /// When the last event was sent: the next one is sent later.
    last_event: Duration,
    window: Option<(Duration, u32)>,
    was_heard_from: bool,
    /// A message was never answered.
    swallowed: bool,
    /// The authentication was renewed after the token had expired.
    renewed_late: bool,
}

pub struct Registered {
    pub wire: String,
    pub number: u64,
    changes: Option<String>,
    item: Option<u32>,
    /// The query, where a live collection has subscribed.
    pub live: Option<LiveQuery>,
    since: Duration,
    /// The events that were sent, folded.
    pub sent_rows: BTreeMap<u32, u64>,
}

impl Server {
    pub fn new(setting: Setting, seed: u64, shared: &Shared) -> Server {
        Server {
            rng: Rng::with_seed(seed),
            posts: BTreeMap::new(),
            next_id: 0,
            next_version: 0,
            in_array: BTreeMap::new(),
            untold: BTreeSet::new(),
            sockets: BTreeMap::new(),
            tasks: BTreeMap::new(),
            task: 0,
            registrations: 0,
            carried_out: BTreeMap::new(),
            refresh_tokens: BTreeSet::from([crate::secrets::refresh_token(0)]),
            refreshed: 0,
            leaked: BTreeMap::new(),
            late: setting.rate_limit.is_some(),
            shared: shared.clone(),
            up: true,
            faults_are_over: false,
            refuses_upgrades: None,
            beat_at: None,
            setting,
        }
    }

    /// A violation by the client that the server notices.
    pub fn fault(&self) -> Option<String> {
        let twice = self.carried_out.iter().find(|(_, times)| **times > 1);
        if let Some((by, _)) = twice {
            return Some(format!("I2: message {by} was carried out twice"));
        }
        let mut leaks = self.leaked.iter().filter(|_| !self.late);
        let (link, count) = leaks.find(|(_, n)| **n > MOST_LEAKED)?;
        Some(format!(
            "I8: link {link} has left {count} subscribes behind"
        ))
    }

    /// How many subscribes of a link are in flight.
    pub fn under_way(&self, link: u64) -> usize {
        let of = |task: &&Task| task.subscribes(link);
        self.tasks.values().filter(of).count()
    }

    /// Whether exactly these links are open at the server.
    pub fn knows(&self, links: &[u64]) -> bool {
        self.sockets.keys().eq(links)
    }

    /// Whether nothing is in flight, and no request was left unanswered.
    pub fn is_quiet(&self, links: &[u64]) -> bool {
        let good = |socket: &Socket| matches!(socket.auth, Auth::Good(_)) && !socket.swallowed;
        self.up
            && self.refuses_upgrades.is_none()
            && self.tasks.values().all(Task::is_a_timer)
            && self.sockets.values().all(good)
            && self.knows(links)
    }

    /// The subscriptions of a socket.
    pub fn subscriptions(&self, link: u64) -> &[Registered] {
        self.sockets
            .get(&link)
            .map_or(&[], |socket| &socket.subscriptions)
    }

    /// The socket is gone. Its subscribes in flight will leak.
    pub fn drop_socket(&mut self, link: u64) {
        self.sockets.remove(&link);
    }

    /// From now on every request is answered quickly.
    pub fn end_faults(&mut self) {
        self.setting.silent_one_in = 0;
        self.setting.slowness = Duration::from_millis(2);
        self.revoke(false);
        self.faults_are_over = true;
        self.up = true;
        self.refuses_upgrades = None;
    }

    /// Takes the client's permission to read, or grants it again.
    pub fn revoke(&mut self, revoked: bool) {
        self.shared.revoked.store(revoked, Ordering::SeqCst);
    }

    pub fn stop(&mut self) {
        self.up = false;
        self.sockets.clear();
        self.tasks.clear();
        self.leaked.clear();
        self.beat_at = None;
    }

    /// Drops the records that only the checks use.
    pub fn forget(&mut self) {
        self.carried_out.clear();
        self.leaked.clear();
        self.shared.journal.lock().clear();
        self.refresh_tokens.clear();
        self.posts.clear();
        self.in_array.clear();
        self.untold.clear();
    }

    pub fn next_task(&self) -> Option<Duration> {
        let first = self.tasks.keys().next().map(|(at, _)| *at);
        let open = self.refuses_upgrades.map(|(_, until)| until);
        first.into_iter().chain(self.beat_at).chain(open).min()
    }

    fn later(&mut self, at: Duration, task: Task) {
        self.task += 1;
        self.tasks.insert((at, self.task), task);
    }

    /// The time that a request takes: mostly short.
    fn latency(&mut self) -> Duration {
        let most = self.setting.slowness.as_micros() as u64;
        let part = self.rng.f64().powi(3);
        Duration::from_micros(200 + (most as f64 * part) as u64)
    }

    /// Receives a frame.
    pub fn receive(&mut self, now: Duration, link: u64, text: &str, out: &mut Vec<Out>) {
        let message: Value = serde_json::from_str(text).expect("the client sends JSON");
        let kind = message["type"].as_str().unwrap_or_default().to_owned();
        let Some(socket) = self.sockets.get_mut(&link) else {
            return;
        };
        let first = socket.auth == Auth::Awaited;
        if socket.auth == Auth::Checked {
            socket.swallowed = true;
            return;
        }
        if !first && self.is_over_the_limit(now, link, out) {
            return;
        }
        let silent = self.setting.silent_one_in;
        let silent = silent > 0 && kind != "ping" && self.rng.u32(0..silent) == 0;
        let Some(socket) = self.sockets.get_mut(&link) else {
            return;
        };
        if kind == "auth" {
            socket.auth = if first { Auth::Checked } else { socket.auth };
            socket.swallowed |= silent;
            return if silent {
                // An unanswered handshake ends by the timeout.
                socket.auth = if first { Auth::Awaited } else { socket.auth };
            } else {
                self.authenticate(now, link, &message);
            };
        }
        socket.was_heard_from = true;
        if first {
            // The first message must be `auth`.
            out.push(Out::Send(link, auth_failed(Value::Null)));
            self.sockets.remove(&link);
            return out.push(Out::Close(link));
        }
        if silent || message["data"]["fate"] == "Unanswered" {
            socket.swallowed = true;
            return;
        }
        if let Some(task) = Task::of(link, &kind, &message) {
            let at = now + self.latency();
            self.later(at, task);
        }
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
        socket.swallowed = true;
        let left = (began + window - now).as_millis();
        let message = format!("Too many messages, retry after {left}ms.");
        let error = json!({"type": "server", "status": "error",
            "error": {"code": "REQUESTS_EXCEEDED", "message": message}});
        out.push(Out::Send(link, error.to_string()));
        true
    }

    /// Carries out the tasks that are due.
    pub fn run(&mut self, now: Duration, out: &mut Vec<Out>) {
        self.refuses_upgrades = self.refuses_upgrades.filter(|(_, until)| *until > now);
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
            if !std::mem::take(&mut socket.was_heard_from) {
                out.push(Out::Close(link));
                return false;
            }
            if socket.auth != Auth::Awaited {
                out.push(Out::Send(link, r#"{"type":"ping"}"#.to_owned()));
            }
            true
        });
    }

    /// Refuses a subscribe or a read, and records the slot.
    fn refuse_subscription_or_read(
        &mut self,
        link: u64,
        kind: &str,
        uid: Value,
        out: &mut Vec<Out>,
    ) {
        let wire = uid.as_str().and_then(WireUid::parse);
        self.shared.refuse(wire.expect("a uid of the library").slot);
        self.refuse(link, kind, uid, out);
    }

    /// Refuses with FORBIDDEN.
    fn refuse(&mut self, link: u64, kind: &str, uid: Value, out: &mut Vec<Out>) {
        self.shared.refusals.store(true, Ordering::SeqCst);
        let message = "You don't have permission to access this.";
        self.send_error(link, kind, "FORBIDDEN", message, uid, out);
    }

    fn send_error(
        &mut self,
        link: u64,
        kind: &str,
        code: &str,
        message: &str,
        uid: Value,
        out: &mut Vec<Out>,
    ) {
        if !self.sockets.contains_key(&link) {
            return;
        }
        let mut error = json!({"type": kind, "status": "error",
            "error": {"code": code, "message": message}});
        if !self.setting.old_server {
            error["uid"] = uid;
        }
        out.push(Out::Send(link, error.to_string()));
    }
}
