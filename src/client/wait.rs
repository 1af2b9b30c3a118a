//! Calls that block until the session reaches a state or a subscription is answered.

use std::time::{Duration, Instant};

use super::shared::{Core, Shared};
use super::subscribe::stale_subscription;
use super::{Client, SubId};
use crate::delivery::{State, in_callback};
use crate::error::{Error, Result, Status};
use crate::protocol::error_object;
use crate::session::SubStatus;

impl Client {
    /// Waits until a state is entered; returns at once if it is the present one.
    pub fn wait(&self, state: State, timeout: Duration) -> Result<()> {
        let before = self.shared.lock().engine.session.state_entries(state);
        self.shared.wait_until(timeout, |core| {
            let session = &core.engine.session;
            if session.state() == state || session.state_entries(state) > before {
                return Some(Ok(()));
            }
            failed_or_closed(core)
        })
    }

    /// Waits until the server has answered a subscription.
    pub fn subscription_wait(&self, id: SubId, timeout: Duration) -> Result<()> {
        self.shared
            .wait_until(timeout, |core| match core.engine.session.sub_status(id) {
                SubStatus::Active => Some(Ok(())),
                SubStatus::Pending => failed_or_closed(core),
                SubStatus::Refused(json) => {
                    let words = error_object::words(&json);
                    let message = format!("the server refused the subscription: {words}");
                    let error = Error::new(Status::Server, message);
                    Some(Err(error.with_server_error(error_object::parse(&json))))
                }
                SubStatus::Gone => Some(Err(closed(core).unwrap_or_else(stale_subscription))),
            })
    }
}

/// The error of a wait that cannot succeed any more, because the client has failed or is closed.
pub(super) fn failed_or_closed(core: &Core) -> Option<Result<()>> {
    let (status, message) = core.engine.session.reason();
    match core.engine.session.state() {
        State::Failed => Some(Err(Error::new(status, message))),
        State::Closed => closed(core).map(Err),
        _ => None,
    }
}

fn closed(core: &Core) -> Option<Error> {
    let is_closed = core.engine.session.state() == State::Closed;
    is_closed.then(|| Error::new(Status::Closed, "the client is closed"))
}

impl Shared {
    pub(super) fn wait_until(
        &self,
        timeout: Duration,
        mut done: impl FnMut(&Core) -> Option<Result<()>>,
    ) -> Result<()> {
        if in_callback() {
            let message = "this call waits, and must not be made from inside a callback";
            return Err(Error::new(Status::WouldDeadlock, message));
        }
        let deadline = Instant::now() + timeout;
        let mut core = self.lock();
        loop {
            if let Some(outcome) = done(&core) {
                return outcome;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let (_, reason) = core.engine.session.reason();
                let message = format!(
                    "timed out after {} ms; the client is {}: {reason}",
                    timeout.as_millis(),
                    core.engine.session.state()
                );
                return Err(Error::new(Status::Timeout, message));
            }
            core = self.changed.wait(core, left);
        }
    }
}
