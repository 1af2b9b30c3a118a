//! Gives a session inputs in any order. Whatever the application, the network and the server do, it
//! does not panic, its states change only along the diagram, and its timers do not fire for ever
//! without effect.
#![no_main]

use std::collections::VecDeque;
use std::time::Duration;

use arbitrary::Arbitrary;
use directus_realtime::client::engine::{self, Engine};
use directus_realtime::error::Status;
use directus_realtime::handover::{
    DeliveryItem, DeliveryOptions, EventSink, EventView, Registration, State,
};
use directus_realtime::protocol::Frame;
use directus_realtime::secret::Secret;
use directus_realtime::session::{
    AuthMode, Config, Credentials, Effect, Loss, NewSubscription, Now, Session,
};
use directus_realtime::subscriptions::{SubId, SubscriptionSpec};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

#[derive(Arbitrary, Debug)]
enum Step {
    Connect,
    Disconnect,
    Reconnect,
    SetToken,
    Subscribe {
        uid: u8,
        exact: bool,
        events: u8,
        scoped: bool,
        persistent: bool,
    },
    Unsubscribe(u8),
    OpenScope,
    CloseScope,
    Opened,
    Lost {
        permanent: bool,
        unauthorized: bool,
    },
    /// The server answers the oldest message that it has not answered yet.
    Answer(Answer),
    /// The server drops that message.
    Drop,
    /// The server reports a change to the last subscriber.
    Change(u8),
    /// The server sends any text.
    Send(String),
    Wait(u16),
    CatchUp(u8),
    Malformed(u8),
    Overflow(u8),
}

#[derive(Arbitrary, Debug)]
enum Answer {
    Good,
    Refused,
    Anonymous,
    RateLimited,
    TokenExpired,
    Twice,
}

struct NullSink;

impl Registration for NullSink {}

impl EventSink for NullSink {
    fn event(&self, _: &EventView<'_>) {}
}

struct World {
    engine: Engine,
    now: Duration,
    link: u64,
    pending: VecDeque<Value>,
    subscriber: Value,
    ids: Vec<(SubId, u32)>,
    state: State,
}

impl World {
    fn now(&self) -> Now {
        Now {
            mono: self.now,
            wall: Duration::from_secs(1_800_000_000) + self.now,
        }
    }

    fn settle(&mut self) {
        let now = self.now();
        let mut released = Vec::new();
        let deliver = |items: &mut Vec<DeliveryItem>| {
            for item in items.drain(..) {
                match item {
                    DeliveryItem::State { state, message, .. } => {
                        assert!(is_arrow(self.state, state), "{:?} to {state:?}", self.state);
                        assert!(!message.contains("s3cret"), "{message}");
                        self.state = state;
                    }
                    DeliveryItem::Release { slot } => {
                        self.ids.retain(|&(_, of)| of != slot);
                        released.push(slot);
                    }
                    _ => {}
                }
            }
            Vec::new()
        };
        let carry_out = |effect| match effect {
            Effect::Open { link, .. } => {
                self.link = link;
                self.pending.clear();
            }
            Effect::Send { link, text } => {
                let message = serde_json::from_str(&text).expect("what is sent is JSON");
                if link == self.link {
                    self.pending.push_back(message);
                }
            }
            Effect::Log(_, line) => assert!(!line.contains("s3cret"), "{line}"),
            Effect::Close(_) | Effect::Abort(_) | Effect::End(_) => {}
        };
        engine::step(&mut self.engine, now, |_, _| (), deliver, carry_out);
        for slot in released {
            self.engine.session.released(slot);
        }
    }

    fn say(&mut self, message: &Value) {
        self.say_text(message.to_string());
    }

    fn say_text(&mut self, text: String) {
        let (now, link) = (self.now(), self.link);
        self.engine.session
            .on_frames(now, link, &mut vec![Frame::from(text)]);
    }

