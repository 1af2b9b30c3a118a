//! What the threads of a client share: the session behind its lock, delivery, and the
//! links; and how the session's effects are carried out on them.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::drained::Drained;
use super::exposure::Exposure;
use super::log_queue::{self, LogQueue};
use super::{ClientOptions, Stats, engine};
use crate::delivery::{Delivery, Feedback, State, in_callback};
use crate::driver::{
    self, Alarm, FailureKind, Link, LinkEvents, LinkFailure, LinkOptions, Proxy, Runtime, Traffic,
};
use crate::error::{Error, Result, Status};
use crate::log::{self, Level};
use crate::protocol::Frame;
use crate::protocol::endpoint::{self, Endpoint};
use crate::session::{Config, Effect, LinkId, Loss, Now, Session};

/// What the lock guards.
pub(super) struct Core {
    pub session: Session,
    links: HashMap<LinkId, Link>,
    runtime: Option<Arc<Runtime>>,
    /// When the alarm goes off.
    armed: Option<Duration>,
    log: LogQueue,
}

impl Core {
    /// Bytes that the driver has not got rid of yet.
    pub fn backlog(&self) -> usize {
        self.links.values().map(Link::backlog_bytes).sum()
    }
}

/// See the module.
pub(super) struct Shared {
    core: Mutex<Core>,
    /// Notified when something happened that a thread may wait for.
    pub changed: Condvar,
    pub delivery: Arc<Delivery>,
    pub ack_timeout: Duration,
    endpoints: Vec<Endpoint>,
    link_options: Arc<LinkOptions>,
    traffic: Arc<Traffic>,
    alarm: OnceLock<Alarm>,
    pub drained: Drained,
    pub exposure: Exposure,
    origin: Instant,
    this: Weak<Shared>,
}

