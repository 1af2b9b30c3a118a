//! What the threads of a client share: the session behind its lock, the delivery and the links. It
//! carries out the session's effects.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::changes::Changes;
use super::cleartext_warning::CleartextWarning;
use super::drain_buffer::DrainBuffer;
use super::engine::{self, Engine};
use super::log_queue::{self, LogQueue};
use super::{ClientOptions, Stats};
use crate::delivery::{Delivery, Feedback, Intake, State, in_callback};
use crate::driver::{
    self, Counters, FailureKind, Link, LinkEvents, LinkFailure, LinkOptions, Proxies, Runtime,
    Timer, Watch,
};
use crate::error::{Error, Result, Status};
use crate::log::{self, Level};
use crate::protocol::Frame;
use crate::protocol::endpoint::{self, Endpoint};
use crate::rows::FeedBudget;
use crate::session::{Config, Effect, LinkId, Loss, Now, Session};

/// What the client's lock guards.
pub(super) struct Core {
    pub engine: Engine,
    links: HashMap<LinkId, Link>,
    runtime: Option<Arc<Runtime>>,
    /// When the timer wakes next.
    timer_deadline: Option<Duration>,
    log: LogQueue,
    /// A close that does not block has ended.
    closed: bool,
}

impl Core {
    /// Bytes that were given to the links and not yet to the system.
    pub fn unsent(&self) -> usize {
        self.links.values().map(Link::unsent_bytes).sum()
    }
}

/// See the module.
pub(super) struct Shared {
    core: Mutex<Core>,
    /// Notified when something changed that a thread may wait for.
    pub changed: Changes,
    pub delivery: Arc<Delivery>,
    pub ack_timeout: Duration,
    endpoints: Vec<Endpoint>,
    link_options: Arc<LinkOptions>,
    counters: Arc<Counters>,
    timer: OnceLock<Timer>,
    pub drain_buffer: DrainBuffer,
    /// What the updates of live collections that wait may cost.
    pub feed_budget: Arc<FeedBudget>,
    pub max_message_bytes: usize,
    pub cleartext_warning: CleartextWarning,
    origin: Instant,
    this: Weak<Shared>,
}

impl Shared {
    pub fn start(options: ClientOptions) -> Result<Arc<Shared>> {
        let endpoints = endpoint::parse_list(&options.url)?;
        let credentials = options.credentials()?;
        let cleartext_warning = CleartextWarning::of(&endpoints, &options);
        let counters = Arc::new(Counters::default());
        let tls = endpoints.iter().any(|endpoint| endpoint.tls);
        let files = options.tls_files();
        let link_options = Arc::new(LinkOptions {
            headers: options.headers()?,
            user_agent: options.user_agent()?,
            proxies: options.proxies(&endpoints)?,
            tls: if tls {
                Some(driver::Tls::load(files)?)
            } else {
                files.check()?;
                None
            },
            max_message_bytes: options.max_message_bytes(),
            connect_timeout: options.connect_timeout(),
            counters: Arc::clone(&counters),
            watch: Watch::new(),
        });
        let session = Session::new(Config {
            credentials,
            endpoints: endpoints.iter().map(Endpoint::url).collect(),
            ack_timeout: options.ack_timeout(),
            heartbeat: options.heartbeat(),
            reconnect_min: options.reconnect_min(),
            reconnect_max: options.reconnect_max(),
            reconnect_attempts: options.reconnect_attempts,
            queue_bytes: options.queue_bytes(),
            send_queue_bytes: options.send_queue_bytes,
            seed: fastrand::u64(..),
        });
        mention_proxies(link_options.proxies.as_ref(), &endpoints);
        let runtime = Runtime::acquire()?;
        let mut failure = None;
        let shared = Arc::new_cyclic(|this: &Weak<Shared>| {
            let feedback: Weak<dyn Feedback> = this.clone();
            let intake = Box::new(SocketIntake(Arc::clone(&link_options.watch)));
            let (mode, budget) = (options.delivery, options.queue_bytes());
            let delivery = Delivery::new(mode, budget, feedback, Some(intake));
            let delivery = delivery.unwrap_or_else(|error| {
                failure = Some(error);
                Delivery::closed()
            });
            Shared {
                core: Mutex::new(Core {
                    engine: Engine::new(session),
                    links: HashMap::new(),
                    runtime: Some(Arc::clone(&runtime)),
                    timer_deadline: None,
                    log: LogQueue::default(),
                    closed: false,
                }),
                changed: Changes::default(),
                delivery,
                ack_timeout: options.ack_timeout(),
                endpoints,
                link_options,
                counters,
                timer: OnceLock::new(),
                drain_buffer: DrainBuffer::default(),
                feed_budget: FeedBudget::new(options.queue_bytes()),
                max_message_bytes: options.max_message_bytes(),
                cleartext_warning,
                origin: Instant::now(),
                this: this.clone(),
            }
        });
        if let Some(error) = failure {
            shared.lock().runtime = None;
            runtime.release(Instant::now())?;
            return Err(error);
        }
        let (next, fire) = (Arc::downgrade(&shared), Arc::downgrade(&shared));
        let timer = driver::spawn_timer(
            &runtime,
            move || next.upgrade().and_then(|shared| shared.next_deadline()),
            move || {
                if let Some(shared) = fire.upgrade() {
                    shared.with_engine(|engine, now| engine.on_timer(now));
                }
            },
        );
        let _ = shared.timer.set(timer);
        Ok(shared)
    }