    fn answer(&mut self, answer: &Answer) {
        let Some(message) = self.pending.pop_front() else {
            return;
        };
        let (kind, uid) = (
            message["type"].as_str().unwrap_or_default(),
            &message["uid"],
        );
        let error = |code: &str, text: &str| {
            json!({"type": kind, "status": "error", "uid": uid,
                   "error": {"code": code, "message": text}})
        };
        let good = match kind {
            "auth" => json!({"type": "auth", "status": "ok", "uid": uid}),
            "ping" => json!({"type": "pong", "uid": uid}),
            "subscribe" => {
                self.subscriber = uid.clone();
                json!({"type": "subscription", "event": "init", "data": [{"id": 1}], "uid": uid})
            }
            "unsubscribe" => json!({"type": "subscription", "event": "unsubscribe", "uid": uid}),
            _ => json!({"type": "items", "data": [{"id": 1}, {"id": 2}], "uid": uid}),
        };
        let said = match answer {
            Answer::Good | Answer::Twice => good,
            Answer::Refused => error("FORBIDDEN", "You don't have permission to access this."),
            Answer::Anonymous => json!({"type": kind, "status": "error",
                "error": {"code": "INVALID_PAYLOAD", "message": "Invalid payload."}}),
            Answer::RateLimited => json!({"type": "server", "status": "error",
                "error": {"code": "REQUESTS_EXCEEDED", "message": "Too many requests, retry after 500ms."}}),
            Answer::TokenExpired => json!({"type": "auth", "status": "error",
                "error": {"code": "TOKEN_EXPIRED", "message": "Token expired."}}),
        };
        self.say(&said);
        if matches!(answer, Answer::Twice) {
            self.say(&said);
        }
    }

    fn id(&self, n: u8) -> Option<(SubId, u32)> {
        self.ids
            .get(usize::from(n) % self.ids.len().max(1))
            .copied()
    }

    fn step(&mut self, step: Step, scopes: &mut Vec<directus_realtime::subscriptions::ScopeId>) {
        let now = self.now();
        match step {
            Step::Connect => drop(self.engine.session.connect(now)),
            Step::Disconnect => drop(self.engine.session.disconnect(now)),
            Step::Reconnect => drop(self.engine.session.reconnect(now)),
            Step::SetToken => drop(self.engine.session.set_token(now, Secret::new("s3cret-2"))),
            Step::Subscribe {
                uid,
                exact,
                events,
                scoped,
                persistent,
            } => {
                let new = NewSubscription {
                    uid: (uid < 200).then(|| format!("u{}", uid % 12)),
                    collection: "posts".into(),
                    spec: SubscriptionSpec {
                        query: None,
                        events: u32::from(events % 7) + 1,
                        persistent,
                        exact,
                    settle: None,
                    },
                    delivery: DeliveryOptions {
                        primary_key: "id".into(),
                        ..DeliveryOptions::default()
                    },
                    scope: scopes.last().copied().filter(|_| scoped),
                    tag: 0,
                    sink: Box::new(NullSink),
                };
                let id = self.engine.session.reserve_subscription();
                let _ = self.engine.session.subscribe(now, id, new);
                let known = |subscription: &directus_realtime::subscriptions::Subscription| {
                    (subscription.id(), subscription.meta().slot)
                };
                self.ids = self.engine.session.registry().iter().map(known).collect();
            }
            Step::Unsubscribe(n) => {
                if let Some((id, _)) = self.id(n) {
                    self.engine.session.unsubscribe(now, id);
                }
            }
            Step::OpenScope => scopes.extend(self.engine.session.open_scope().ok()),
            Step::CloseScope => {
                if let Some(scope) = scopes.pop() {
                    let _ = self.engine.session.close_scope(now, scope);
                }
            }
            Step::Opened => self.engine.session.on_opened(now, self.link),
            Step::Lost {
                permanent,
                unauthorized,
            } => {
                let loss = Loss {
                    permanent,
                    unauthorized,
                    ..Loss::new(Status::Io, "lost")
                };
                self.engine.session.on_lost(now, self.link, loss);
            }
            Step::Answer(answer) => self.answer(&answer),
            Step::Drop => drop(self.pending.pop_front()),
            Step::Change(n) => {
                let event = ["create", "update", "delete"][usize::from(n) % 3];
                let data = if event == "delete" {
                    json!(["1"])
                } else {
                    json!([{"id": n}])
                };
                self.say(
                    &json!({"type": "subscription", "event": event, "data": data,
                                 "uid": self.subscriber.clone()}),
                );
            }
            Step::Send(text) => self.say_text(text),
            Step::Wait(milliseconds) => self.wait(Duration::from_millis(u64::from(milliseconds))),
            Step::CatchUp(n) => {
                if let Some((_, slot)) = self.id(n) {
                    self.engine.session.on_caught_up(now, slot, u32::from(n));
                }
            }
            Step::Malformed(n) => {
                if let Some((_, slot)) = self.id(n) {
                    self.engine.session.on_malformed(now, slot, u32::from(n % 4));
                }
            }
            Step::Overflow(n) => {
                if let Some((_, slot)) = self.id(n) {
                    self.engine.session.on_overflow(slot, u32::from(n % 4));
                }
            }
        }
        self.settle();
    }

