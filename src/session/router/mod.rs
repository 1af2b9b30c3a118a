//! The state machine's memory, and its clock: which deadline comes next and
//! what is due.

mod anonymous;
mod authenticating;
pub(super) mod commands;
mod ending;
mod errors;
mod flush;
mod frames;
mod heartbeat;
mod linger;
mod link;
mod rate_limit;
pub(super) mod requests;
mod resubscribe;
mod resync;
mod send_queue;
mod settling;
mod snapshot;

use std::collections::VecDeque;
use std::time::Duration;

use self::commands::Told;
use self::linger::Linger;
use self::link::EndpointState;
use super::auth::{Auth, Shown};
use super::backoff::Backoff;
use super::idle_cut::IdleCuts;
use super::in_flight::{InFlight, Purpose};
use super::outputs::Outputs;
use super::refusals::Refusals;
use super::scheduler::Scheduler;
use super::timers::{Timer, Timers};
use super::{Config, Effect, LinkId, Now};
use crate::error::Status;
use crate::handover::{DeliveryItem, State};
use crate::log::Level;
use crate::subscriptions::held::HeldBytes;
use crate::subscriptions::{Registry, SubId};

/// How long the answer to a probe is waited for before an unanswered message is
/// looked at again.
const PROBE_TIME: Duration = Duration::from_secs(2);

/// Stands between why an attempt failed and when the next one is.
pub(super) const NEXT_ATTEMPT: &str = "; next attempt in ";

/// The present link.
#[derive(Debug)]
pub(super) enum Link {
    /// There is none.
    None,
    /// None yet: the application was asked for a token first.
    AwaitingToken,
    /// The driver is opening it.
    Opening { id: LinkId },
    /// Open; `auth` is with the server.
    Authenticating {
        id: LinkId,
        shown: Shown,
        since: Duration,
    },
    /// Open and authenticated, at least once.
    Up(Up),
    /// The token has expired on it. It is kept for the answer to a refresh token only.
    Expired { id: LinkId, reauth: Reauth },
}

/// An open link.
#[derive(Debug)]
pub(super) struct Up {
    pub id: LinkId,
    pub since: Duration,
    pub last_heard: Duration,
    pub last_sent: Duration,
    /// When the server was asked whether it is still there, if it was.
    pub probed: Option<Duration>,
    /// The server answers pings (it does not when its heartbeat is off).
    pub answers_pings: bool,
    /// When the server was last told that we are there.
    pub pong: Option<Duration>,
    /// Messages up to this serial were judged by an earlier identity.
    pub judged_before: u64,
    /// An authentication that renews the present one.
    pub reauth: Option<Reauth>,
    /// No `auth` message was sent on it.
    pub is_guest: bool,
}

#[derive(Debug)]
pub(super) struct Reauth {
    /// Its answer has this uid.
    pub uid: String,
    pub shown: Shown,
    pub sent: Duration,
}

/// See the module.
pub struct Session {
    config: Config,
    rng: fastrand::Rng,
    pub(super) auth: Auth,
    pub(super) backoff: Backoff,
    in_flight: InFlight,
    registry: Registry,
    lingers: Vec<Linger>,

    state: State,
    reason: (Status, String),
    /// Why attempts fail, as the log was last warned since the client was connected.
    warned: String,
    told: Told,
    link: Link,
    last_link: LinkId,
    last_serial: u64,
    timers: Timers,
    /// When a token that was asked for may be tried.
    prompt_at: Option<Duration>,
    slow_refusals: u32,
    /// What is known of the endpoints, and which of them the present link is to.
    endpoints: Vec<EndpointState>,
    endpoint: usize,
    idle_cuts: IdleCuts,
    /// The last error that the server sent on this link, and when.
    last_word: Option<(Duration, String)>,

    scheduler: Scheduler,
    /// Bytes of the events that are held for snapshots, and until others are settled.
    pub(super) held: HeldBytes,
    /// Whose snapshots' keys are to be forgotten, and when.
    pub(super) forget: VecDeque<(Duration, SubId)>,
    /// Time as far as the server was heard meanwhile.
    heard_time: Duration,
    /// That time at the end of the frames that are being read.
    batch_time: Duration,