impl Shared {
    pub fn start(options: ClientOptions) -> Result<Arc<Shared>> {
        let endpoints = endpoint::parse_list(&options.url)?;
        let credentials = options.credentials()?;
        let exposure = Exposure::of(&endpoints, &options);
        let traffic = Arc::new(Traffic::default());
        let tls = endpoints.iter().any(|endpoint| endpoint.tls);
        let files = options.tls_files();
        let link_options = Arc::new(LinkOptions {
            headers: options.headers()?,
            user_agent: options.user_agent()?,
            proxy: options.proxy()?,
            tls: if tls {
                Some(driver::Tls::load(files)?)
            } else {
                files.check()?;
                None
            },
            max_message_bytes: options.max_message_bytes(),
            connect_timeout: options.connect_timeout(),
            traffic: Arc::clone(&traffic),
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
        if link_options.proxy.is_none() && !endpoints.iter().all(Endpoint::is_loopback) {
            mention_unused_proxies();
        }
        let runtime = Runtime::acquire()?;
        let mut failure = None;
        let shared = Arc::new_cyclic(|this: &Weak<Shared>| {
            let feedback: Weak<dyn Feedback> = this.clone();
            let delivery = Delivery::new(options.delivery, options.queue_bytes(), feedback);
            let delivery = delivery.unwrap_or_else(|error| {
                failure = Some(error);
                Delivery::closed()
            });
            Shared {
                core: Mutex::new(Core {
                    session,
                    links: HashMap::new(),
                    runtime: Some(Arc::clone(&runtime)),
                    armed: None,
                    log: LogQueue::default(),
                }),
                changed: Condvar::new(),
                delivery,
                ack_timeout: options.ack_timeout(),
                endpoints,
                link_options,
                traffic,
                alarm: OnceLock::new(),
                drained: Drained::default(),
                exposure,
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
        let alarm = driver::spawn_alarm(
            &runtime,
            move || next.upgrade().and_then(|shared| shared.next_alarm()),
            move || {
                if let Some(shared) = fire.upgrade() {
                    shared.with(|session, now| session.on_timer(now));
                }
            },
        );
        let _ = shared.alarm.set(alarm);
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
        if self.lock().session.state() == State::Closed {
            return Err(Error::new(Status::Closed, "the client is closed"));
        }
        Ok(())
    }

    /// Tells the session something and carries out what it decides.
    pub fn with<R>(&self, tell: impl FnOnce(&mut Session, Now) -> R) -> R {
        self.with_core(|core| self.run(core, tell))
    }

    /// The same for what needs more of the core, and calls [`Shared::run`] itself.
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

    /// The same for somebody who holds the lock already.
    pub fn run<R>(&self, core: &mut Core, tell: impl FnOnce(&mut Session, Now) -> R) -> R {
        let now = self.now();
        let Core {
            session,
            links,
            runtime,
            log,
            ..
        } = core;
        let result = engine::step(
            session,
            now,
            tell,
            |items| self.delivery.push(items),
            |effect| self.carry_out(effect, links, runtime.as_ref(), log),
        );
        if core.session.take_changed() {
            self.changed.notify_all();
        }
        let next = core.session.next_deadline(now);
        // An alarm that is too early only looks again.
        if next.is_some_and(|next| core.armed.is_none_or(|armed| next < armed)) {
            core.armed = next;
            if let Some(alarm) = self.alarm.get() {
                alarm.changed();
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
            // The link's own report of its end takes it out.
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

    /// When the alarm has to go off next.
    fn next_alarm(&self) -> Option<Instant> {
        let mut core = self.lock();
        let next = core.session.next_deadline(self.now());
        core.armed = next;
        next.map(|next| self.origin + next)
    }

    pub fn stats(&self) -> Stats {
        let delivery = self.delivery.stats();
        let core = self.lock();
        let (connects, resyncs, last_rtt_us) = core.session.counters();
        let registry = core.session.registry();
        let traffic = self.traffic.read();
        Stats {
            connects,
            reconnects: connects.saturating_sub(1),
            frames_in: traffic.frames_in,
            bytes_in: traffic.bytes_in,
            frames_out: traffic.frames_out,
            bytes_out: traffic.bytes_out,
            events: delivery.events,
            resyncs,
            overflows: delivery.overflows,
            queued_events: delivery.queued_events,
            queued_bytes: delivery.queued_bytes,
            subscriptions: registry.len() as u64,
            active_subscriptions: registry.iter().filter(|s| s.is_active()).count() as u64,
            last_rtt_us,
        }
    }

    pub fn close(&self, deadline: Instant) -> Result<()> {
        if in_callback() {
            let message = "a client cannot be closed from inside a callback: it would wait for it";
            return Err(Error::new(Status::WouldDeadlock, message));
        }
        self.with(|session, now| session.close(now))?;
        let mut core = self.lock();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let gone = core.session.has_left_every_link() && core.links.is_empty();
            if gone || left.is_zero() {
                break;
            }
            let waited = self.changed.wait_timeout(core, left);
            core = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        for (_, link) in core.links.drain() {
            link.abort();
        }
        let runtime = core.runtime.take();
        drop(core);
        if let Some(alarm) = self.alarm.get() {
            alarm.stop();
        }
        let delivered = self.delivery.close(deadline);
        let stopped = runtime.map_or(Ok(()), |runtime| runtime.release(deadline));
        delivered.and(stopped)
    }
}

/// Who has to go through a proxy has set these for other programs.
fn mention_unused_proxies() {
    let variables = Proxy::unused_variables().join(", ");
    if !variables.is_empty() {
        let advice = "to go through a proxy, set the option proxy";
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
            dropped: failure.kind == FailureKind::Closed,
            if_worked: failure.if_worked,
            retry_after: failure.retry_after,
            ..Loss::new(status, failure.message)
        };
        self.lock().links.remove(&link);
        self.with(|session, now| session.on_lost(now, link, loss));
        self.changed.notify_all();
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
        self.lock().session.released(slot);
    }

    fn token_callback_returned(&self) {
        self.lock().session.token_callback_returned();
    }
}
