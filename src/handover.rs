//! The types that the session and delivery share: what is delivered to the application, and the
//! callbacks that receive it.

use std::ffi::{CStr, CString};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::error::Status;
use crate::protocol::Frame;
use crate::protocol::incoming::Change;
use crate::rows::{Feed, Update};

/// An epoch that no event carries: the subscription has ended.
pub const ENDED: u32 = u32::MAX;

/// What the session and delivery both know of one subscription.
///
/// In this order: the session's thread reads `slot` and `epoch` for each event, and the consumer's
/// writes `last_sequence`, which is therefore on another cache line.
#[derive(Debug)]
#[repr(C)]
pub struct SubscriptionMeta {
    /// The subscription's place in the registry and in the consumer's table.
    /// Used again only after the consumer has seen [`DeliveryItem::Release`].
    pub slot: u32,
    /// Events of another epoch than this are not delivered. [`ENDED`] once the subscription has
    /// ended.
    pub epoch: AtomicU32,
    /// A number for the modules above: the handle of the C ABI.
    pub tag: u64,
    /// The uid as the application knows it.
    pub uid: CString,
    /// The collection's name.
    pub collection: CString,
    /// How changes are delivered. Subscriptions share it.
    pub delivery: Arc<DeliveryOptions>,
    /// Where it is a live collection: what the application sees of it.
    pub feed: Option<Arc<Feed>>,
    /// Keeps what follows on another cache line.
    pub apart: u64,
    /// The sequence number of the last delivered event.
    pub last_sequence: AtomicU64,
}

// A cache line has 64 bytes.
#[cfg(target_pointer_width = "64")]
const _: () = assert!(
    std::mem::offset_of!(SubscriptionMeta, last_sequence)
        - std::mem::offset_of!(SubscriptionMeta, epoch)
        >= 64
);

impl SubscriptionMeta {
    /// The current epoch.
    pub fn epoch(&self) -> u32 {
        self.epoch.load(Ordering::SeqCst)
    }

    /// The uid as text.
    pub fn uid_str(&self) -> &str {
        text(&self.uid)
    }

    /// The collection's name as text.
    pub fn collection_str(&self) -> &str {
        text(&self.collection)
    }
}

/// The text of a `CString` that was made from a `str`.
fn text(name: &CStr) -> &str {
    name.to_str().unwrap_or_default()
}

/// How the changes of one subscription are delivered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct DeliveryOptions {
    /// One callback per server message instead of one per item.
    pub per_message: bool,
    /// The name of the primary key's field, for the data of a delete.
    pub primary_key: Box<str>,
    /// If one item is watched: its key, as the application writes it. The session drops deletes
    /// of other items.
    pub item: Option<Box<str>>,
}

/// The kind of an event (`DRT_EVENT_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum EventKind {
    /// A snapshot.
    Init = 0,
    /// Items were created.
    Create = 1,
    /// Items were updated.
    Update = 2,
    /// Items were deleted.
    Delete = 3,
    /// The server reported an error.
    Error = 4,
}

impl EventKind {
    /// The kind of a change's events.
    pub fn of(change: Change) -> EventKind {
        match change {
            Change::Create => EventKind::Create,
            Change::Update => EventKind::Update,
            Change::Delete => EventKind::Delete,
        }
    }
}

/// The event follows a gap and replaces everything that is known (`DRT_FLAG_RESYNC`).
pub const FLAG_RESYNC: u32 = 1;
/// The subscription has ended (`DRT_FLAG_ENDED`).
pub const FLAG_ENDED: u32 = 2;
/// The row was read, and is not as it was last reported, if it was at all (`DRT_FLAG_SETTLED`).
pub const FLAG_SETTLED: u32 = 4;

/// One event, as a sink gets it: borrowed for the time of the call.
///
/// What are neighbours in `drt_event` are none here, or both would be copied there at once, and the
/// processor would wait until two writes of half of that have left its store buffer.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct EventView<'a> {
    /// The subscription that the event is for.
    pub subscription: &'a SubscriptionMeta,
    /// JSON, if the event has data.
    pub data: Option<&'a str>,
    /// The server's `meta`, as JSON.
    pub meta: Option<&'a str>,
    /// The number of the event: a client's events are counted from 1 in the order of delivery.
    pub sequence: u64,
    /// What happened.
    pub kind: EventKind,
    /// Place of the item within its server message.
    pub index: u32,
    /// `FLAG_*`.
    pub flags: u32,
    /// Number of items in the server message.
    pub count: u32,
}

/// What the application registered: a callback, or, in poll delivery, none, with user data that
/// names it. Dropping it releases the user data.
pub trait Registration: Send {
    /// The user data as a number, which names the registration in a row; 0 if there is none.
    fn user_data(&self) -> u64 {
        0
    }
    /// Whether there is no callback: what it is for is taken as rows.
    fn is_for_rows(&self) -> bool {
        false
    }
    /// From now on, dropping it calls no release function, if it has one: a row says that it is
    /// over.
    fn release_as_row(&mut self) {}
}