    pub fn lock(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Now {
        Now {
            mono: self.origin.elapsed(),
            wall: SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default(),
        }
    }

    pub fn check_open(&self) -> Result<()> {
        if self.lock().engine.session.state() == State::Closed {
            return Err(Error::new(Status::Closed, "the client is closed"));
        }
        Ok(())
    }

    /// Gives the session an input and carries out what it decides.
    pub fn with<R>(&self, input: impl FnOnce(&mut Session, Now) -> R) -> R {
        self.with_core(|core| self.run(core, input))
    }

    /// Gives the engine an input and carries out what it decides.
    pub fn with_engine<R>(&self, input: impl FnOnce(&mut Engine, Now) -> R) -> R {
        self.with_core(|core| self.run_engine(core, input))
    }

    /// The same for a function that needs the whole core and calls [`Shared::run`] itself.
    pub fn with_core<R>(&self, work: impl FnOnce(&mut Core) -> R) -> R {
        let mut core = self.lock();
        let result = work(&mut core);
        if core.log.begin() {
            while let Some(lines) = core.log.next() {
                drop(core);
                log_queue::emit(lines);
                core = self.lock();
            }
        }
        result
    }

    /// The same for a caller that holds the lock already.
    pub fn run<R>(&self, core: &mut Core, input: impl FnOnce(&mut Session, Now) -> R) -> R {
        self.run_engine(core, |engine, now| input(&mut engine.session, now))
    }

    fn run_engine<R>(&self, core: &mut Core, input: impl FnOnce(&mut Engine, Now) -> R) -> R {
        let now = self.now();
        let Core {
            engine,
            links,
            runtime,
            log,
            ..
        } = core;
        let result = engine::step(
            engine,
            now,
            input,
            |items| self.delivery.push(items),
            |effect| self.carry_out(effect, links, runtime.as_ref(), log),
        );
        if core.engine.session.take_changed() {
            self.changed.notify();
        }
        let next = core.engine.next_deadline(now);
        // A timer that wakes too early sleeps again, so it need not be told of later deadlines.
        if next.is_some_and(|next| {
            core.timer_deadline
                .is_none_or(|timer_deadline| next < timer_deadline)
        }) {
            core.timer_deadline = next;
            if let Some(timer) = self.timer.get() {
                timer.changed();
            }
        }
        result
    }

    fn carry_out(
        &self,
        effect: Effect,
        links: &mut HashMap<LinkId, Link>,
        runtime: Option<&Arc<Runtime>>,
        log: &mut LogQueue,
    ) {
        match effect {
            Effect::Open {
                link,
                endpoint,
                access_token,
            } => {
                let (Some(runtime), Some(this)) = (runtime, self.this.upgrade()) else {
                    return;
                };
                let Some(endpoint) = self.endpoints.get(endpoint).cloned() else {
                    return;
                };
                let options = Arc::clone(&self.link_options);
                let opened = driver::open(runtime, link, endpoint, access_token, options, this);
                links.insert(link, opened);
            }
            Effect::Send { link, text } => {
                if let Some(link) = links.get(&link) {
                    link.send(text);
                }
            }
            // The link is removed when it reports its end.
            Effect::Close(link) => {
                if let Some(link) = links.get(&link) {
                    link.close();
                }
            }
            Effect::Abort(link) => {
                if let Some(link) = links.remove(&link) {
                    link.abort();
                }
            }
            Effect::End(meta) => self.delivery.end(&meta),
            Effect::Log(level, line) => log.push(level, line),
        }
    }

    /// When the timer has to wake next.
    fn next_deadline(&self) -> Option<Instant> {
        let mut core = self.lock();
        let next = core.engine.next_deadline(self.now());
        core.timer_deadline = next;
        next.map(|next| self.origin + next)
    }

    pub fn stats(&self) -> Stats {
        let delivery = self.delivery.stats();
        let core = self.lock();
        let (connects, resyncs, last_rtt_us) = core.engine.session.counters();
        let registry = core.engine.session.registry();
        let counters = self.counters.read();
        Stats {
            connects,
            reconnects: connects.saturating_sub(1),
            frames_in: counters.frames_in,
            bytes_in: counters.bytes_in,
            frames_out: counters.frames_out,
            bytes_out: counters.bytes_out,
            events: delivery.events,
            resyncs,
            overflows: delivery.overflows,
            queued_events: delivery.queued_events,
            queued_bytes: delivery.queued_bytes,
            subscriptions: registry.len() as u64,
            active_subscriptions: registry
                .iter()
                .filter(|s| s.is_active() && !s.is_hidden())
                .count() as u64,
            last_rtt_us,
        }
    }

    pub fn end_close(&self) {
        self.lock().closed = true;
        self.changed.notify();
    }

    pub fn await_closed(&self, timeout: Duration) -> Result<()> {
        self.wait_until(timeout, |core| core.closed.then_some(Ok(())))
    }

    pub fn close(&self, handshake: Instant, callbacks: Instant) -> Result<()> {
        if in_callback() {
            let message = "a client cannot be closed from inside a callback: it would wait for it";
            return Err(Error::new(Status::WouldDeadlock, message));
        }
        self.with(|session, now| session.close(now))?;
        let mut core = self.lock();
        loop {
            let left = handshake.saturating_duration_since(Instant::now());
            let gone = core.engine.session.has_left_every_link() && core.links.is_empty();
            if gone || left.is_zero() {
                break;
            }
            core = self.changed.wait(core, left);
        }
        for (_, link) in core.links.drain() {
            link.abort();
        }
        let runtime = core.runtime.take();
        drop(core);
        if let Some(timer) = self.timer.get() {
            timer.stop();
        }
        let delivered = self.delivery.close(callbacks);
        let stopped = runtime.map_or(Ok(()), |runtime| runtime.release(callbacks));
        delivered.and(stopped)
    }
}

/// Logs what the proxy variables of the environment lead to, or that they are set and ignored: a
/// user who needs a proxy may expect that they are used.
fn mention_proxies(proxies: Option<&Proxies>, endpoints: &[Endpoint]) {
    if let Some(proxies) = proxies {
        for line in endpoints.iter().filter_map(|at| proxies.describe(at)) {
            log::emit(Level::Info, super::TARGET, &line);
        }
        return;
    }
    let variables = Proxies::unused_variables().join(", ");
    if !variables.is_empty() && !endpoints.iter().all(Endpoint::is_loopback) {
        let advice = "to go through a proxy, set the option `proxy` (`env` uses these)";
        let text = format!("proxy variables are set and are not used ({variables}): {advice}");
        log::emit(Level::Info, super::TARGET, &text);
    }
}

impl LinkEvents for Shared {
    fn opened(&self, link: LinkId) {
        self.with(|session, now| session.on_opened(now, link));
    }

