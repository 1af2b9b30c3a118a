//! The client without a socket: session and delivery, joined by the library's own engine,
//! under the simulation's clock.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::{Duration, Instant};

use directus_realtime::client::engine::{self, Engine, Overflow};
use directus_realtime::delivery::{Delivery, Feedback, Mode};
use directus_realtime::error::{Error, Status};
use directus_realtime::handover::{DeliveryItem, State};
use directus_realtime::protocol::Frame;
use directus_realtime::rows::FeedBudget;
use directus_realtime::secret::Secret;
use directus_realtime::session::{
    AuthMode, Config, Credentials, Effect, LinkId, Loss, Now, Session,
};

use crate::mirror::Shared;
use crate::schedule::{Login, Setting};
use crate::secrets;
use crate::stream::Stream;

/// What the server's clock shows at the beginning.
pub const EPOCH: Duration = Duration::from_secs(1_800_000_000);

pub struct Core {
    pub engine: Engine,
    pub effects: Vec<Effect>,
    pub now: Duration,
    pub stream: Stream,
    /// The link that was opened last.
    link: LinkId,
    /// The last link on which a token has expired.
    expired: LinkId,
}

/// See the module.
pub struct Client {
    pub core: Mutex<Core>,
    delivery: OnceLock<Arc<Delivery>>,
    pub shared: Shared,
    wall: Duration,
    pub feed_budget: Arc<FeedBudget>,
}

impl Client {
    pub fn new(
        setting: &Setting,
        seed: u64,
        token: Option<&str>,
        mode: Mode,
        shared: &Shared,
    ) -> Arc<Client> {
        let config = Config {
            credentials: credentials(setting.login, token),
            endpoints: (0..setting.replicas)
                .map(|n| format!("ws://replica-{n}/websocket"))
                .collect(),
            ack_timeout: Duration::from_secs(10),
            heartbeat: Duration::from_secs(25),
            reconnect_min: Duration::from_millis(250),
            reconnect_max: Duration::from_secs(30),
            reconnect_attempts: 0,
            queue_bytes: setting.queue_bytes,
            send_queue_bytes: setting.send_queue_bytes,
            seed,
        };
        let shown = format!("{config:?}");
        if secrets::is_in(&shown) {
            shared.violations.add(format!("I9: {shown}"));
        }
        let client = Arc::new(Client {
            core: Mutex::new(Core {
                engine: Engine::new(Session::new(config)),
                effects: Vec::new(),
                now: Duration::ZERO,
                stream: Stream::new(setting, shared),
                link: 0,
                expired: 0,
            }),
            delivery: OnceLock::new(),
            shared: shared.clone(),
            feed_budget: FeedBudget::new(setting.queue_bytes),
            wall: if setting.skew < 0 {
                EPOCH - Duration::from_millis(setting.skew.unsigned_abs())
            } else {
                EPOCH + Duration::from_millis(setting.skew.unsigned_abs())
            },
        });
        let feedback: Arc<dyn Feedback> = client.clone();
        let feedback: Weak<dyn Feedback> = Arc::downgrade(&feedback);
        let delivery = Delivery::new(mode, setting.queue_bytes, feedback, None);
        let _ = client.delivery.set(delivery.expect("a delivery"));
        client
    }

    pub fn delivery(&self) -> &Delivery {
        self.delivery.get().expect("set at once")
    }

    fn now(&self, core: &Core) -> Now {
        Now {
            mono: core.now,
            wall: self.wall + core.now,
        }
    }

    /// Gives the session an input, as the library does it.
    pub fn with<R>(&self, input: impl FnOnce(&mut Session, Now) -> R) -> R {
        let mut core = self.core.lock().expect("no panic before");
        self.run(&mut core, input)
    }

    pub fn run<R>(&self, core: &mut Core, input: impl FnOnce(&mut Session, Now) -> R) -> R {
        self.run_engine(core, |engine, now| input(&mut engine.session, now))
    }

    pub fn run_engine<R>(&self, core: &mut Core, input: impl FnOnce(&mut Engine, Now) -> R) -> R {
        let now = self.now(core);
        let Core {
            engine,
            effects,
            stream,
            link: current,
            ..
        } = core;
        let mut opened = false;
        let result = engine::step(
            engine,
            now,
            input,
            |items| self.deliver(stream, items),
            |effect| match effect {
                Effect::End(meta) => self.delivery().end(&meta),
                Effect::Send { ref text, .. } => {
                    self.check_request(text);
                    effects.push(effect);
                }
                Effect::Open { link, .. } => {
                    (*current, opened) = (link, true);
                    effects.push(effect);
                }
                other => effects.push(other),
            },
        );
        if opened {
            stream.link_lost();
        }
        result
    }

