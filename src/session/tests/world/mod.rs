//! A session, a clock, and what went out.

mod commands;
mod messages;

use std::collections::VecDeque;
use std::time::Duration;

use serde_json::{Value, json};

use crate::client::engine::{self, Engine};
use crate::error::Status;
use crate::handover::{
    DeliveryItem, DeliveryOptions, EventKind, EventSink, EventView, Registration, ReplySink, State,
    TokenSink,
};
use crate::log::Level;
use crate::protocol::Frame;
use crate::protocol::outgoing::{CustomMessage, query_for_item};
use crate::secret::Secret;
use crate::session::{
    Config, Credentials, Effect, LinkId, Loss, NewSubscription, Now, Session, SubStatus, Subscribed,
};
use crate::subscriptions::spec::ON_ALL;
use crate::subscriptions::{SubId, SubscriptionSpec};

pub use self::messages::*;

/// A request that must not be carried out twice.
pub const CREATE: &str = r#"{"type":"items","action":"create","collection":"posts","data":{}}"#;

struct Nobody;

impl Registration for Nobody {}

impl EventSink for Nobody {
    fn event(&self, _: &EventView<'_>) {}
}

struct TokenCallback;

impl Registration for TokenCallback {}

impl TokenSink for TokenCallback {
    fn token_wanted(&self, _: Status) {}
}

pub struct NoReply;

impl Registration for NoReply {}

impl ReplySink for NoReply {
    fn reply(&self, _: Status, _: &str, _: &str) {}
}

/// An event that went to the application: slot, kind, flags, data.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    pub slot: u32,
    pub kind: EventKind,
    pub flags: u32,
    pub data: Value,
}

pub struct World {
    pub engine: Engine,
    pub now: Now,
    /// What the server would have received and has not been asked for yet.
    pub sent: VecDeque<Value>,
    pub opened: Vec<LinkId>,
    pub closed: Vec<LinkId>,
    pub told: Vec<Told>,
    pub states: Vec<(State, Status, String)>,
    pub replies: Vec<(Status, String)>,
    /// The sentences of the replies.
    pub reply_messages: Vec<String>,
    pub tokens_wanted: Vec<Status>,
    /// The token callback does not return by itself.
    pub token_callback_is_slow: bool,
    /// Warnings of the log.
    pub warnings: Vec<String>,
}

pub fn config() -> Config {
    Config {
        credentials: Credentials {
            access_token: Some(Secret::new("token")),
            ..Credentials::default()
        },
        endpoints: vec!["ws://a/websocket".into()],
        ack_timeout: Duration::from_secs(10),
        heartbeat: Duration::from_secs(25),
        reconnect_min: Duration::from_millis(250),
        reconnect_max: Duration::from_secs(30),
        reconnect_attempts: 0,
        queue_bytes: 10_000,
        send_queue_bytes: 0,
        seed: 1,
    }
}

/// Whether a message is one for that subscription.
pub fn is_of(message: &Value, id: SubId) -> bool {
    let uid = message["uid"].as_str();
    uid.is_some_and(|uid| uid.starts_with(&format!("{:x}.", id.slot())))
}

/// Not connected yet.
pub fn with(credentials: Credentials) -> World {
    World::new(Config {
        credentials,
        ..config()
    })
}

pub fn spec() -> SubscriptionSpec {
    SubscriptionSpec {
        query: None,
        events: ON_ALL,
        persistent: false,
        exact: true,
        settle: None,
    }
}

/// A subscription that needs no read.
pub fn server_snapshot() -> SubscriptionSpec {
    SubscriptionSpec {
        exact: false,
        ..spec()
    }
}

impl World {
    pub fn new(config: Config) -> World {
        World {
            engine: Engine::new(Session::new(config)),
            now: Now {
                mono: Duration::ZERO,
                wall: Duration::from_secs(1_800_000_000),
            },
            sent: VecDeque::new(),
            opened: Vec::new(),
            closed: Vec::new(),
            told: Vec::new(),
            states: Vec::new(),
            replies: Vec::new(),
            reply_messages: Vec::new(),
            tokens_wanted: Vec::new(),
            token_callback_is_slow: false,
            warnings: Vec::new(),
        }
    }

    /// Connected, with nothing subscribed.
    pub fn connected() -> World {
        let mut world = World::new(config());
        world.connect();
        world
    }

    /// Connected by email and password; the next token for it is `r1`.
    pub fn logged_in() -> World {
        let mut world = World::new(Config {
            credentials: Credentials {
                email: Some("e@example.com".into()),
                password: Some(Secret::new("p")),
                ..Credentials::default()
            },
            ..config()
        });
        world.dial();
        world.next();
        world.say(json!({"type": "auth", "status": "ok", "refresh_token": "r1"}));
        world
    }

    /// One subscription is live, and one to that collection is to be sent, or was.
    pub fn with_one_live(collection: &str) -> (World, SubId) {
        let mut world = World::connected();
        world.active(server_snapshot());
        let id = world.subscribe_to(collection, server_snapshot());
        (world, id)
    }

    /// Told to connect, and the link is open.
    pub fn dial(&mut self) {
        self.engine.session.connect(self.now).unwrap();
        self.settle();
        self.open();
    }

    /// The login expires after 20 s, the first time without warning; `used` is shown for
    /// it on the next link and brings `next`, which is being shown ahead of the second
    /// expiry, on that same link: the frame.
    pub fn expire_and_renew(&mut self, used: &str, next: &str) -> Value {
        self.advance(Duration::from_secs(20));
        self.say(expired());
        self.open();
        assert_eq!(self.next()["refresh_token"], used);
        self.say(json!({"type": "auth", "status": "ok", "refresh_token": next}));
        self.advance(Duration::from_secs(17));
        self.next()
    }

