//! The client without a socket and a thread: session and delivery as the library
//! has them, joined as the library joins them, under the simulation's clock.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::{Duration, Instant};

use directus_realtime::delivery::{Delivery, Feedback, Mode};
use directus_realtime::error::Status;
use directus_realtime::handover::{ReplySink, State, StateSink};
use directus_realtime::protocol::Frame;
use directus_realtime::protocol::outgoing::CustomMessage;
use directus_realtime::secret::Secret;
use directus_realtime::session::{
    Config, Credentials, Effect, LinkId, Loss, NewSubscription, Now, Session, Subscribed,
};
use directus_realtime::subscriptions::{ScopeId, SubId};

use crate::schedule::Setting;
use crate::server::GOOD_TOKENS;

pub struct Core {
    pub session: Session,
    pub effects: Vec<Effect>,
    pub now: Duration,
}

/// See the module.
pub struct Client {
    pub core: Mutex<Core>,
    delivery: OnceLock<Arc<Delivery>>,
    /// Whether events were lost for want of room.
    pub overflowed: Arc<AtomicBool>,
}

impl Client {
    pub fn new(setting: &Setting, seed: u64) -> Arc<Client> {
        let login = setting.login_lifetime.is_some();
        let credentials = Credentials {
            access_token: (!login).then(|| Secret::new(GOOD_TOKENS[0])),
            email: login.then(|| "a@example.com".to_owned()),
            password: login.then(|| Secret::new("s3cret-password")),
            ..Credentials::default()
        };
        let config = Config {
            credentials,
            endpoints: (0..setting.replicas)
                .map(|n| format!("ws://replica-{n}/websocket"))
                .collect(),
            ack_timeout: Duration::from_secs(10),
            heartbeat: Duration::from_secs(25),
            reconnect_min: Duration::from_millis(250),
            reconnect_max: Duration::from_secs(30),
            reconnect_attempts: 0,
            queue_bytes: setting.queue_bytes,
            seed,
        };
        let client = Arc::new(Client {
            core: Mutex::new(Core {
                session: Session::new(config),
                effects: Vec::new(),
                now: Duration::ZERO,
            }),
            delivery: OnceLock::new(),
            overflowed: Arc::default(),
        });
        let feedback: Arc<dyn Feedback> = client.clone();
        let feedback: Weak<dyn Feedback> = Arc::downgrade(&feedback);
        let delivery = Delivery::new(Mode::Poll, setting.queue_bytes, feedback);
        let _ = client.delivery.set(delivery.expect("a delivery"));
        client
    }

    pub fn delivery(&self) -> &Delivery {
        self.delivery.get().expect("set at once")
    }

    /// Tells the session something, as the library does it.
    pub fn with<R>(&self, tell: impl FnOnce(&mut Session, Now) -> R) -> R {
        let mut core = self.core.lock().expect("no panic before");
        let now = Now {
            mono: core.now,
            wall: Duration::from_secs(1_800_000_000) + core.now,
        };
        let result = tell(&mut core.session, now);
        let mut items = core.session.take_items();
        if !items.is_empty() {
            for (slot, epoch) in self.delivery().push(&mut items) {
                self.overflowed.store(true, Ordering::SeqCst);
                core.session.on_overflow(slot, epoch);
            }
        }
        core.session.recycle_items(items);
        for effect in core.session.take_effects() {
            match effect {
                Effect::End(target) => self.delivery().end(&target),
                other => core.effects.push(other),
            }
        }
        result
    }

    pub fn set_time(&self, now: Duration) {
        self.core.lock().expect("no panic before").now = now;
    }

    pub fn take_effects(&self) -> Vec<Effect> {
        std::mem::take(&mut self.core.lock().expect("no panic before").effects)
    }

    pub fn next_deadline(&self) -> Option<Duration> {
        let mut core = self.core.lock().expect("no panic before");
        let now = Now {
            mono: core.now,
            wall: Duration::from_secs(1_800_000_000) + core.now,
        };
        core.session.next_deadline(now)
    }

    pub fn state(&self) -> State {
        self.core.lock().expect("no panic before").session.state()
    }

    pub fn on_state(&self, sink: Box<dyn StateSink>) {
        self.with(|session, _| session.set_state_sink(Some(sink)));
    }

    pub fn connect(&self) {
        self.with(|session, now| drop(session.connect(now)));
    }

    pub fn disconnect(&self) {
        self.with(|session, now| drop(session.disconnect(now)));
    }

    pub fn reconnect(&self) {
        self.with(|session, now| drop(session.reconnect(now)));
    }

    pub fn set_token(&self, token: &str) {
        self.with(|session, now| drop(session.set_token(now, Secret::new(token))));
    }

    pub fn subscribe(&self, new: NewSubscription) -> Subscribed {
        self.with(|session, now| session.subscribe(now, new))
    }

    /// Whether it was there; no callback of it runs afterwards.
    pub fn unsubscribe(&self, id: SubId) -> bool {
        let slot = self.with(|session, now| session.unsubscribe(now, id));
        self.delivery().quiesce(slot.as_slice());
        slot.is_some()
    }

    pub fn unsubscribe_all(&self) {
        let (_, slots) = self.with(|session, now| session.unsubscribe_where(now, |_| true));
        self.delivery().quiesce(&slots);
    }

    pub fn open_scope(&self) -> Option<ScopeId> {
        self.with(|session, _| session.open_scope().ok())
    }

    pub fn close_scope(&self, scope: ScopeId) {
        let slots = self.with(|session, now| session.close_scope(now, scope));
        self.delivery().quiesce(&slots.unwrap_or_default());
    }

    pub fn request(&self, json: &str, sink: Box<dyn ReplySink>) {
        let message = CustomMessage::parse(json).expect("a message");
        let timeout = Duration::from_secs(10);
        // A sink that comes back is dropped with no lock held.
        let _ = self.with(|session, now| session.request(now, message, timeout, sink, 0));
    }

    pub fn opened(&self, link: LinkId) {
        self.with(|session, now| session.on_opened(now, link));
    }

    pub fn frames(&self, link: LinkId, texts: Vec<String>) {
        let mut frames = texts.into_iter().map(Frame::from).collect();
        self.with(|session, now| session.on_frames(now, link, &mut frames));
    }

    pub fn lost(&self, link: LinkId, message: &str) {
        let loss = Loss {
            status: Status::Io,
            message: message.to_owned(),
            permanent: false,
            unauthorized: false,
        };
        self.with(|session, now| session.on_lost(now, link, loss));
    }

    pub fn on_timer(&self) {
        self.with(|session, now| session.on_timer(now));
    }

    pub fn dispatch(&self) {
        let waits = Some(Duration::ZERO);
        while self.delivery().dispatch(waits, 0).expect("poll delivery") > 0 {}
    }

    pub fn close(&self) {
        let _ = self.with(|session, now| session.close(now));
        let _ = self.delivery().close(Instant::now());
    }
}

impl Feedback for Client {
    fn caught_up(&self, slot: u32, epoch: u32) {
        self.with(|session, now| session.on_caught_up(now, slot, epoch));
    }

    fn malformed(&self, slot: u32, epoch: u32) {
        self.with(|session, now| session.on_malformed(now, slot, epoch));
    }

    fn released(&self, slot: u32) {
        self.with(|session, _| session.released(slot));
    }
}
