//! A link that we leave of our own will stays open until its subscribes are
//! answered: the server never forgets those that were under way when a socket
//! closes, and every such leftover slows it down for everybody.

use std::collections::HashSet;
use std::time::Duration;

use super::{Link, Session};
use crate::error::Status;
use crate::protocol::Frame;
use crate::protocol::incoming::{self, ErrorSource, Incoming};
use crate::protocol::wire_uid::WireUid;
use crate::session::in_flight::Kind;
use crate::session::timers::Timer;
use crate::session::{Effect, LinkId, Now};

/// The longest that a link is kept for this.
const PATIENCE: Duration = Duration::from_secs(2);

/// A link that is being left.
#[derive(Debug)]
pub struct Linger {
    /// Which.
    pub link: LinkId,
    /// Serials of the subscribes without an answer.
    awaited: HashSet<u64>,
}

impl Session {
    /// Leaves the present link, politely where it is up.
    pub(super) fn leave_link(&mut self, now: Now, status: Status) {
        match &self.link {
            Link::None | Link::AwaitingToken => {}
            Link::Opening { id } | Link::Authenticating { id, .. } | Link::Expired { id, .. } => {
                self.outputs.effect(Effect::Abort(*id));
            }
            Link::Up(up) => {
                let link = up.id;
                let awaited: HashSet<u64> = self
                    .in_flight
                    .select(|entry| entry.purpose.kind() == Kind::Subscribe)
                    .into_iter()
                    .collect();
                if awaited.is_empty() {
                    self.outputs.effect(Effect::Close(link));
                } else {
                    let deadline = now.mono + PATIENCE.min(self.config.ack_timeout);
                    self.timers.set(Timer::CloseDraining(link), deadline);
                    self.lingers.push(Linger { link, awaited });
                }
            }
        }
        self.tear_down(now, status);
    }

    /// Leaves the present link without waiting for anything.
    pub(super) fn drop_link(&mut self, now: Now, status: Status) {
        if let Link::Opening { id } | Link::Authenticating { id, .. } | Link::Expired { id, .. } =
            &self.link
        {
            self.outputs.effect(Effect::Abort(*id));
        } else if let Link::Up(up) = &self.link {
            self.outputs.effect(Effect::Abort(up.id));
        }
        self.tear_down(now, status);
    }

    /// Frames of a link that is being left: only answers to subscribes count.
    pub(super) fn linger_frames(&mut self, link: LinkId, frames: &mut Vec<Frame>) {
        let Some(place) = self.lingers.iter().position(|linger| linger.link == link) else {
            frames.clear();
            return;
        };
        for frame in frames.drain(..) {
            let uid = match incoming::parse(&frame) {
                Ok(Incoming::Init { uid, .. }) => uid,
                Ok(Incoming::Error(error)) if error.source == ErrorSource::Subscribe => error.uid,
                _ => None,
            };
            if let Some(wire) = uid.as_deref().and_then(WireUid::parse) {
                self.lingers[place].awaited.remove(&wire.serial);
            }
        }
        if self.lingers[place].awaited.is_empty() {
            self.lingers.swap_remove(place);
            self.timers.stop(Timer::CloseDraining(link));
            self.outputs.effect(Effect::Close(link));
            self.outputs.notify();
        }
    }

    /// A link was left for so long that it is closed all the same.
    pub(super) fn close_draining(&mut self, link: LinkId) {
        self.lingers.retain(|linger| linger.link != link);
        self.outputs.effect(Effect::Close(link));
        self.outputs.notify();
    }

    /// Whether every link that was left is closed.
    pub fn has_left_every_link(&self) -> bool {
        self.lingers.is_empty()
    }
}
