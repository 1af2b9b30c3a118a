//! Messages that the server's rate limiter has dropped: it does not say which.

use std::time::Duration;

use super::Session;
use crate::log::Level;
use crate::protocol::incoming::ServerError;
use crate::session::Now;
use crate::session::connection::link::Renewal;
use crate::session::in_flight::{Entry, Purpose};
use crate::session::timers::Timer;

/// What a limiter's pause lasts when the server does not say.
const UNSAID_PAUSE: Duration = Duration::from_secs(1);

impl Session {
    /// A message was dropped by the server's rate limiter.
    pub(super) fn on_limit(&mut self, now: Now, error: &ServerError<'_>) {
        let retry_after = error.retry_after().unwrap_or(UNSAID_PAUSE);
        let reached = self.in_flight.answered_up_to();
        self.scheduler
            .exceeded(now.mono, retry_after, reached, &mut self.rng);
        let text = format!(
            "the server's rate limiter dropped a message: {}",
            error.message
        );
        self.log(Level::Info, text);
        // No answer is late because of the pause.
        let resume = now.mono + retry_after + self.config.ack_timeout;
        let ours = |e: &Entry| e.is_sent() && e.has_ack_timeout();
        for serial in self.in_flight.select(ours) {
            self.in_flight.set_deadline(serial, resume);
        }
        // The first credential of a link is not shown again after the pause.
        let renews = self.connection.link().up_id().is_some();
        if renews && self.timers.at(Timer::AuthReply).is_some() {
            self.timers.set(Timer::AuthReply, resume);
        }
    }

    /// Ends the pause, if it is over.
    pub(super) fn end_pause(&mut self, now: Now) {
        let until = self.scheduler.paused_until();
        if until.is_some_and(|until| until <= now.mono) {
            self.resume_after_limit(now);
        }
    }

    /// The pause is over: what may have been dropped is sent again, the applications'
    /// requests only where that is certain.
    fn resume_after_limit(&mut self, now: Now) {
        let dropped = self.scheduler.resume();
        let sent_since = dropped.since..=now.mono;
        let unanswered = self
            .in_flight
            .select(|e| e.sent.is_some_and(|sent| sent_since.contains(&sent)));
        let untracked = self.in_flight.untracked_since(dropped.since);
        let others = unanswered.len();
        let certain = untracked.is_some_and(|n| others + n <= dropped.messages);
        self.show_again(now, others, dropped.messages);
        for serial in unanswered {
            let Some(entry) = self.in_flight.get(serial) else {
                continue;
            };
            if let Purpose::Request(_) = entry.purpose {
                if certain {
                    self.resend_request(serial);
                }
                continue;
            }
            let over = if certain {
                self.complete(serial)
            } else {
                self.abandon(serial)
            };
            let Some(entry) = over else { continue };
            match entry.purpose {
                Purpose::Subscribe(id) => {
                    let subscription = self.registry.get_mut(id);
                    if subscription.is_some_and(|s| s.send_again(serial)) {
                        self.scheduler.subscribe_first(id);
                    }
                }
                Purpose::Read(id) => self.read_again(id),
                Purpose::Settle(id) => self.settle_again(id),
                Purpose::Recheck(id) => self.recheck_again(id),
                Purpose::Live(id) => self.live_read_again(id),
                Purpose::Check(id) => self.scheduler.check(id),
                Purpose::Unsubscribe {
                    wire,
                    tries,
                    unconfirmed,
                } => {
                    if unconfirmed > 1 {
                        // The first confirmation is that of an earlier one.
                        self.in_flight.abandon_unsubscribe(serial);
                    }
                    self.scheduler.unsubscribe(wire, tries.saturating_sub(1));
                }
                Purpose::Orphan(_) | Purpose::Request(_) => {}
            }
        }
        self.pong_again(now, dropped.since);
    }

    /// Shows a credential again that may have been dropped, `others` perhaps in its place.
    /// A refresh token only where that is certain: it is good for one use, and the server
    /// may be busy with it.
    fn show_again(&mut self, now: Now, others: usize, dropped: usize) {
        let in_flight = &self.in_flight;
        let may_show = |renewal: &Renewal| {
            let untracked = in_flight.untracked_since(renewal.sent());
            let certain = untracked.is_some_and(|n| others + n <= dropped);
            certain || !renewal.is_refresh()
        };
        if let Some(kind) = self.connection.take_renewal_if(may_show) {
            self.timers.stop(Timer::AuthReply);
            self.reauthenticate(now, kind);
        }
    }
}
