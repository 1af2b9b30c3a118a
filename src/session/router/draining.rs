//! Leaves links. One that is up stays open until its subscribes are answered, see
//! `connection/draining.rs`.

use std::collections::HashSet;
use std::time::Duration;

use super::Session;
use super::link_end::LinkEnd;
use crate::protocol::Frame;
use crate::protocol::incoming::{self, ErrorSource, Incoming};
use crate::protocol::wire_uid::WireUid;
use crate::session::connection::link::Standing;
use crate::session::in_flight::Kind;
use crate::session::timers::Timer;
use crate::session::{Effect, LinkId, Now};

/// The longest that a link is kept for this.
const LONGEST: Duration = Duration::from_secs(2);

impl Session {
    /// Leaves the present link, with a closing handshake where it is up.
    pub(super) fn leave_link(&mut self, now: Now, end: LinkEnd<'_>) {
        match self.connection.link().standing() {
            Standing::None => {}
            Standing::Unusable(link) => self.outputs.effect(Effect::Abort(link)),
            Standing::Up(link) => {
                let awaited: HashSet<u64> = self
                    .in_flight
                    .select(|entry| entry.purpose.kind() == Kind::Subscribe)
                    .into_iter()
                    .collect();
                if self.draining.keep(link, awaited) {
                    let deadline = now.mono + LONGEST.min(self.config.ack_timeout);
                    self.timers.set(Timer::CloseDraining(link), deadline);
                } else {
                    self.outputs.effect(Effect::Close(link));
                }
            }
        }
        self.tear_down(now, end);
    }

    /// Leaves the present link without waiting for anything.
    pub(super) fn drop_link(&mut self, now: Now, end: LinkEnd<'_>) {
        if let Some(link) = self.connection.link().id() {
            self.outputs.effect(Effect::Abort(link));
        }
        self.tear_down(now, end);
    }

    /// Frames of a link that was left: only replies to subscribes count.
    pub(super) fn draining_frames(&mut self, link: LinkId, frames: &mut Vec<Frame>) {
        if !self.draining.has(link) {
            frames.clear();
            return;
        }
        for frame in frames.drain(..) {
            let uid = match incoming::parse(&frame) {
                Ok(Incoming::Init { uid, .. }) => uid,
                Ok(Incoming::Error(error)) if error.source == ErrorSource::Subscribe => error.uid,
                _ => None,
            };
            if let Some(wire) = uid.as_deref().and_then(WireUid::parse) {
                self.draining.answered(link, wire.serial);
            }
        }
        if self.draining.take_drained(link) {
            self.timers.stop(Timer::CloseDraining(link));
            self.outputs.effect(Effect::Close(link));
            self.outputs.notify();
        }
    }

    /// A link has drained for so long that it is closed all the same.
    pub(super) fn close_draining(&mut self, link: LinkId) {
        self.draining.remove(link);
        self.outputs.effect(Effect::Close(link));
        self.outputs.notify();
    }

    /// Whether no link that was left waits for subscribes any more. Closing handshakes may still
    /// be under way.
    pub fn has_left_every_link(&self) -> bool {
        self.draining.is_empty()
    }
}