    /// The server has sent an error without a uid: from now on one message at a
    /// time, so that the next one can be told whose it is.
    one_at_a_time: bool,
    /// Errors without a uid that came while subscribes were under way: a refusal,
    /// or an event of somebody else's that was withheld.
    ambiguous: Vec<String>,
    /// Refusals without a uid that are still to come for what a read has shown to be
    /// refused.
    owed: Vec<String>,
    /// Errors of the items service that nobody could be found for yet.
    unexplained: Vec<String>,
    refusals: Refusals,

    outputs: Outputs,
    /// A list that is used again: where keys are in a message.
    places: Vec<(u32, u32)>,

    entered: [u64; 7],
    connects: u64,
    resyncs: u64,
    last_rtt: Duration,
}

impl Session {
    /// A session that has not been asked for anything yet.
    pub fn new(config: Config) -> Self {
        Session {
            rng: fastrand::Rng::with_seed(config.seed),
            auth: Auth::new(config.credentials.clone()),
            backoff: Backoff::new(
                config.reconnect_min,
                config.reconnect_max,
                config.endpoints.len(),
            ),
            in_flight: InFlight::default(),
            registry: Registry::default(),
            lingers: Vec::new(),
            state: State::Idle,
            reason: (Status::Ok, "it was not told to connect".into()),
            warned: String::new(),
            told: Told::Nothing,
            link: Link::None,
            last_link: 0,
            last_serial: 0,
            timers: Timers::default(),
            prompt_at: None,
            slow_refusals: 0,
            endpoints: vec![EndpointState::default(); config.endpoints.len()],
            endpoint: 0,
            idle_cuts: IdleCuts::default(),
            last_word: None,
            scheduler: Scheduler::default(),
            held: HeldBytes::default(),
            forget: VecDeque::new(),
            heard_time: Duration::ZERO,
            batch_time: Duration::ZERO,
            one_at_a_time: false,
            ambiguous: Vec::new(),
            owed: Vec::new(),
            unexplained: Vec::new(),
            refusals: Refusals::default(),
            outputs: Outputs::default(),
            places: Vec::new(),
            entered: [0; 7],
            connects: 0,
            resyncs: 0,
            last_rtt: Duration::ZERO,
            config,
        }
    }

    /// What goes to the application, since the last call.
    pub fn take_items(&mut self) -> Vec<DeliveryItem> {
        self.outputs.take_items()
    }

    /// Gives an emptied list back, so that its memory is used again.
    pub fn recycle_items(&mut self, items: Vec<DeliveryItem>) {
        self.outputs.recycle_items(items);
    }

    /// What the driver has to do, since the last call, in order.
    pub fn take_effects(&mut self) -> Vec<Effect> {
        self.outputs.take_effects()
    }

    /// Whether something happened that a waiting thread may wait for.
    pub fn take_changed(&mut self) -> bool {
        self.outputs.take_changed()
    }

    /// A serial that was never given out before.
    pub(super) fn next_serial(&mut self) -> u64 {
        self.last_serial += 1;
        self.last_serial
    }

    pub(super) fn log(&mut self, level: Level, message: impl Into<String>) {
        self.outputs.log(level, message);
    }

    /// The present link, if it is up.
    pub(super) fn up(&mut self) -> Option<&mut Up> {
        match &mut self.link {
            Link::Up(up) => Some(up),
            _ => None,
        }
    }

    /// Enters a state and tells it, unless it is the present one.
    pub(super) fn go(&mut self, state: State, reason: Status, message: impl Into<String>) {
        if self.state == state {
            return;
        }
        let message = message.into();
        let level = self.level_of(state, &message);
        self.log(level, format!("{state}: {message}"));
        self.state = state;
        self.entered[state as usize] += 1;
        self.reason = (reason, message.clone());
        self.outputs.deliver(DeliveryItem::State {
            state,
            reason,
            message,
        });
        self.outputs.notify();
    }

