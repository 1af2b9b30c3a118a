//! What must hold after every step, and what whenever nothing is in flight.

use std::time::Duration;

use directus_realtime::handover::State;
use directus_realtime::subscriptions::Subscription;

use crate::secrets;
use crate::world::World;

/// How long the network must be idle for the quiet checks.
const REST: Duration = Duration::from_millis(500);
/// How long the client must have nothing to do.
const IDLE: Duration = Duration::from_secs(5);

impl World {
    /// After each step.
    pub fn check_step(&self) -> Result<(), String> {
        if let Some(line) = secrets::logged() {
            return Err(format!("I9: logged: {line}"));
        }
        if let Some(violation) = self.app.shared.violations.first() {
            return Err(violation);
        }
        if let Some(fault) = self.server.fault() {
            return Err(fault);
        }
        let stats = self.client.delivery().stats();
        if stats.queued_bytes > self.setting.queue_bytes && stats.queued_events > 1 {
            return Err(format!("I6: {} bytes wait", stats.queued_bytes));
        }
        let held = self.held_bytes();
        if held > self.setting.queue_bytes {
            return Err(format!("I6: {held} bytes are held for snapshots"));
        }
        if self.dispatches && self.pace == Some(0) {
            return self.check_reports();
        }
        Ok(())
    }

    fn held_bytes(&self) -> u64 {
        let core = self.client.core.lock().expect("no panic before");
        core.engine.session.held_bytes() as u64
    }

    /// Whether every change of the state was reported (I5).
    fn check_reports(&self) -> Result<(), String> {
        let core = self.client.core.lock().expect("no panic before");
        let reported = self.app.reported.lock().expect("no panic before");
        let state = core.engine.session.state();
        if state != reported.last {
            let text = format!("I5: {state:?} was not reported, {:?} was", reported.last);
            return Err(text);
        }
        let (_, reason) = core.engine.session.reason();
        if reported.message != reason && state != State::Idle {
            return Err(format!("I5: {reason:?} is not {:?}", reported.message));
        }
        for state in [State::Connecting, State::Connected, State::Backoff] {
            let (entered, times) = (
                core.engine.session.state_entries(state),
                reported.times[state as usize],
            );
            if entered != times {
                return Err(format!(
                    "I5: {state:?}, {entered} times, reported {times} times"
                ));
            }
        }
        Ok(())
    }

    /// Whether nothing is in flight, as far as the model can tell, until then.
    fn is_quiet(&self, until: Duration) -> bool {
        let deadline = || self.client.next_deadline();
        // Under a rate limit, the client delays its messages.
        self.setting.rate_limit.is_none()
            && self.pace.is_some()
            && self.all_delivered
            && until >= self.now + REST
            && self.client.state() == State::Connected
            && self.network.is_quiet()
            && self.server.is_quiet(&self.network.links())
            && self.closing.is_empty()
            && self.app.state().late.is_empty()
            && deadline().is_none_or(|at| at >= self.now + IDLE)
            && !self.backs_off()
            && !self.is_in_doubt()
            && !(self.was_revoked && self.has_stale_lives())
    }

    /// Whether a subscription waits before its next snapshot, after the last ones did not
    /// fit into the queue.
    fn backs_off(&self) -> bool {
        self.is_any(Subscription::is_behind)
    }

    fn is_any(&self, pass: fn(&Subscription) -> bool) -> bool {
        let core = self.client.core.lock().expect("no panic before");
        core.engine.session.registry().iter().any(pass)
    }

    /// Whether a refusal without a uid (11.x) may have come before the permission was granted
    /// again: then the subscribe is repeated only after its timeout.
    fn is_in_doubt(&self) -> bool {
        self.setting.old_server && self.was_revoked && self.is_any(Subscription::is_sent)
    }

    /// I1 and I7 hold whenever nothing is under way.
    pub fn check_quiet(&mut self, until: Duration) -> Result<(), String> {
        if self.dispatches && self.is_quiet(until) {
            self.check_subscriptions()?;
        }
        Ok(())
    }
}
