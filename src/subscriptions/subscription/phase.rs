//! How far a subscription has come on the present link.
//!
//! ```text
//! Wanted ──▶ Sent ──▶ ToRead ──▶ Reading ──▶ Active ◀──▶ Settling
//!              │        ▲           │          │ ▲           │
//!              │        │           ▼          ▼ │           │
//!              │        └──────── Behind ◀───────┼───────────┘
//!              │                    │            │
//!              └────────────────────┴────────────┘ (no snapshot is read)
//! ```
//!
//! Every phase goes back to Wanted: when the link is lost, when an attempt fails, and when a
//! registration is given up because only another one brings the server's own snapshot.
//! `transitions.rs` has a method for each arrow.

use crate::subscriptions::held::HeldEvents;

/// See the module.
#[derive(Debug)]
pub(super) enum Phase {
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
        held: HeldEvents,
    },
    /// Registered and up to date.
    Active {
        /// Serial of the wire uid.
        serial: u64,
    },
    /// Registered and up to date, but for events that are held back: whether the first of
    /// them is still true, and which item it is about, is being read.
    Settling {
        /// Serial of the wire uid.
        serial: u64,
        /// Serial of the read, once it is sent.
        read: Option<u64>,
        /// So many of the events were there when it was sent.
        asked: usize,
        /// The event in question, and what came behind it.
        held: HeldEvents,
    },
    /// Registered, but something was lost: nothing is delivered until a fresh
    /// snapshot can be.
    Behind {
        /// Serial of the wire uid.
        serial: u64,
        /// When the snapshot is asked for.
        resync: ResyncAt,
    },
}

/// What a subscription that is behind waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ResyncAt {
    /// The application has taken what was queued before this epoch: there is room for a
    /// snapshot again.
    QueueDrained(u32),
    /// Its back-off is over. The first gap has none.
    BackoffEnd,
}

impl Phase {
    /// The serial under which the server knows the subscription, if it was sent.
    pub fn serial(&self) -> Option<u64> {
        match *self {
            Phase::Wanted => None,
            Phase::Sent { serial }
            | Phase::ToRead { serial }
            | Phase::Reading { serial, .. }
            | Phase::Active { serial }
            | Phase::Settling { serial, .. }
            | Phase::Behind { serial, .. } => Some(serial),
        }
    }
}
