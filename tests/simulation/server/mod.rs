//! A model of the server, with its traps: what a Directus server was seen to do,
//! and nothing that it was not.
//!
//! Requests are handled at their own pace and overtake each other. A snapshot is
//! read before its subscription is registered; an unsubscribe that comes in between
//! finds nothing, and the subscription lives on. What comes between `auth` and its
//! answer is lost, and so is what is over the rate limit. A row is read when its
//! event is sent, or before: then the delete of the row overtakes the event. Whoever is not heard of for a whole heartbeat is dropped. What a
//! socket was subscribing to when it was dropped stays for ever.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use std::time::Duration;

use directus_realtime::protocol::wire_uid::WireUid;
use fastrand::Rng;
use serde_json::{Value, json};

use crate::mirror::Shared;
use crate::schedule::Setting;

mod auth;
mod store;
mod tasks;

use auth::{Auth, auth_failed};
use tasks::Task;

const HEARTBEAT: Duration = Duration::from_secs(30);
const AUTH_TIMEOUT: Duration = Duration::from_secs(10);
/// So many subscribes may be left behind by a link that was lost.
const MOST_LEAKED: usize = 8;

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
    /// The refresh tokens that are good, and how many there were.
    refresh_tokens: BTreeSet<String>,
    refreshed: u64,
    /// Subscriptions that nobody can end any more, by the link that left them.
    leaked: BTreeMap<u64, usize>,
    /// Messages were held up on the way, or dropped unnamed: what the client has given
    /// up, or asked for again, may yet come.
    pub late: bool,
    shared: Shared,
    pub up: bool,
    /// Everybody means well.
    well: bool,
    /// Upgrades are refused with this status, until then.
    pub turns_away: Option<(u16, Duration)>,
    beat_at: Option<Duration>,
}

struct Socket {
    auth: Auth,
    subscriptions: Vec<Registered>,
    /// When the last event went out: the next one comes later.
    last_event: Duration,
    window: Option<(Duration, u32)>,
    heard: bool,
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
    /// What it was told, folded.
    pub told: BTreeMap<u32, u64>,
}

impl Server {
    pub fn new(setting: Setting, seed: u64, shared: &Shared) -> Server {
        Server {
            rng: Rng::with_seed(seed),
            posts: BTreeMap::new(),
            next_id: 0,
            next_version: 0,
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
            well: false,
            turns_away: None,
            beat_at: None,
            setting,
        }
    }

    /// What the client has done to the server that it must not do.
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

    /// Subscribes and reads of snapshots that are under way.
    pub fn under_way(&self, link: u64) -> usize {
        let of = |task: &&Task| task.subscribes(link);
        self.tasks.values().filter(of).count()
    }

    /// Whether these are the links that it knows of.
    pub fn knows(&self, links: &[u64]) -> bool {
        self.sockets.keys().eq(links)
    }

    /// Nothing is under way, and nobody waits for what will not come.
    pub fn is_quiet(&self, links: &[u64]) -> bool {
        let good = |socket: &Socket| matches!(socket.auth, Auth::Good(_)) && !socket.swallowed;
        self.up
            && self.turns_away.is_none()
            && self.tasks.values().all(Task::is_a_timer)
            && self.sockets.values().all(good)
            && self.knows(links)
    }

    /// The subscriptions that a socket has.
    pub fn subscriptions(&self, link: u64) -> &[Registered] {
        self.sockets
            .get(&link)
            .map_or(&[], |socket| &socket.subscriptions)
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
        self.revoke(false);
        self.well = true;
        self.up = true;
        self.turns_away = None;
    }

    /// The client may not read any more, or it may again.
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

    /// Forgets what only the checks want to know.
    pub fn forget(&mut self) {
        self.carried_out.clear();
        self.leaked.clear();
        self.shared.journal.lock().clear();
        self.refresh_tokens.clear();
        self.posts.clear();
    }

    pub fn next_task(&self) -> Option<Duration> {
        let first = self.tasks.keys().next().map(|(at, _)| *at);
        let open = self.turns_away.map(|(_, until)| until);
        first.into_iter().chain(self.beat_at).chain(open).min()
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
                // The first one runs into the time-out.
                socket.auth = if first { Auth::Awaited } else { socket.auth };
            } else {
                self.authenticate(now, link, &message);
            };
        }
        socket.heard = true;
        if first {
            // It should have been `auth`.
            out.push(Out::Say(link, auth_failed(Value::Null)));
            self.sockets.remove(&link);
            return out.push(Out::Close(link));
        }
        if silent || message["data"]["fate"] == "Mute" {
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
        out.push(Out::Say(link, error.to_string()));
        true
    }

    /// Does what is due, up to now.
    pub fn run(&mut self, now: Duration, out: &mut Vec<Out>) {
        self.turns_away = self.turns_away.filter(|(_, until)| *until > now);
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

    /// Refuses what was asked for a subscription, or an application's request.
    fn refuse_question(&mut self, link: u64, kind: &str, uid: Value, out: &mut Vec<Out>) {
        let wire = uid.as_str().and_then(WireUid::parse);
        self.shared
            .refuse(wire.expect("a uid of the library's").slot);
        self.refuse(link, kind, uid, out);
    }

    /// Refuses for want of a permission.
    fn refuse(&mut self, link: u64, kind: &str, uid: Value, out: &mut Vec<Out>) {
        self.shared.refusals.store(true, Ordering::SeqCst);
        let message = "You don't have permission to access this.";
        self.say_error(link, kind, "FORBIDDEN", message, uid, out);
    }

    fn say_error(
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
        out.push(Out::Say(link, error.to_string()));
    }
}
