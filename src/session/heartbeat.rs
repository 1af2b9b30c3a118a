//! Liveness, by the only question that the server answers: JSON.

use super::Now;
use super::machine::Session;
use crate::error::Status;
use crate::protocol::outgoing;
use crate::protocol::wire::WireUid;

impl Session {
    /// The server has said something on the present link.
    pub(super) fn heard(&mut self, now: Now) {
        if let Some(up) = self.up() {
            up.last_heard = now.mono;
            up.probed = None;
        }
    }

    /// After a silence, asks; after as much silence again, the link is dead.
    pub(super) fn check_heartbeat(&mut self, now: Now) {
        let period = self.config.heartbeat;
        let serial = self.next_serial();
        let Some(up) = self.up() else { return };
        match up.probed {
            Some(asked) if asked + period <= now.mono => {
                let silence = now.mono.saturating_sub(up.last_heard).as_secs_f32();
                let message = format!("heartbeat: the server has been silent for {silence:.1} s");
                self.break_link(now, Status::Timeout, message);
            }
            None if up.last_heard + period <= now.mono => {
                up.probed = Some(now.mono);
                let answers_pings = up.answers_pings;
                self.transmit_casually(now, outgoing::ping(None));
                if !answers_pings {
                    // With its heartbeat switched off the server answers no ping,
                    // but it confirms that it has forgotten what it never knew.
                    let wire = WireUid {
                        slot: u32::MAX,
                        serial,
                    }
                    .to_string();
                    self.transmit_casually(now, outgoing::unsubscribe(&wire));
                }
            }
            _ => {}
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
