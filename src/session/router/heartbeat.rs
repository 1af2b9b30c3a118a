//! Liveness, by the only question that the server answers: JSON.

use std::time::Duration;

use super::Session;
use crate::error::Status;
use crate::protocol::outgoing;
use crate::protocol::wire_uid::WireUid;
use crate::session::Now;
use crate::session::connection::heartbeat::Silence;
use crate::session::in_flight::REQUEST_SLOT;
use crate::session::timers::Timer;
use crate::subscriptions::deleted_keys::Arrival;

impl Session {
    /// The server has said something on the present link.
    pub(super) fn heard(&mut self, now: Now) {
        if self.heartbeat.heard(now.mono) {
            self.timers
                .set(Timer::Heartbeat, now.mono + self.config.heartbeat);
            self.forget_old_snapshots();
            self.forget_old_reports(now);
        }
    }

    /// When what is heard now has come.
    pub(super) fn arrival(&self) -> Arrival {
        self.heartbeat.arrival()
    }

    /// After a silence, asks; after as much silence again, the link is dead.
    pub(super) fn check_heartbeat(&mut self, now: Now) {
        match self.heartbeat.silence(now.mono) {
            Some(Silence::Ask) => self.probe(now),
            Some(Silence::Dead(silence)) => {
                let silence = silence.as_secs_f32();
                let message = format!("heartbeat: the server has been silent for {silence:.1} s");
                self.break_link(now, Status::Timeout, message);
            }
            None => {}
        }
    }

    /// Asks whether the server is there, unless it has been asked already.
    pub(super) fn probe(&mut self, now: Now) {
        let serial = self.next_serial();
        let Some(probe) = self.heartbeat.probe(now.mono) else {
            return;
        };
        self.timers
            .set(Timer::Heartbeat, now.mono + self.config.heartbeat);
        self.transmit_untracked(now, outgoing::ping(None));
        if !probe.answers_pings {
            // With its heartbeat switched off the server answers no ping,
            // but it confirms that it has forgotten what it never knew.
            let slot = REQUEST_SLOT;
            let wire = WireUid { slot, serial }.to_string();
            self.transmit_untracked(now, outgoing::unsubscribe(&wire));
        }
    }

    /// Tells the server that we are there.
    pub(super) fn pong(&mut self, now: Now) {
        self.heartbeat.pong(now.mono);
        self.transmit_untracked(now, outgoing::pong());
    }

    /// Tells it again if the limiter may have dropped the last time: the server ends links
    /// of which it hears nothing.
    pub(super) fn pong_again(&mut self, now: Now, since: Duration) {
        if self.heartbeat.has_ponged_since(since) {
            self.pong(now);
        }
    }
}