    /// How important a change of state is. Attempts that fail for the same reason, one
    /// after the other, are worth one warning.
    fn level_of(&mut self, state: State, message: &str) -> Level {
        match state {
            State::Failed => Level::Error,
            State::Backoff => {
                let reason = message.split(NEXT_ATTEMPT).next().unwrap_or_default();
                if self.warned == reason {
                    return Level::Info;
                }
                self.warned = reason.to_owned();
                Level::Warn
            }
            State::Connected => {
                self.warned.clear();
                Level::Info
            }
            _ => Level::Info,
        }
    }

    /// When [`Session::on_timer`] wants to be called next.
    pub fn next_deadline(&mut self, now: Now) -> Option<Duration> {
        self.ask_for_deadlines(now);
        self.timers.next()
    }

    /// Does what is due.
    pub fn on_timer(&mut self, now: Now) {
        self.ask_for_deadlines(now);
        while let Some(timer) = self.timers.pop_due(now.mono) {
            self.on_due(now, timer);
            self.ask_for_deadlines(now);
        }
        self.explain_subscribes(now);
        self.pump(now);
    }

    /// The deadlines that follow from what a part holds, and are not set by hand.
    fn ask_for_deadlines(&mut self, now: Now) {
        let reply = self.in_flight.next_deadline().map(|(at, _)| at);
        let send = self.next_flush(now);
        self.timers
            .set_or_stop(Timer::LimitPause, self.scheduler.paused_until());
        self.timers.set_or_stop(Timer::Reply, reply);
        self.timers.set_or_stop(Timer::Send, send);
    }

    fn on_due(&mut self, now: Now, timer: Timer) {
        match timer {
            Timer::CloseDraining(link) => self.close_draining(link),
            Timer::Reconnect => {
                self.auth.question.is_overdue();
                self.begin(now);
            }
            Timer::TokenReply => self.token_unanswered(now),
            Timer::AuthReply => self.auth_unanswered(now),
            Timer::Renew => self.renew(now),
            Timer::Heartbeat => self.check_heartbeat(now),
            Timer::LimitPause => self.end_pause(now),
            Timer::Reply => {
                if let Some((_, serial)) = self.in_flight.next_deadline() {
                    self.unanswered(now, serial);
                }
            }
            Timer::Resubscribe(id) => self.scheduler.subscribe(id),
            Timer::Resync(id) => self.on_resync_due(now, id),
            // The scheduler has its turn after all timers.
            Timer::Send => {}
        }
    }

    /// A message's answer did not come in time.
    fn unanswered(&mut self, now: Now, serial: u64) {
        let entry = self.in_flight.get(serial);
        let has_ack_timeout = entry.is_some_and(|entry| entry.has_ack_timeout());
        // Whether the link lives is the question then, and is asked.
        if has_ack_timeout && self.in_flight.is_silent_since(serial) {
            self.probe(now);
            let later = now.mono + PROBE_TIME.min(self.config.ack_timeout);
            return self.in_flight.set_deadline(serial, later);
        }
        let Some(entry) = self.in_flight.abandon(serial) else {
            return;
        };
        if entry.purpose.kind().is_items() && entry.is_sent() {
            self.forget_unexplained(entry.purpose.kind());
        }
        match entry.purpose {
            Purpose::Subscribe(id) => self.subscribe_unanswered(now, id, serial, entry.suspect),
            Purpose::Orphan(wire) => self.scheduler.unsubscribe(wire, 0),
            Purpose::Read(id) => self.read_unanswered(now, id, serial),
            Purpose::Settle(id) => self.settle_failed(now, id, serial),
            Purpose::Check(_) => {}
            Purpose::Unsubscribe { wire, tries, .. } => self.unsubscribe_unanswered(wire, tries),
            Purpose::Request(request) => self.reply(*request, Status::Timeout, ""),
        }
    }
}
