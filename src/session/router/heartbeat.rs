//! Liveness, by the only question that the server answers: JSON.

use std::time::Duration;

use super::Session;
use super::requests::REQUEST_SLOT;
use crate::error::Status;
use crate::protocol::outgoing;
use crate::protocol::wire_uid::WireUid;
use crate::session::Now;
use crate::session::timers::Timer;
use crate::subscriptions::deleted_keys::Arrival;

/// A silence that says nothing of how old the next frame is.
const SILENCE: Duration = Duration::from_secs(5);

impl Session {
    /// The server has said something on the present link.
    pub(super) fn heard(&mut self, now: Now) {
        let silence = self.unheard_for(now);
        let Some(up) = self.up() else { return };
        up.last_heard = now.mono;
        up.probed = None;
        self.timers
            .set(Timer::Heartbeat, now.mono + self.config.heartbeat);
        self.heard_time += silence;
        self.forget_old_snapshots();
    }

    /// How long nothing was heard. After a long silence, what comes first may have been on
    /// the way all the time.
    pub(super) fn unheard_for(&mut self, now: Now) -> Duration {
        let heard = self.up().map_or(now.mono, |up| up.last_heard);
        now.mono.saturating_sub(heard).min(SILENCE)
    }

    /// When what is heard now has come, by that time.
    pub(super) fn arrival(&self) -> Arrival {
        Arrival {
            from: self.heard_time,
            to: self.batch_time.max(self.heard_time),
        }
    }

    /// After a silence, asks; after as much silence again, the link is dead.
    pub(super) fn check_heartbeat(&mut self, now: Now) {
        let Some(up) = self.up() else { return };
        if up.probed.is_none() {
            return self.probe(now);
        }
        let silence = now.mono.saturating_sub(up.last_heard).as_secs_f32();
        let message = format!("heartbeat: the server has been silent for {silence:.1} s");
        self.break_link(now, Status::Timeout, message);
    }

    /// Asks whether the server is there, unless it has been asked already.
    pub(super) fn probe(&mut self, now: Now) {
        let serial = self.next_serial();
        let Some(up) = self.up().filter(|up| up.probed.is_none()) else {
            return;
        };
        up.probed = Some(now.mono);
        let answers_pings = up.answers_pings;
        self.timers
            .set(Timer::Heartbeat, now.mono + self.config.heartbeat);
        self.transmit_untracked(now, outgoing::ping(None));
        if !answers_pings {
            // With its heartbeat switched off the server answers no ping,
            // but it confirms that it has forgotten what it never knew.
            let slot = REQUEST_SLOT;
            let wire = WireUid { slot, serial }.to_string();
            self.transmit_untracked(now, outgoing::unsubscribe(&wire));
        }
    }

    /// Tells the server that we are there.
    pub(super) fn pong(&mut self, now: Now) {
        if let Some(up) = self.up() {
            up.pong = Some(now.mono);
        }
        self.transmit_untracked(now, outgoing::pong());
    }

    /// Tells it again if the limiter may have dropped the last time: the server ends links
    /// of which it hears nothing.
    pub(super) fn pong_again(&mut self, now: Now, since: Duration) {
        let pong = self.up().and_then(|up| up.pong);
        if pong.is_some_and(|at| at >= since) {
            self.pong(now);
        }
    }

    /// The server has answered our ping. To be called before [`Session::heard`].
    pub(super) fn on_pong(&mut self, now: Now) {
        let Some(up) = self.up() else { return };
        up.answers_pings = true;
        if let Some(asked) = up.probed {
            self.last_rtt = now.mono.saturating_sub(asked);
        }
    }
}
