//! One subscription: what was asked for, which survives reconnects, and its phase on this link.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::gone::{Arrival, Gone};
use super::recent::Recent;
use super::scope::ScopeId;
use super::spelling::Spelling;
use crate::handover::{Event, SubscriptionMeta};
use crate::protocol::incoming::Change;
use crate::protocol::wire_uid::WireUid;

/// Names a subscription for as long as it lives; stale afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SubId {
    pub(super) slot: u32,
    pub(super) generation: u32,
}

impl SubId {
    /// The place in the registry, which the wire uid carries.
    pub fn slot(self) -> u32 {
        self.slot
    }
}

/// Event kinds as bits (`DRT_ON_*`).
pub const ON_CREATE: u32 = 1;
/// See [`ON_CREATE`].
pub const ON_UPDATE: u32 = 2;
/// See [`ON_CREATE`].
pub const ON_DELETE: u32 = 4;
/// All kinds.
pub const ON_ALL: u32 = ON_CREATE | ON_UPDATE | ON_DELETE;

/// What the application asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionSpec {
    /// The query, with the item's filter where one item is watched.
    pub query: Option<Box<str>>,
    /// Wanted kinds of events, never empty.
    pub events: u32,
    /// Survives its scope and the collective ways of unsubscribing.
    pub persistent: bool,
    /// Whether the snapshot is to be read after the registration. Off where the
    /// application wants the server's own, and where the server cannot do it.
    pub exact: bool,
}

impl SubscriptionSpec {
    /// The one kind that the server can be asked for, if it is just one.
    pub fn server_event(&self) -> Option<Change> {
        match self.events {
            ON_CREATE => Some(Change::Create),
            ON_UPDATE => Some(Change::Update),
            ON_DELETE => Some(Change::Delete),
            _ => None,
        }
    }

    /// Whether the server reads anything for it before there are events.
    pub fn is_read_at_once(&self) -> bool {
        self.server_event().is_none()
    }

    /// Whether an INIT carries a snapshot.
    pub fn wants_snapshot(&self) -> bool {
        self.events == ON_ALL
    }

    /// Whether events of this kind are wanted.
    pub fn wants(&self, change: Change) -> bool {
        let bit = match change {
            Change::Create => ON_CREATE,
            Change::Update => ON_UPDATE,
            Change::Delete => ON_DELETE,
        };
        self.events & bit != 0
    }
}

/// How far a subscription has come on the present link.
///
/// ```text
/// Wanted ─▶ Sent ─▶ Active ◀──────┐
///   ▲         └───▶ ToRead ─▶ Reading
///   │                 ▲
///   │   Active ─▶ Behind ┘            (overflow, changed identity)
///   │   Active ◀▶ Settling            (an event that only a read can decide about)
///   └── any, when the link is lost or the answer does not come
/// ```
#[derive(Debug)]
pub enum Phase {
    /// Not with the server; to be sent.
    Wanted,
    /// Sent; its INIT or a refusal will come.
    Sent {
        /// Serial of the wire uid.
        serial: u64,
    },
    /// Registered at the server; its snapshot is to be read. Events that come
    /// now will be in that snapshot.
    ToRead {
        /// Serial of the wire uid.
        serial: u64,
    },
    /// Registered; the snapshot is being read. Events that come now follow it.
    Reading {
        /// Serial of the wire uid.
        serial: u64,
        /// Serial of the read.
        read: u64,
        /// What came since the read was sent.
        held: Held,
    },
    /// Registered and up to date.
    Active {
        /// Serial of the wire uid.
        serial: u64,
    },
    /// Registered and up to date, but for events that wait: whether the first of them is
    /// true, and of which item, is being read.
    Settling {
        /// Serial of the wire uid.
        serial: u64,
        /// Serial of the read, once it is sent.
        read: Option<u64>,
        /// So many of the events were there when it was sent.
        asked: usize,
        /// The event in question, and what came behind it.
        held: Held,
    },
    /// Registered, but something was lost; nothing is delivered until a fresh
    /// snapshot can be.
    Behind {
        /// Serial of the wire uid.
        serial: u64,
        /// What has to happen first.
        until: Behind,
    },
}

/// What a subscription that is behind waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behind {
    /// The application has worked off what was queued before this epoch.
    CaughtUp(u32),
    /// A pause is over: the last snapshots did not come through.
    Rested,
}

/// Bytes of all events that are held.
#[derive(Clone, Debug, Default)]
pub struct HeldBytes(Arc<AtomicUsize>);