    /// The link is lost, and there again.
    pub fn reopen(&mut self) {
        self.lose();
        self.advance(Duration::from_secs(1));
        self.open();
        self.sent.clear();
        self.say(json!({"type": "auth", "status": "ok"}));
    }

    /// The server refuses a subscribe, or a read, without a word of whose it was.
    pub fn refuse(&mut self, message: &Value) {
        self.say(match message["type"].as_str() {
            Some("items") => items_error("FORBIDDEN"),
            _ => forbidden(),
        });
    }

    pub fn connect(&mut self) {
        self.dial();
        assert_eq!(self.next()["type"], "auth");
        self.say(json!({"type": "auth", "status": "ok"}));
        assert_eq!(self.engine.session.state(), State::Connected);
    }

    pub fn link(&self) -> LinkId {
        *self.opened.last().expect("a link was opened")
    }

    pub fn open(&mut self) {
        self.engine.session.on_opened(self.now, self.link());
        self.settle();
    }

    pub fn lose(&mut self) {
        self.lose_by(Loss::new(Status::Io, "the link was lost"));
    }

    pub fn lose_by(&mut self, loss: Loss) {
        self.engine.session.on_lost(self.now, self.link(), loss);
        self.settle();
    }

    /// The server speaks on the present link.
    pub fn say(&mut self, message: Value) {
        self.say_on(self.link(), message);
    }

    pub fn say_on(&mut self, link: LinkId, message: Value) {
        self.say_text_on(link, &message.to_string());
    }

    /// To the letter.
    pub fn say_text(&mut self, text: &str) {
        self.say_text_on(self.link(), text);
    }

    fn say_text_on(&mut self, link: LinkId, text: &str) {
        let mut frames = vec![Frame::from(text.to_owned())];
        self.engine.session.on_frames(self.now, link, &mut frames);
        self.settle();
    }

    /// What the client sent next.
    #[track_caller]
    pub fn next(&mut self) -> Value {
        self.sent.pop_front().expect("something was sent")
    }

    pub fn advance(&mut self, time: Duration) {
        let until = self.now.mono + time;
        while let Some(at) = self
            .engine
            .next_deadline(self.now)
            .filter(|at| *at <= until)
        {
            let step = at.saturating_sub(self.now.mono);
            self.now.mono += step;
            self.now.wall += step;
            self.engine.on_timer(self.now);
            self.settle();
        }
        let rest = until - self.now.mono;
        self.now.mono += rest;
        self.now.wall += rest;
    }

    /// The link lives, and nothing is answered on it.
    pub fn live(&mut self, seconds: usize) {
        for _ in 0..seconds {
            self.advance(Duration::from_secs(1));
            self.say(json!({"type": "ping"}));
        }
        self.sent.retain(|message| message["type"] != "pong");
    }

    /// What was told of changes, so far: kinds and data.
    pub fn changes(&mut self) -> Vec<(EventKind, Value)> {
        let told = std::mem::take(&mut self.told);
        told.into_iter()
            .map(|told| (told.kind, told.data))
            .collect()
    }

    pub fn change(&mut self, wire: &str, event: &str, data: Value) {
        self.say(json!({"type": "subscription", "event": event, "data": data, "uid": wire}));
    }

    pub fn settle(&mut self) {
        let deliver = |items: &mut Vec<DeliveryItem>| {
            for item in items.drain(..) {
                match item {
                    DeliveryItem::Event(event) => {
                        let data = event.data.map_or(Value::Null, |(from, to)| {
                            serde_json::from_str(&event.frame[from as usize..to as usize]).unwrap()
                        });
                        let (slot, kind, flags) = (event.slot, event.kind, event.flags);
                        self.told.push(Told {
                            slot,
                            kind,
                            flags,
                            data,
                        });
                    }
                    DeliveryItem::State {
                        state,
                        reason,
                        message,
                    } => {
                        self.states.push((state, reason, message));
                    }
                    DeliveryItem::Reply {
                        status,
                        json,
                        message,
                        ..
                    } => {
                        self.replies.push((status, json.to_string()));
                        self.reply_messages.push(message);
                    }
                    DeliveryItem::TokenWanted { reason } => self.tokens_wanted.push(reason),
                    _ => {}
                }
            }
            Vec::new()
        };
        let carry_out = |effect| match effect {
            Effect::Open { link, .. } => self.opened.push(link),
            Effect::Send { link, text } => {
                assert_eq!(
                    Some(&link),
                    self.opened.last(),
                    "sent on a link of the past"
                );
                self.sent.push_back(serde_json::from_str(&text).unwrap());
            }
            Effect::Close(link) | Effect::Abort(link) => self.closed.push(link),
            Effect::Log(Level::Warn, line) if !line.starts_with("in backoff") => {
                self.warnings.push(line);
            }
            Effect::End(_) | Effect::Log(..) => {}
        };
        engine::step(&mut self.engine, self.now, |_, _| (), deliver, carry_out);
        if !self.token_callback_is_slow {
            self.engine.session.token_callback_returned();
        }
    }

    /// Number of creates that were sent and not looked at yet.
    pub fn creates(&self) -> usize {
        let creates = self.sent.iter().filter(|m| m["action"] == "create");
        creates.count()
    }

    /// What was told to whom, and how: slots and flags.
    pub fn told_to(&self) -> Vec<(u32, u32)> {
        self.told.iter().map(|t| (t.slot, t.flags)).collect()
    }

    pub fn is_refused(&self, id: SubId) -> bool {
        matches!(self.engine.session.sub_status(id), SubStatus::Refused(_))
    }

    pub fn kinds(&self) -> Vec<EventKind> {
        self.told.iter().map(|told| told.kind).collect()
    }
}
