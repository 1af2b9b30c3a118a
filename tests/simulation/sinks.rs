//! The callbacks of the application, and what they check.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};

use directus_realtime::error::Status;
use directus_realtime::handover::{
    EventSink, EventView, Registration, ReplySink, State, StateSink, TokenSink,
};
use serde_json::Value;

use crate::app::App;
use crate::mirror::{Mirror, Shared, Violations};
use crate::schedule::{Fate, MessageOptions, Reaction};
use crate::secrets;

/// The callback of a mirror. It is released when this is dropped.
pub struct Sink {
    pub mirror: Arc<Mirror>,
    pub app: Weak<App>,
}

impl Registration for Sink {}

impl EventSink for Sink {
    fn event(&self, event: &EventView<'_>) {
        let reaction = self.mirror.take(event);
        if let (Some(reaction), Some(app)) = (reaction, self.app.upgrade()) {
            app.react(reaction, Some(&self.mirror));
        }
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.mirror.release();
        if let Some((_, Reaction::SubscribeAgain)) = self.mirror.options.reaction {
            if let Some(app) = self.app.upgrade() {
                app.react(Reaction::Subscribe, None);
            }
        }
    }
}

/// The states that were reported (I5).
#[derive(Debug)]
pub struct Reported {
    pub last: State,
    pub message: String,
    /// How often each state was reported.
    pub times: [u64; 7],
}

impl Default for Reported {
    fn default() -> Reported {
        Reported {
            last: State::Idle,
            message: String::new(),
            times: [0; 7],
        }
    }
}

pub struct States {
    pub reported: Arc<Mutex<Reported>>,
    pub violations: Violations,
    /// The application, if its state callbacks make calls.
    pub app: Option<Weak<App>>,
}

impl Registration for States {}

impl StateSink for States {
    fn state(&self, state: State, status: Status, message: &str) {
        let times = {
            let mut reported = self.reported.lock().expect("no panic before");
            if !is_arrow(reported.last, state) {
                let text = format!("I5: from {:?} to {state:?} ({message})", reported.last);
                self.violations.add(text);
            }
            reported.last = state;
            reported.message = message.to_owned();
            reported.times[state as usize] += 1;
            reported.times[state as usize]
        };
        if secrets::is_in(message) {
            self.violations.add(format!("I9: {message}"));
        }
        let trouble = matches!(state, State::Backoff | State::Failed);
        if message.is_empty() || trouble && status == Status::Ok {
            let text = format!("I5: {state:?} without a reason: {status:?} {message:?}");
            self.violations.add(text);
        }
        let app = self.app.as_ref().and_then(Weak::upgrade);
        match (state, app) {
            (State::Connected, Some(app)) if times <= 3 => app.react(Reaction::Request, None),
            (State::Backoff, Some(app)) if times <= 2 => app.react(Reaction::Reconnect, None),
            _ => {}
        }
    }
}

fn is_arrow(from: State, to: State) -> bool {
    use State::{Authenticating, Backoff, Closed, Connected, Connecting, Failed, Idle};
    match (from, to) {
        _ if from == to => false,
        (Closed, _) => false,
        (_, Closed) => true,
        (Idle | Failed | Backoff, Connecting | Authenticating) => true,
        // Without credentials.
        (Idle, Failed) => true,
        (Backoff, Idle | Failed) | (Failed, Idle) => true,
        (Connecting, Authenticating | Connected | Backoff | Failed | Idle) => true,
        (Authenticating, Connecting | Connected | Backoff | Failed | Idle) => true,
        (Connected, Connecting | Authenticating | Backoff | Failed | Idle) => true,
        _ => false,
    }
}

/// A token callback.
pub struct Tokens(pub Weak<App>);

impl Registration for Tokens {}

impl TokenSink for Tokens {
    fn token_wanted(&self, _: Status) {
        if let Some(app) = self.0.upgrade() {
            app.token_wanted();
        }
    }
}

/// A custom message of the application, and how many replies it got.
pub struct TrackedMessage {
    pub number: u64,
    pub asked: MessageOptions,
    pub replies: AtomicUsize,
}

impl TrackedMessage {
    pub fn json(&self) -> String {
        let number = self.number;
        let uid = match self.asked.own_uid {
            true => format!(r#","uid":"mine-{number}""#),
            false => String::new(),
        };
        let fate = self.asked.fate;
        format!(
            r#"{{"type":"items","collection":"posts","action":"create","data":{{"by":{number},"fate":"{fate:?}"}}{uid}}}"#
        )
    }
}

/// A request's callback, which must run exactly once.
pub struct Reply {
    pub message: Arc<TrackedMessage>,
    pub shared: Shared,
    pub old_server: bool,
}

impl Registration for Reply {}

impl ReplySink for Reply {
    fn reply(&self, status: Status, json: &str, message: &str) {
        let TrackedMessage {
            number,
            asked,
            replies,
        } = &*self.message;
        if replies.fetch_add(1, Ordering::SeqCst) > 0 {
            let text = format!("I4: request {number} was answered twice");
            self.shared.violations.add(text);
        }
        self.shared
            .finished_requests
            .lock()
            .expect("no panic before")
            .push(*number);
        if secrets::is_in(json) || secrets::is_in(message) {
            let text = format!("I9: {json} {message}");
            self.shared.violations.add(text);
        }
        if message.is_empty() != (status == Status::Ok) {
            let text = format!("request {number} got {status:?} with the message {message:?}");
            self.shared.violations.add(text);
        }
        let wrong = match status {
            Status::Ok => self.answer(json).is_none() || asked.fate != Fate::Done,
            // An old server's errors have no uid, so a request may get another one's.
            Status::Server => {
                !self.old_server
                    && asked.fate == Fate::Done
                    && !self.shared.refusals.load(Ordering::SeqCst)
            }
            _ => !json.is_empty(),
        };
        if wrong {
            let text = format!("I2: request {number}, {asked:?}, got {status:?} {json}");
            self.shared.violations.add(text);
        }
    }
}

impl Reply {
    /// The answer, if it is that to this request.
    fn answer(&self, json: &str) -> Option<()> {
        let answer: Value = serde_json::from_str(json).ok()?;
        let number = self.message.number;
        let own = answer["uid"] == format!("mine-{number}");
        (answer["data"]["by"] == number && own == self.message.asked.own_uid).then_some(())
    }
}