impl HeldBytes {
    /// How many there are.
    pub fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// Events that wait for the snapshot that they follow, or for what decides about the first.
#[derive(Debug)]
pub struct Held {
    /// In the order of their arrival, and when that was.
    events: VecDeque<(Arrival, Event)>,
    bytes: usize,
    all: HeldBytes,
}

impl Held {
    /// None yet; they will count among all.
    pub fn of(all: &HeldBytes) -> Held {
        Held {
            events: VecDeque::new(),
            bytes: 0,
            all: all.clone(),
        }
    }

    /// One more, which came then.
    pub fn push(&mut self, at: Arrival, event: Event) {
        self.bytes += event.frame.len();
        self.all.0.fetch_add(event.frame.len(), Ordering::Relaxed);
        self.events.push_back((at, event));
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// They stay.
    pub fn iter(&self) -> impl Iterator<Item = &(Arrival, Event)> {
        self.events.iter()
    }

    /// The first one is not held any more.
    pub fn pop(&mut self) -> Option<(Arrival, Event)> {
        let (at, event) = self.events.pop_front()?;
        self.bytes -= event.frame.len();
        self.all.0.fetch_sub(event.frame.len(), Ordering::Relaxed);
        Some((at, event))
    }

    /// It is held after all.
    pub fn put_back(&mut self, at: Arrival, event: Event) {
        self.bytes += event.frame.len();
        self.all.0.fetch_add(event.frame.len(), Ordering::Relaxed);
        self.events.push_front((at, event));
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.all.0.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// A live subscription.
#[derive(Debug)]
pub struct Subscription {
    /// Its name.
    pub id: SubId,
    /// What delivery knows of it.
    pub meta: Arc<SubscriptionMeta>,
    /// What was asked for.
    pub spec: SubscriptionSpec,
    /// The scope that ends it, if any.
    pub scope: Option<ScopeId>,
    /// Subscriptions are counted in the order in which they were made.
    pub order: u64,
    /// How far it has come.
    pub phase: Phase,
    /// It has had an INIT, so the next one follows a gap.
    pub had_init: bool,
    /// The items that its last snapshot told of, for as long as their creates
    /// may still come.
    pub recent: Option<Box<Recent>>,
    /// What was deleted of late.
    pub gone: Gone,
    /// How the rows spell their keys.
    pub spelling: Spelling,
    /// Where one item is watched: its key as its row has it, as JSON, once that was seen.
    pub item_key: Option<Box<str>>,
    /// Attempts on this subscription without success, for its own backoff.
    pub failures: u32,
    /// Gaps in a row, each soon after the last, and when the last one was.
    pub gaps: (u32, Duration),
    /// Refusals in a row that may have been meant for it (no uid in them).
    pub strikes: u32,
    /// How often a read for it was refused, unless the errors were others'.
    pub doubted: usize,
    /// Its serials that refusals without a uid have been put down to.
    pub blamed: Vec<u64>,
}

impl Subscription {
    /// The serial under which the server knows it, if it was sent.
    pub fn serial(&self) -> Option<u64> {
        match self.phase {
            Phase::Wanted => None,
            Phase::Sent { serial }
            | Phase::ToRead { serial }
            | Phase::Reading { serial, .. }
            | Phase::Active { serial }
            | Phase::Settling { serial, .. }
            | Phase::Behind { serial, .. } => Some(serial),
        }
    }

    /// The wire uid, if it was sent.
    pub fn wire(&self) -> Option<WireUid> {
        let slot = self.id.slot;
        self.serial().map(|serial| WireUid { slot, serial })
    }

    /// The read that is under way for it, if there is one.
    pub fn read_under_way(&self) -> Option<u64> {
        match self.phase {
            Phase::Reading { read, .. } => Some(read),
            Phase::Settling { read, .. } => read,
            _ => None,
        }
    }

    /// Whether the server has confirmed it.
    pub fn is_registered(&self) -> bool {
        !matches!(self.phase, Phase::Wanted | Phase::Sent { .. })
    }

    /// Whether its INIT is on the way to the application.
    pub fn is_active(&self) -> bool {
        matches!(
            self.phase,
            Phase::Active { .. } | Phase::Settling { .. } | Phase::Behind { .. }
        )
    }

    /// Whether it belongs to a collection that the items service refuses.
    pub fn is_system(&self) -> bool {
        self.meta.collection.to_bytes().starts_with(b"directus_")
    }
}
