//! What the server does in its own time.

use std::time::Duration;

use serde_json::{Value, json};

use super::{AUTH_TIMEOUT, Auth, Out, Registered, Server, Socket};

pub enum Task {
    AuthAnswer {
        link: u64,
        good: bool,
        login: bool,
        uid: Value,
    },
    AuthExpires {
        link: u64,
    },
    AuthTimeout {
        link: u64,
    },
    ReadSnapshot {
        link: u64,
        wire: String,
    },
    Register {
        link: u64,
        wire: String,
        changes: Option<String>,
        data: Value,
    },
    Unsubscribe {
        link: u64,
        uid: Value,
    },
    Read {
        link: u64,
        uid: Value,
    },
    CreateItem {
        link: u64,
        uid: Value,
        /// Which of the application's requests.
        by: u64,
    },
    Answer {
        link: u64,
        message: Value,
    },
    Emit {
        link: u64,
        wire: String,
        number: u64,
        change: Change,
    },
}

#[derive(Clone, Copy)]
pub enum Change {
    Create(u32),
    Update(u32),
    Delete { id: u32, by_url: bool },
}

impl Server {
    pub(super) fn perform(&mut self, now: Duration, task: Task, out: &mut Vec<Out>) {
        match task {
            Task::AuthAnswer {
                link,
                good,
                login,
                uid,
            } => {
                self.answer_auth(now, link, good, login, uid, out);
            }
            Task::AuthExpires { link } => {
                let close_at = now + AUTH_TIMEOUT;
                if let Some(socket) = self.sockets.get_mut(&link) {
                    if socket.auth == Auth::Good(Some(now)) {
                        socket.auth = Auth::Expired { close_at };
                        let error = json!({"type": "auth", "status": "error",
                            "error": {"code": "TOKEN_EXPIRED", "message": "Token expired."}});
                        out.push(Out::Say(link, error.to_string()));
                        self.later(close_at, Task::AuthTimeout { link });
                    }
                }
            }
            Task::AuthTimeout { link } => {
                let late = self.sockets.get(&link).is_some_and(|socket| {
                    socket.auth == Auth::Awaited || socket.auth == Auth::Expired { close_at: now }
                });
                if late {
                    let error = json!({"type": "auth", "status": "error",
                        "error": {"code": "AUTH_TIMEOUT", "message": "Authentication timed out."}});
                    out.push(Out::Say(link, error.to_string()));
                    self.sockets.remove(&link);
                    out.push(Out::Close(link));
                }
            }
            Task::ReadSnapshot { link, wire } => {
                if !self.may_read(link) {
                    return self.refuse(link, "subscribe", Value::String(wire), out);
                }
                let data = self.snapshot();
                let at = now + self.latency();
                self.later(
                    at,
                    Task::Register {
                        link,
                        wire,
                        changes: None,
                        data,
                    },
                );
            }
            Task::Register {
                link,
                wire,
                changes,
                data,
            } => {
                self.registrations += 1;
                let number = self.registrations;
                if let Some(socket) = self.sockets.get_mut(&link) {
                    let mut init = json!({"type": "subscription", "event": "init", "uid": wire});
                    if changes.is_none() {
                        init["data"] = data;
                    }
                    socket.subscriptions.push(Registered {
                        wire,
                        number,
                        changes,
                    });
                    out.push(Out::Say(link, init.to_string()));
                }
            }
            Task::Unsubscribe { link, uid } => {
                if let Some(socket) = self.sockets.get_mut(&link) {
                    let mine = |s: &Registered| Some(s.wire.as_str()) == uid.as_str();
                    if let Some(at) = socket.subscriptions.iter().position(mine) {
                        socket.subscriptions.remove(at);
                    }
                    let answer =
                        json!({"type": "subscription", "event": "unsubscribe", "uid": uid});
                    out.push(Out::Say(link, answer.to_string()));
                }
            }
            Task::Read { link, uid } => {
                if !self.may_read(link) {
                    return self.refuse(link, "items", uid, out);
                }
                let message = json!({"type": "items", "data": self.snapshot(), "uid": uid});
                let at = now + self.latency();
                self.later(at, Task::Answer { link, message });
            }
            Task::CreateItem { link, uid, by } => {
                if !self.may_read(link) {
                    return self.refuse(link, "items", uid, out);
                }
                *self.carried_out.entry(by).or_default() += 1;
                self.create(now);
                let message = json!({"type": "items", "data": {"id": self.next_id}, "uid": uid});
                let at = now + self.latency();
                self.later(at, Task::Answer { link, message });
            }
            Task::Answer { link, message } => out.push(Out::Say(link, message.to_string())),
            Task::Emit {
                link,
                wire,
                number,
                change,
            } => {
                self.send_event(link, &wire, number, change, out);
            }
        }
    }

