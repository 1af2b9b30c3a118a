//! One subscription: what was asked for, how far it has come on the present link, and
//! what is known of its rows.

mod init;
mod judge;
mod live_read;
mod phase;
mod rechecking;
mod row_query;
#[cfg(test)]
mod tests;
mod transitions;
mod trouble;

use std::sync::Arc;

use self::live_read::LiveRead;
use self::phase::Phase;
use self::trouble::Trouble;
use super::deleted_keys::DeletedKeys;
use super::highest_key::HighestKey;
use super::key_format::KeyFormat;
use super::rechecks::Rechecks;
use super::scope::ScopeId;
use super::snapshot_rows::SnapshotRows;
use super::spec::SubscriptionSpec;
use crate::handover::SubscriptionMeta;
use crate::protocol::wire_uid::WireUid;

pub use init::Snapshot;
pub use judge::Verdict;
pub use row_query::{ExistingRows, RowQuery};
pub use transitions::{Activated, NextStep, Route};
pub use trouble::Retry;

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

/// Whom a subscription serves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// The application, which gets its events.
    #[default]
    Application,
    /// A live collection, which gets its events as they come. It stands for the live collection: its
    /// uid, scope and end are that one's.
    Live,
    /// A live collection, too; the application does not know of it.
    Hidden,
}

/// What few subscriptions have.
#[derive(Debug, Default)]
struct Rare {
    /// Where one item is watched: its key as its row has it, as JSON, once that was seen.
    item_key: Option<Box<str>>,
    /// The read that its live collection wants.
    live_read: Option<LiveRead>,
}

/// A live subscription.
#[derive(Debug)]
pub struct Subscription {
    id: SubId,
    role: Role,
    meta: Arc<SubscriptionMeta>,
    spec: SubscriptionSpec,
    scope: Option<ScopeId>,
    order: u64,
    phase: Phase,
    /// It has had an INIT, so the next one follows a gap.
    had_init: bool,
    /// The rows that its last snapshot has shown, for as long as their creates may
    /// still come.
    snapshot_rows: Option<Box<SnapshotRows>>,
    deleted: DeletedKeys,
    /// What was reported lately, and may be wrong.
    rechecks: Option<Box<Rechecks>>,
    /// See [`Subscription::passed`]. In nanoseconds, or [`rechecking::NEVER`].
    passed_at: u64,
    passed_creates: bool,
    /// The session has it forget in time what was reported.
    is_remembering: bool,
    /// The highest key that was reported.
    highest_key: HighestKey,
    key_format: KeyFormat,
    /// What few subscriptions have.
    rare: Option<Box<Rare>>,
    /// What lengthens its back-off, where something went wrong.
    trouble: Option<Box<Trouble>>,
}

impl Subscription {
    /// A subscription that was not sent yet, the `order`th that was made.
    pub(super) fn new(
        id: SubId,
        meta: Arc<SubscriptionMeta>,
        spec: SubscriptionSpec,
        scope: Option<ScopeId>,
        order: u64,
        role: Role,
    ) -> Subscription {
        let mut subscription = Subscription {
            id,
            role,
            meta,
            spec,
            scope,
            order,
            phase: Phase::Wanted,
            had_init: false,
            snapshot_rows: None,
            deleted: DeletedKeys::default(),
            rechecks: None,
            passed_at: rechecking::NEVER,
            passed_creates: false,
            is_remembering: false,
            highest_key: HighestKey::UNUSABLE,
            key_format: KeyFormat::default(),
            rare: None,
            trouble: None,
        };
        // Its rows cannot be read again.
        if subscription.is_system() {
            subscription.spec.settle = None;
        }
        subscription
    }

    /// Its name.
    pub fn id(&self) -> SubId {
        self.id
    }

    /// Whom it serves.
    pub fn role(&self) -> Role {
        self.role
    }

    /// Whether the application does not know of it.
    pub fn is_hidden(&self) -> bool {
        self.role == Role::Hidden
    }

    /// Whether its events go to a live collection as they come: that one judges and reads for itself.
    #[inline]
    fn is_raw(&self) -> bool {
        self.role != Role::Application
    }

    /// What delivery knows of it.
    pub fn meta(&self) -> &Arc<SubscriptionMeta> {
        &self.meta
    }

    /// What was asked for.
    pub fn spec(&self) -> &SubscriptionSpec {
        &self.spec
    }

    /// The scope that ends it, if any.
    pub fn scope(&self) -> Option<ScopeId> {
        self.scope
    }

    /// Its scope was closed and does not end it.
    pub(super) fn leave_scope(&mut self) {
        self.scope = None;
    }

    /// Subscriptions are numbered in the order in which they were made.
    pub fn order(&self) -> u64 {
        self.order
    }

    /// Whether it has had an INIT, on this link or an earlier one.
    pub fn had_init(&self) -> bool {
        self.had_init
    }

    /// The serial under which the server knows it, if it was sent.
    pub fn serial(&self) -> Option<u64> {
        self.phase.serial()
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
            _ => self.live_read().and_then(|read| read.sent),
        }
    }

    /// Whether it was sent and is neither confirmed nor refused.
    pub fn is_sent(&self) -> bool {
        matches!(self.phase, Phase::Sent { .. })
    }

    /// Whether the server has confirmed it.
    pub fn is_registered(&self) -> bool {
        !matches!(self.phase, Phase::Wanted | Phase::Sent { .. })
    }

    /// Whether its INIT was handed to delivery on this link. In Behind that may be lost, and
    /// another follows.
    pub fn is_active(&self) -> bool {
        matches!(
            self.phase,
            Phase::Active { .. } | Phase::Settling { .. } | Phase::Behind { .. }
        )
    }

    /// Whether it is active and has lost no event.
    pub fn is_up_to_date(&self) -> bool {
        matches!(self.phase, Phase::Active { .. } | Phase::Settling { .. })
    }

    /// Whether it has lost events and waits for its next snapshot to be asked for.
    pub fn is_behind(&self) -> bool {
        matches!(self.phase, Phase::Behind { .. })
    }

    /// Whether it belongs to a system collection: the items service refuses to read these.
    pub fn is_system(&self) -> bool {
        self.meta.collection.to_bytes().starts_with(b"directus_")
    }

    /// Whether its snapshot is read after the server has confirmed it.
    fn reads_snapshot(&self) -> bool {
        self.spec.exact && self.spec.wants_snapshot() && !self.is_system()
    }

    fn primary_key(&self) -> &str {
        &self.meta.delivery.primary_key
    }

    /// See [`Rare::item_key`].
    fn item_key(&self) -> Option<&str> {
        self.rare.as_ref()?.item_key.as_deref()
    }

    /// Whether one item is watched, and not a collection.
    fn watches_item(&self) -> bool {
        self.meta.delivery.item.is_some()
    }
}