    /// Time passes, and alarms go off where they should.
    fn wait(&mut self, time: Duration) {
        let end = self.now + time;
        let mut in_vain = 0;
        loop {
            let now = self.now();
            let Some(next) = self.engine.next_deadline(now).filter(|&next| next <= end) else {
                break;
            };
            in_vain = if next <= self.now { in_vain + 1 } else { 0 };
            assert!(
                in_vain < 50,
                "an alarm goes off again and again at {:?}",
                self.now
            );
            self.now = self.now.max(next);
            let now = self.now();
            self.engine.on_timer(now);
            self.settle();
        }
        self.now = end;
    }
}

fn is_arrow(from: State, to: State) -> bool {
    use State::{Authenticating, Backoff, Closed, Connected, Connecting, Failed, Idle};
    match (from, to) {
        (Closed, _) => false,
        (_, Closed | Idle | Failed | Connecting) => true,
        (Connecting, Authenticating | Connected | Backoff) => true,
        (Authenticating, Connected | Backoff) => true,
        (Connected, Authenticating | Backoff) => true,
        _ => false,
    }
}

fuzz_target!(|input: (u8, Vec<Step>)| {
    let (mode, steps) = input;
    let credentials = Credentials {
        mode: [AuthMode::Handshake, AuthMode::Public, AuthMode::Strict][usize::from(mode) % 3],
        access_token: (mode & 4 == 0).then(|| Secret::new("s3cret")),
        email: (mode & 8 != 0).then(|| "a@b.c".into()),
        password: (mode & 8 != 0).then(|| Secret::new("s3cret-p")),
        refresh_token: (mode & 16 != 0).then(|| Secret::new("s3cret-r")),
    };
    let session = Session::new(Config {
        credentials,
        endpoints: vec!["ws://a/websocket".into(), "ws://b/websocket".into()],
        ack_timeout: Duration::from_secs(10),
        heartbeat: Duration::from_secs(25),
        reconnect_min: Duration::from_millis(250),
        reconnect_max: Duration::from_secs(30),
        reconnect_attempts: u32::from(mode >> 6),
        queue_bytes: 10_000,
        send_queue_bytes: 1_000,
        seed: 1,
    });
    let mut world = World {
        engine: Engine::new(session),
        now: Duration::ZERO,
        link: 0,
        pending: VecDeque::new(),
        subscriber: Value::Null,
        ids: Vec::new(),
        state: State::Idle,
    };
    let mut scopes = Vec::new();
    for step in steps {
        world.step(step, &mut scopes);
    }
    world.wait(Duration::from_secs(120));
});
