//! The router: the parts of a session, what they hand out, and the timers that are due.
//!
//! Each file beside this one takes one kind of input to the parts and carries out what
//! they return: `commands.rs` and `requests.rs` what the application asks for, `link.rs`,
//! `authentication.rs`, `heartbeat.rs` and `draining.rs` the life of links, `receive.rs`,
//! `errors.rs` and `unattributed.rs` what the server says, `flush.rs` what may be sent, and
//! the others the life of subscriptions.

mod authentication;
pub(super) mod commands;
mod draining;
mod errors;
mod flush;
mod heartbeat;
mod link;
mod link_end;
mod live;
mod rate_limit;
mod receive;
mod rechecking;
pub(super) mod requests;
mod resubscribe;
mod resync;
mod send_queue;
mod settling;
mod snapshot;
mod unattributed;
mod unsubscribing;

use std::time::Duration;

use self::rechecking::ReportedRows;
use super::attribution::Attribution;
use super::connection::Connection;
use super::connection::draining::Draining;
use super::connection::heartbeat::Heartbeat;
use super::connection::reported::ReportedState;
use super::in_flight::{InFlight, Kind, Purpose};
use super::outputs::Outputs;
use super::refusals::Refusals;
use super::row_expiry::RowExpiry;
use super::scheduler::Scheduler;
use super::timers::{Timer, Timers};
use super::{Config, Effect, LiveNotice, Now};
use crate::error::Status;
use crate::handover::{DeliveryItem, ReadAnswer, State};
use crate::log::Level;
use crate::subscriptions::Registry;
use crate::subscriptions::held::HeldBytes;

/// How long the reply to a probe is waited for before an unanswered message is looked at
/// again.
const PROBE_TIME: Duration = Duration::from_secs(2);

/// See the module.
pub struct Session {
    config: Config,
    rng: fastrand::Rng,
    /// The number in the last wire uid, which is never used twice.
    last_serial: u64,
    timers: Timers,
    outputs: Outputs,

    connection: Connection,
    heartbeat: Heartbeat,
    draining: Draining,
    reported: ReportedState,

    in_flight: InFlight,
    scheduler: Scheduler,
    registry: Registry,
    /// Bytes of the events that are held for snapshots, and until others are settled.
    held: HeldBytes,
    row_expiry: RowExpiry,
    reported_rows: ReportedRows,

    attribution: Attribution,
    refusals: Refusals,

    /// A list that is used again: where keys are in a message.
    places: Vec<(u32, u32)>,

    resyncs: u64,
}

impl Session {
    /// A session that has not been asked for anything yet.
    pub fn new(config: Config) -> Self {
        Session {
            rng: fastrand::Rng::with_seed(config.seed),
            connection: Connection::new(&config),
            heartbeat: Heartbeat::default(),
            draining: Draining::default(),
            reported: ReportedState::new(),
            timers: Timers::default(),
            outputs: Outputs::default(),
            in_flight: InFlight::default(),
            registry: Registry::default(),
            last_serial: 0,
            scheduler: Scheduler::default(),
            held: HeldBytes::default(),
            row_expiry: RowExpiry::default(),
            reported_rows: ReportedRows::default(),
            attribution: Attribution::default(),
            refusals: Refusals::default(),
            places: Vec::new(),
            resyncs: 0,
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

    /// See [`Session::recycle_items`].
    pub fn recycle_effects(&mut self, effects: Vec<Effect>) {
        self.outputs.recycle_effects(effects);
    }

    /// What the live collections have to know, since the last call.
    pub fn take_notices(&mut self) -> Vec<LiveNotice> {
        self.outputs.take_notices()
    }

    /// Whether something happened that a waiting thread may wait for.
    pub fn take_changed(&mut self) -> bool {
        self.outputs.take_changed()
    }

    /// A serial that was never given out before.
    fn next_serial(&mut self) -> u64 {
        self.last_serial += 1;
        self.last_serial
    }

    fn log(&mut self, level: Level, message: impl Into<String>) {
        self.outputs.log(level, message);
    }

    /// Enters a state and reports it, unless it is the present one.
    fn enter(&mut self, state: State, reason: Status, message: impl Into<String>) {
        self.enter_with(state, reason, message.into(), None);
    }

    /// The same; with `wait`, the next attempt to connect is made after so long.
    fn enter_with(
        &mut self,
        state: State,
        reason: Status,
        message: String,
        wait: Option<Duration>,
    ) {
        let Some(entry) = self.reported.enter(state, reason, message, wait) else {
            return;
        };
        let message = entry.message;
        self.log(entry.level, format!("{state}: {message}"));
        self.outputs.deliver(DeliveryItem::State {
            state,
            reason,
            message,
        });
        self.outputs.notify();
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
        self.attribute_what_is_left(now);
        self.flush(now);
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
                self.connection.token_is_overdue();
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
            Timer::Recheck(id) => self.on_recheck_due(now, id),
            // The scheduler has its turn after all timers.
            Timer::Send => {}
        }
    }

    /// A message's reply did not come in time.
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
        let kind = entry.purpose.kind();
        if kind.is_items() && entry.is_sent() {
            let verdict = self.attribution.on_items_timeout(kind == Kind::Read);
            self.carry_out(now, verdict);
        }
        match entry.purpose {
            Purpose::Subscribe(id) => return self.subscribe_unanswered(now, id, serial),
            Purpose::Orphan(wire) => self.scheduler.unsubscribe(wire, 0),
            Purpose::Read(id) => self.read_unanswered(now, id, serial),
            Purpose::Settle(id) => self.settle_failed(now, id, serial),
            Purpose::Recheck(id) => self.recheck_failed(now, id, serial),
            Purpose::Live(id) => self.live_read_over(id, serial, ReadAnswer::Unanswered),
            Purpose::Check(_) => {}
            Purpose::Unsubscribe { wire, tries, .. } => self.unsubscribe_unanswered(wire, tries),
            Purpose::Request(request) => {
                let message = self.timed_out(&request, entry.sent.is_some());
                self.reply(*request, Status::Timeout, message);
            }
        }
        self.attribution.on_message_over(serial);
    }
}