    fn frames(&self, link: LinkId, frames: &mut Vec<Frame>) {
        self.with(|session, now| session.on_frames(now, link, frames));
    }

    fn is_crowded(&self) -> bool {
        self.delivery.is_crowded()
    }

    fn lost(&self, link: LinkId, failure: LinkFailure) {
        let status = match failure.kind {
            FailureKind::Timeout => Status::Timeout,
            FailureKind::Untrusted | FailureKind::CertificateTime | FailureKind::Tls => Status::Tls,
            FailureKind::Http(401) => Status::Auth,
            FailureKind::Http(_) => Status::Server,
            _ => Status::Io,
        };
        let loss = Loss {
            permanent: matches!(
                failure.kind,
                FailureKind::Untrusted | FailureKind::OtherProtocol
            ),
            unauthorized: failure.kind == FailureKind::Http(401),
            too_large: failure.kind == FailureKind::TooLarge,
            dropped: failure.kind == FailureKind::Closed,
            if_worked: failure.if_worked,
            retry_after: failure.retry_after,
            ..Loss::new(status, failure.message)
        };
        self.lock().links.remove(&link);
        self.with(|session, now| session.on_lost(now, link, loss));
        self.changed.notify();
    }
}

/// Has the thread that dispatches read the links.
struct SocketIntake(Arc<Watch>);

impl Intake for SocketIntake {
    fn wait(&self, time: Option<Duration>, awake: &dyn Fn()) -> bool {
        self.0.wait(time, awake)
    }

    fn wake(&self) {
        self.0.wake();
    }
}

impl Feedback for Shared {
    fn caught_up(&self, slot: u32, epoch: u32) {
        self.with(|session, now| session.on_caught_up(now, slot, epoch));
    }

    fn malformed(&self, slot: u32, epoch: u32) {
        self.with(|session, now| session.on_malformed(now, slot, epoch));
    }

    fn released(&self, slot: u32) {
        self.lock().engine.session.released(slot);
    }

    fn shown(&self) {
        // A thread that looks under the lock and then waits has seen what was shown, or is woken.
        drop(self.lock());
        self.changed.notify();
    }

    fn token_callback_returned(&self) {
        self.lock().engine.session.token_callback_returned();
    }
}