    fn deliver(&self, stream: &mut Stream, items: &mut Vec<DeliveryItem>) -> Vec<Overflow> {
        stream.look(items);
        let overflows = self.delivery().push(items);
        for &(slot, _) in &overflows {
            self.shared.overflowed.store(true, Ordering::SeqCst);
            stream.overflow(slot);
        }
        overflows
    }

    /// No request is sent after the application was told that it has ended.
    pub fn check_request(&self, text: &str) {
        if text.contains(r#""fate""#) {
            let over = self
                .shared
                .finished_requests
                .lock()
                .expect("no panic before");
            let is_it = |number: &&u64| text.contains(&format!(r#""by":{number},"#));
            if let Some(number) = over.iter().find(is_it) {
                let text = format!("I4: request {number} is sent after its end");
                self.shared.violations.add(text);
            }
        }
    }

    /// Errors contain no secret (I9).
    pub fn check<R>(&self, result: Result<R, Error>) -> Option<R> {
        let failure = |error: &Error| secrets::is_in(&format!("{error:?}"));
        if result.as_ref().err().is_some_and(failure) {
            self.shared.violations.add("I9: in an error".into());
        }
        result.ok()
    }

    pub fn set_time(&self, now: Duration) {
        self.core.lock().expect("no panic before").now = now;
    }

    pub fn time(&self) -> Duration {
        self.core.lock().expect("no panic before").now
    }

    pub fn take_effects(&self) -> Vec<Effect> {
        std::mem::take(&mut self.core.lock().expect("no panic before").effects)
    }

    pub fn next_deadline(&self) -> Option<Duration> {
        let mut core = self.core.lock().expect("no panic before");
        let now = self.now(&core);
        core.engine.next_deadline(now)
    }

    pub fn state(&self) -> State {
        self.core
            .lock()
            .expect("no panic before")
            .engine
            .session
            .state()
    }

    pub fn opened(&self, link: LinkId) {
        self.with(|session, now| session.on_opened(now, link));
    }

    /// Splits the frames behind an expiry: what comes after it comes after a gap.
    pub fn frames(&self, link: LinkId, texts: Vec<String>) {
        let expires = |text: &String| text.contains("TOKEN_EXPIRED");
        let at = texts.iter().position(expires).map(|at| at + 1);
        let mut first = texts;
        let rest = at.map(|at| first.split_off(at)).unwrap_or_default();
        self.batch(link, first, at.is_some());
        if !rest.is_empty() {
            self.frames(link, rest);
        }
    }

    fn batch(&self, link: LinkId, texts: Vec<String>, expires: bool) {
        let mut frames = texts.into_iter().map(Frame::from).collect();
        let mut core = self.core.lock().expect("no panic before");
        let stale = core.link != link || core.expired == link;
        core.stream.set_stale(stale);
        self.run(&mut core, |session, now| {
            session.on_frames(now, link, &mut frames);
        });
        core.stream.set_stale(false);
        if expires {
            core.expired = link;
        }
    }

    pub fn lost(&self, link: LinkId, message: &str, http: Option<u16>) {
        let status = match http {
            None => Status::Io,
            Some(401) => Status::Auth,
            Some(_) => Status::Server,
        };
        let loss = Loss {
            unauthorized: http == Some(401),
            ..Loss::new(status, message)
        };
        self.with(|session, now| session.on_lost(now, link, loss));
    }

    pub fn on_timer(&self) {
        let mut core = self.core.lock().expect("no panic before");
        self.run_engine(&mut core, |engine, now| engine.on_timer(now));
    }

    /// Runs up to `most` callbacks, or all for 0. Returns whether none is left.
    pub fn dispatch(&self, most: usize) -> bool {
        loop {
            let outcome = self.delivery().dispatch(Some(Duration::ZERO), most);
            match outcome.expect("poll delivery") {
                0 => return true,
                _ if most > 0 => return false,
                _ => {}
            }
        }
    }

    pub fn close(&self) {
        self.check(self.with(|session, now| session.close(now)));
        let soon = Instant::now() + Duration::from_secs(10);
        self.check(self.delivery().close(soon));
    }
}

fn credentials(login: Login, token: Option<&str>) -> Credentials {
    let none = Credentials {
        access_token: token.map(Secret::new),
        ..Credentials::default()
    };
    match login {
        Login::Token | Login::Jwt(_) => none,
        Login::Strict => Credentials {
            mode: AuthMode::Strict,
            ..none
        },
        Login::Public => Credentials {
            mode: AuthMode::Public,
            ..none
        },
        Login::Password(_) => Credentials {
            email: Some("a@example.com".to_owned()),
            password: Some(Secret::new(secrets::PASSWORD)),
            ..none
        },
        Login::Refresh(_) => Credentials {
            refresh_token: Some(Secret::new(&secrets::refresh_token(0))),
            ..none
        },
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

    fn token_callback_returned(&self) {
        self.with(|session, _| session.token_callback_returned());
    }
}
