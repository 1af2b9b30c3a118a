//! What the application asks for with a subscription.

use std::time::Duration;

use crate::protocol::incoming::Change;

/// Event kinds as bits (`DRT_ON_*`).
pub const ON_CREATE: u32 = 1;
/// See [`ON_CREATE`].
pub const ON_UPDATE: u32 = 2;
/// See [`ON_CREATE`].
pub const ON_DELETE: u32 = 4;
/// All kinds.
pub const ON_ALL: u32 = ON_CREATE | ON_UPDATE | ON_DELETE;

/// What the application asked for. Subscriptions survive reconnects: the same
/// specification is sent on every link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionSpec {
    /// The query, with the item's filter where one item is watched.
    pub query: Option<Box<str>>,
    /// Wanted kinds of events, never empty.
    pub events: u32,
    /// Not ended by its scope, nor by unsubscribing from a collection or from everything.
    pub persistent: bool,
    /// Whether the snapshot is to be read after the registration. Off where the
    /// application wants the server's own, and where the server cannot do it.
    pub exact: bool,
    /// For how long it must be quiet before rows are read again whose last event may be wrong;
    /// `None` where none are.
    pub settle: Option<Duration>,
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

    /// Whether the server reads the collection as soon as it is subscribed to. It does
    /// not where it is asked for one kind of event.
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

    /// Whether rows are reported, so that it matters which of them were deleted.
    pub(super) fn reports_rows(&self) -> bool {
        self.events & (ON_CREATE | ON_UPDATE) != 0
    }
}