    fn answer_auth(
        &mut self,
        now: Duration,
        link: u64,
        good: bool,
        login: bool,
        uid: Value,
        out: &mut Vec<Out>,
    ) {
        let Some(socket) = self.sockets.get_mut(&link) else {
            return;
        };
        if !good {
            let handshake = socket.auth == Auth::Checked;
            let uid = if handshake { Value::Null } else { uid };
            out.push(Out::Say(link, auth_failed(uid)));
            self.sockets.remove(&link);
            return out.push(Out::Close(link));
        }
        let lifetime = self.setting.login_lifetime.filter(|_| login);
        let expires = lifetime.map(|lifetime| now + lifetime);
        socket.auth = Auth::Good(expires);
        let mut answer = json!({"type": "auth", "status": "ok", "uid": uid});
        if login {
            answer["refresh_token"] = "s3cret-refresh".into();
        }
        out.push(Out::Say(link, answer.to_string()));
        if let Some(at) = expires {
            self.later(at, Task::AuthExpires { link });
        }
    }

    fn may_read(&self, link: u64) -> bool {
        let known = |socket: &Socket| matches!(socket.auth, Auth::Good(_));
        !self.revoked && self.sockets.get(&link).is_some_and(known)
    }

    fn refuse(&mut self, link: u64, kind: &str, uid: Value, out: &mut Vec<Out>) {
        if !self.sockets.contains_key(&link) {
            return;
        }
        let mut error = json!({"type": kind, "status": "error", "error": {"code": "FORBIDDEN",
            "message": "You don't have permission to access this."}});
        if !self.setting.old_server {
            error["uid"] = uid;
        }
        out.push(Out::Say(link, error.to_string()));
    }

    fn send_event(
        &mut self,
        link: u64,
        wire: &str,
        number: u64,
        change: Change,
        out: &mut Vec<Out>,
    ) {
        let lives = |s: &Registered| s.number == number;
        if !self.subscriptions(link).iter().any(lives) {
            return;
        }
        let (name, data) = match change {
            Change::Delete { id, by_url: true } => ("delete", json!([id.to_string()])),
            Change::Delete { id, .. } => ("delete", json!([id])),
            Change::Create(id) | Change::Update(id) => {
                if !self.may_read(link) {
                    return self.refuse(link, "subscribe", wire.into(), out);
                }
                let Some(version) = self.posts.get(&id) else {
                    return;
                };
                let created = matches!(change, Change::Create(_));
                let name = if created { "create" } else { "update" };
                (name, json!([{"id": id, "v": version, "r": number}]))
            }
        };
        // As the server writes it, member by member.
        let text =
            format!(r#"{{"type":"subscription","event":"{name}","data":{data},"uid":"{wire}"}}"#);
        out.push(Out::Say(link, text));
    }
}

pub fn auth_failed(uid: Value) -> String {
    let mut error = json!({"type": "auth", "status": "error", "error": {"code": "AUTH_FAILED",
        "message": "Authentication handshake failed."}});
    if !uid.is_null() {
        error["uid"] = uid;
    }
    error.to_string()
}
