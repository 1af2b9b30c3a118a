//! Frames from the server, each handed to the router's file for its type.

use super::Session;
use super::rechecking::note_reported;
use crate::error::Status;
use crate::handover::{Event, EventKind};
use crate::log::Level;
use crate::protocol::Frame;
use crate::protocol::fast_path;
use crate::protocol::incoming::{self, Change, Incoming, offsets};
use crate::protocol::wire_uid::WireUid;
use crate::session::connection::link::Reception;
use crate::session::in_flight::{Purpose, REQUEST_SLOT};
use crate::session::{LinkId, Now};
use crate::subscriptions::subscription::{Route, Snapshot};

/// Where an event's parts are in its frame.
struct Parts {
    data: Option<(u32, u32)>,
    meta: Option<(u32, u32)>,
    checked: bool,
}

impl Session {
    /// A batch of frames has come over a link.
    pub fn on_frames(&mut self, now: Now, link: LinkId, frames: &mut Vec<Frame>) {
        match self.connection.link().reception(link) {
            Reception::Present => {}
            Reception::Expired => return self.expired_frames(now, link, frames),
            Reception::Past => return self.draining_frames(link, frames),
        }
        self.in_flight.on_frames_received();
        self.heartbeat.begin_batch(now.mono);
        let mut frames = frames.drain(..);
        for frame in frames.by_ref() {
            self.on_frame(now, frame);
            if !self.connection.link().is_receiving() {
                // The frame ended the link: what follows belongs to the past.
                break;
            }
        }
        let mut past: Vec<Frame> = frames.collect();
        if !past.is_empty() {
            return self.on_frames(now, link, &mut past);
        }
        self.attribute_what_is_left(now);
        self.heard(now);
        self.flush(now);
    }

    /// On a link on which the token has expired, only the answer to a refresh token
    /// counts.
    fn expired_frames(&mut self, now: Now, link: LinkId, frames: &mut Vec<Frame>) {
        for frame in frames.drain(..) {
            match incoming::parse(&frame) {
                Ok(Incoming::AuthOk { uid, refresh_token }) => {
                    self.on_auth_ok(now, uid.as_deref(), refresh_token);
                }
                Ok(Incoming::Error(error)) if error.code == "AUTH_FAILED" => {
                    self.on_error(now, &error);
                }
                _ => {}
            }
            if self.connection.link().reception(link) != Reception::Expired {
                break;
            }
        }
    }

    fn on_frame(&mut self, now: Now, frame: Frame) {
        if let Some(seen) = fast_path::recognise(&frame) {
            let (wire, change) = (seen.uid, seen.change);
            let data = Some(offsets(&frame, seen.data));
            let parts = Parts {
                data,
                meta: None,
                checked: false,
            };
            return self.on_change(now, wire, change, frame, parts);
        }
        match incoming::parse(&frame) {
            Ok(message) => self.on_message(now, &frame, message),
            Err(malformed) => {
                // It may have been anybody's event: a gap for all.
                let message = format!("the server sent a malformed frame: {malformed}");
                self.break_link(now, Status::Io, message);
            }
        }
    }

    fn on_message(&mut self, now: Now, frame: &Frame, message: Incoming<'_>) {
        let wire = uid_of(&message).and_then(WireUid::parse);
        if wire.is_some_and(|wire| self.in_flight.is_corrupted(wire)) {
            return self.log(Level::Warn, "a reply bears the uid of no message");
        }
        if let Some(wire) = wire {
            self.in_flight.on_reply(wire.serial);
        }
        if let Some(wire) = wire.filter(|wire| wire.slot == REQUEST_SLOT) {
            if !matches!(message, Incoming::Error(_)) {
                self.on_answer(wire.serial, frame);
                return self.match_items_errors(now);
            }
        }
        match message {
            Incoming::Change {
                change, data, meta, ..
            } => {
                let data = data.map(|part| offsets(frame, part));
                let meta = meta.map(|part| offsets(frame, part));
                if let Some(wire) = wire {
                    let parts = Parts {
                        data,
                        meta,
                        checked: true,
                    };
                    self.on_change(now, wire, change, frame.clone(), parts);
                }
            }
            Incoming::Init { data, meta, .. } => {
                if let Some(wire) = wire {
                    self.on_init(now, wire, &Snapshot { frame, data, meta });
                }
            }
            Incoming::Unsubscribed { .. } => {
                if let Some(wire) = wire {
                    self.in_flight.on_unsubscribed(wire.serial);
                }
            }
            Incoming::AuthOk { uid, refresh_token } => {
                self.on_auth_ok(now, uid.as_deref(), refresh_token);
            }
            Incoming::Items { data, meta, .. } => {
                if let Some(entry) = wire.and_then(|wire| self.complete(wire.serial)) {
                    match (entry.purpose, wire) {
                        (Purpose::Read(id), Some(wire)) => {
                            self.on_read(now, id, wire.serial, &Snapshot { frame, data, meta });
                        }
                        (Purpose::Settle(id), Some(wire)) => {
                            self.on_settled(now, id, wire.serial, data);
                        }
                        (Purpose::Live(id), Some(wire)) => {
                            self.on_live_read(id, wire.serial, frame, data);
                        }
                        (Purpose::Recheck(id), Some(wire)) => {
                            self.on_rechecked(now, id, wire.serial, data);
                        }
                        _ => {}
                    }
                }
                self.match_items_errors(now);
            }
            Incoming::Ping => self.pong(now),
            Incoming::Pong { .. } => self.heartbeat.on_pong(now.mono),
            Incoming::Error(error) => self.on_error(now, &error),
            Incoming::Other { kind, .. } => {
                self.log(Level::Debug, format!("a message of unknown type {kind:?}"));
            }
        }
    }

    /// Something changed in a collection.
    fn on_change(&mut self, now: Now, wire: WireUid, change: Change, frame: Frame, parts: Parts) {
        let Some(subscription) = self.registry.by_wire_mut(wire) else {
            return;
        };
        if !subscription.spec().wants(change) {
            return;
        }
        let kind = EventKind::of(change);
        let epoch = subscription.meta().epoch();
        let route = subscription.route(kind);
        let event = || Event {
            slot: wire.slot,
            epoch,
            kind,
            flags: 0,
            frame,
            data: parts.data,
            meta: parts.meta,
            checked: parts.checked,
        };
        match route {
            // Nearly every event.
            Route::Deliver => {
                let (timers, places) = (&mut self.timers, &mut self.places);
                let rows = &mut self.reported_rows;
                if let Some(event) = self.outputs.deliver_event(event) {
                    note_reported(subscription, rows, timers, places, now, event);
                }
            }
            Route::Judge => {
                let id = subscription.id();
                self.take_change(now, id, event());
            }
            Route::Hold => {
                let id = subscription.id();
                self.hold(now, id, event());
            }
            Route::Superseded => {
                let at = self.heartbeat.arrival();
                subscription.note_delete(&event(), at, &mut self.places);
            }
            Route::Ignore => {}
        }
    }
}

fn uid_of<'a>(message: &'a Incoming<'_>) -> Option<&'a str> {
    match message {
        Incoming::Change { uid, .. }
        | Incoming::Init { uid, .. }
        | Incoming::Unsubscribed { uid }
        | Incoming::AuthOk { uid, .. }
        | Incoming::Items { uid, .. }
        | Incoming::Pong { uid }
        | Incoming::Other { uid, .. } => uid.as_deref(),
        Incoming::Error(error) => error.uid.as_deref(),
        Incoming::Ping => None,
    }
}
