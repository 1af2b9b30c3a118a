//! Authentication of sockets, and its expiry.

use std::time::Duration;

use serde_json::{Value, json};

use super::tasks::Task;
use super::{AUTH_TIMEOUT, HEARTBEAT, Out, Server, Socket};
use crate::client::EPOCH;
use crate::schedule::Login;
use crate::secrets;

#[derive(Clone, Copy, PartialEq)]
pub enum Auth {
    Awaited,
    Checked,
    /// Valid until then; `None` = without end.
    Good(Option<Duration>),
    Expired {
        close_at: Duration,
    },
}

/// The result of checking credentials.
pub struct Checked {
    uid: Value,
    good: bool,
    /// When they expire, or how long they are valid.
    expires: Option<Duration>,
    lifetime: Option<Duration>,
    refreshable: bool,
}

impl Server {
    /// Accepts a link, or refuses its upgrade with a status.
    pub fn accept(&mut self, now: Duration, link: u64, token: Option<&str>) -> Result<(), u16> {
        if let Some((status, _)) = self.refuses_upgrades {
            return Err(status);
        }
        let auth = match self.setting.login {
            Login::Strict if !secrets::TOKENS.contains(&token.unwrap_or_default()) => {
                return Err(401);
            }
            Login::Strict | Login::Public => Auth::Good(None),
            _ => Auth::Awaited,
        };
        let socket = Socket {
            auth,
            subscriptions: Vec::new(),
            last_event: now,
            window: None,
            was_heard_from: true,
            swallowed: false,
            renewed_late: false,
        };
        self.sockets.insert(link, socket);
        self.beat_at.get_or_insert(now + HEARTBEAT);
        self.later(now + AUTH_TIMEOUT, Task::AuthTimeout { link });
        Ok(())
    }

    pub(super) fn authenticate(&mut self, now: Duration, link: u64, message: &Value) {
        let lifetime = self.setting.lifetime(self.faults_are_over);
        let mut checked = Checked {
            uid: message["uid"].clone(),
            good: true,
            expires: None,
            lifetime: None,
            refreshable: false,
        };
        let mut stall = Duration::ZERO;
        if let Some(token) = message["access_token"].as_str() {
            let expires = secrets::expiry(token).map(|at| at.saturating_sub(EPOCH));
            checked.expires = expires;
            checked.good = match expires {
                Some(at) => at > now,
                None => secrets::TOKENS.contains(&token),
            };
        } else if let Some(token) = message["refresh_token"].as_str() {
            // Valid for one use.
            checked.good = self.refresh_tokens.remove(token);
            (checked.lifetime, checked.refreshable) = (lifetime, true);
        } else {
            checked.good = message["password"] == secrets::PASSWORD;
            (checked.lifetime, checked.refreshable) = (lifetime, true);
            stall = Duration::from_millis(500);
        }
        let at = now + stall + self.latency();
        self.later(at, Task::AuthAnswer { link, checked });
    }

    pub(super) fn answer_auth(
        &mut self,
        now: Duration,
        link: u64,
        checked: Checked,
        out: &mut Vec<Out>,
    ) {
        let Some(socket) = self.sockets.get_mut(&link) else {
            return;
        };
        if !checked.good {
            let handshake = socket.auth == Auth::Checked;
            let uid = if handshake { Value::Null } else { checked.uid };
            out.push(Out::Send(link, auth_failed(uid)));
            self.sockets.remove(&link);
            return out.push(Out::Close(link));
        }
        let expires = checked
            .expires
            .or(checked.lifetime.map(|lifetime| now + lifetime));
        socket.renewed_late |= matches!(socket.auth, Auth::Expired { .. });
        socket.auth = Auth::Good(expires);
        let mut answer = json!({"type": "auth", "status": "ok", "uid": checked.uid});
        if checked.refreshable {
            self.refreshed += 1;
            let next = secrets::refresh_token(self.refreshed);
            answer["refresh_token"] = next.as_str().into();
            self.refresh_tokens.insert(next);
        }
        out.push(Out::Send(link, answer.to_string()));
        if let Some(at) = expires {
            self.later(at, Task::AuthExpires { link, at });
        }
    }

    pub(super) fn expire_auth(
        &mut self,
        now: Duration,
        link: u64,
        at: Duration,
        out: &mut Vec<Out>,
    ) {
        let close_at = now + AUTH_TIMEOUT;
        let Some(socket) = self.sockets.get_mut(&link) else {
            return;
        };
        if socket.auth == Auth::Good(Some(at)) {
            socket.auth = Auth::Expired { close_at };
            let error = json!({"type": "auth", "status": "error",
                "error": {"code": "TOKEN_EXPIRED", "message": "Token expired."}});
            out.push(Out::Send(link, error.to_string()));
            self.later(close_at, Task::AuthTimeout { link });
        }
    }

    pub(super) fn time_auth_out(&mut self, now: Duration, link: u64, out: &mut Vec<Out>) {
        let late = self.sockets.get(&link).is_some_and(|socket| {
            socket.auth == Auth::Awaited || socket.auth == Auth::Expired { close_at: now }
        });
        if late {
            let error = json!({"type": "auth", "status": "error",
                "error": {"code": "AUTH_TIMEOUT", "message": "Authentication timed out."}});
            out.push(Out::Send(link, error.to_string()));
            self.sockets.remove(&link);
            out.push(Out::Close(link));
        }
    }

    pub(super) fn may_read(&self, link: u64) -> bool {
        let known = |socket: &Socket| matches!(socket.auth, Auth::Good(_));
        let unchecked = self
            .sockets
            .get(&link)
            .is_some_and(|s| self.is_unchecked(s));
        let known = self.sockets.get(&link).is_some_and(known);
        unchecked || known && !self.shared.is_revoked()
    }

    /// Before 12.1.1, the server does not check what it sends on a socket after its token has
    /// expired, nor for a while after a late renewal.
    fn is_unchecked(&self, socket: &Socket) -> bool {
        let expired = matches!(socket.auth, Auth::Expired { .. });
        self.setting.old_server && (expired || socket.renewed_late)
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