/// An event callback. Called by one thread at a time.
pub trait EventSink: Registration {
    /// Runs the callback.
    fn event(&self, event: &EventView<'_>);
    /// Runs the callback of a live collection, which has no events.
    fn update(&self, _subscription: &SubscriptionMeta, _update: &Update) {}
}

/// A state callback.
pub trait StateSink: Registration {
    /// Runs the callback with the new state, its reason and a sentence.
    fn state(&self, state: State, reason: Status, message: &str);
}

/// A callback that is asked for a token.
pub trait TokenSink: Registration {
    /// Runs the callback: the client needs a token, for this reason.
    fn token_wanted(&self, reason: Status);
}

/// The callback of one request. Called once.
pub trait ReplySink: Registration {
    /// Runs the callback. `json` is the reply or the error object, or empty; `message` says what
    /// went wrong, and is empty where nothing did.
    fn reply(&self, status: Status, json: &str, message: &str);
}

/// The states of a client (`DRT_STATE_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i32)]
pub enum State {
    /// Not asked to connect, or asked to disconnect.
    Idle = 0,
    /// A link is being opened.
    Connecting = 1,
    /// The link is open, and the server has not accepted the credentials yet.
    Authenticating = 2,
    /// Authenticated and usable.
    Connected = 3,
    /// Waiting before the next attempt.
    Backoff = 4,
    /// An error that retrying does not repair.
    Failed = 5,
    /// The client is closed.
    Closed = 6,
}

impl fmt::Display for State {
    /// The state's name, for sentences and the log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            State::Idle => "idle",
            State::Connecting => "connecting",
            State::Authenticating => "authenticating",
            State::Connected => "connected",
            State::Backoff => "in backoff",
            State::Failed => "failed",
            State::Closed => "closed",
        })
    }
}

/// One received event on its way to the application: text ranges in a frame.
#[derive(Clone, Debug)]
pub struct Event {
    /// [`SubscriptionMeta::slot`].
    pub slot: u32,
    /// [`SubscriptionMeta::epoch`] at the time of the push.
    pub epoch: u32,
    /// What happened.
    pub kind: EventKind,
    /// `FLAG_*`.
    pub flags: u32,
    /// The text that the ranges point into.
    pub frame: Frame,
    /// The place of `data` in the frame, as byte offsets (start, end).
    pub data: Option<(u32, u32)>,
    /// The place of `meta` in the frame.
    pub meta: Option<(u32, u32)>,
    /// Whether `data` is known to be one well-formed JSON value. If not (the fast path looked only
    /// at the frame's two ends), the consumer checks it.
    pub checked: bool,
}

impl Event {
    /// The text of `data`.
    pub fn data_text(&self) -> Option<&str> {
        let (from, to) = self.data?;
        self.frame.get(from as usize..to as usize)
    }
}

/// A read for a live collection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadRequest {
    /// The collection.
    pub collection: Box<str>,
    /// The query.
    pub query: Box<str>,
    /// If only these rows are to be read: their keys, as JSON.
    pub keys: Option<Vec<String>>,
}

/// What became of a read for a live collection.
#[derive(Clone, Debug)]
pub enum ReadAnswer {
    /// The server has answered: the frame, and the place of the rows in it.
    Rows(Frame, (u32, u32)),
    /// The server has refused it with this error.
    Refused {
        /// The error object.
        json: String,
        /// Whether another attempt may succeed.
        is_temporary: bool,
    },
    /// The server has not answered in time.
    Unanswered,
}

/// What goes through the queue, in order.
///
/// With a discriminant of 64 bits an event begins at a multiple of 8. With a smaller one the compiler
/// copies the bytes behind it in pieces of 16 that lie across the event's members, and the
/// processor waits for the members to be stored.
#[repr(u64)]
pub enum DeliveryItem {
    /// A subscription's callback, before any of its events.
    Register {
        /// The subscription.
        meta: Arc<SubscriptionMeta>,
        /// Its callback.
        sink: Box<dyn EventSink>,
    },
    /// An event.
    Event(Event),
    /// A live collection has an update, which is in its feed.
    Update {
        /// The live collection.
        slot: u32,
    },
    /// Added by the queue after an overflow: when the consumer gets here, the application has
    /// caught up and the subscription can be resynchronised.
    CaughtUp {
        /// The subscription.
        slot: u32,
        /// The epoch that began with the overflow.
        epoch: u32,
    },
    /// The subscription has ended; its callback is released here.
    Release {
        /// The subscription.
        slot: u32,
    },
    /// The client's state changed.
    State {
        /// The new state.
        state: State,
        /// Why.
        reason: Status,
        /// Why, as a sentence.
        message: String,
    },
    /// Replaces the state callback; the old one is released here.
    SetStateSink(Option<Box<dyn StateSink>>),
    /// Replaces the token callback; the old one is released here.
    SetTokenSink(Option<Box<dyn TokenSink>>),
    /// The client needs a token.
    TokenWanted {
        /// Why.
        reason: Status,
    },
    /// A request is answered; its callback runs and is released here.
    Reply {
        /// The callback.
        sink: Box<dyn ReplySink>,
        /// The outcome.
        status: Status,
        /// The reply or the error object.
        json: Frame,
        /// What went wrong, as a sentence.
        message: String,
    },
}
