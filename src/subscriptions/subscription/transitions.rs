//! The transitions between a subscription's phases. Each one checks that it starts from a
//! phase that has it, does nothing otherwise, and returns what the session carries out.

use std::time::Duration;

use super::init::Snapshot;
use super::phase::{Phase, ResyncAt};
use super::{RowQuery, Subscription};
use crate::handover::{Event, EventKind, FLAG_RESYNC};
use crate::protocol::wire_uid::WireUid;
use crate::subscriptions::deleted_keys::{Arrival, DeletedKeys};
use crate::subscriptions::held::{HeldBytes, HeldEvents};
use crate::subscriptions::rechecks::Rechecks;

/// How the session brings a subscription up to date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextStep {
    /// There is nothing to do.
    Nothing,
    /// Activate it.
    Activate,
    /// Queue the read of its snapshot.
    Read,
    /// End the registration under this wire uid and subscribe again: only a fresh
    /// registration brings the server's own snapshot.
    Resubscribe(WireUid),
}

/// What follows from an activation.
#[derive(Debug)]
pub struct Activated {
    /// The INIT to be delivered.
    pub init: Event,
    /// Whether it follows a gap.
    pub is_resync: bool,
    /// Whether the snapshot's rows are remembered, to be forgotten in time.
    pub remembers_rows: bool,
    /// The events that came since the snapshot was asked for, to be delivered behind it.
    pub held: Option<HeldEvents>,
}

/// What the session does with an event of a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// Deliver it.
    Deliver,
    /// Judge it first.
    Judge,
    /// Hold it back.
    Hold,
    /// Drop it: the snapshot that is still to be asked for will show it. Deletes are noted.
    Superseded,
    /// Drop it: it is of no registration that is known.
    Ignore,
}

impl Subscription {
    /// Wanted ─▶ Sent. It goes to the server under this serial; false where it is not to
    /// be sent (any more).
    pub fn mark_sent(&mut self, serial: u64) -> bool {
        let is_wanted = matches!(self.phase, Phase::Wanted);
        if is_wanted {
            self.phase = Phase::Sent { serial };
        }
        is_wanted
    }

    /// Sent ─▶ Wanted. The attempt of that serial came to nothing, and is repeated at once
    /// under a fresh one; false where another attempt has taken its place.
    pub fn send_again(&mut self, serial: u64) -> bool {
        let is_sent = matches!(self.phase, Phase::Sent { serial: sent } if sent == serial);
        if is_sent {
            self.phase = Phase::Wanted;
        }
        is_sent
    }

    /// Wanted, Sent ─▶ Sent. The server has registered an earlier attempt, of that serial,
    /// which is used now. Returns the serial of a later one, which is not needed.
    pub fn adopt(&mut self, serial: u64) -> Option<u64> {
        let later = match self.phase {
            Phase::Wanted => None,
            Phase::Sent { serial } => Some(serial),
            _ => return None,
        };
        self.phase = Phase::Sent { serial };
        later
    }

    /// Sent ─▶ ToRead, or Wanted, or still Sent until it is activated. The server has
    /// registered it. `is_outdated` where it was judged by what an earlier identity may
    /// see: then the snapshot that came with the confirmation counts for nothing.
    pub fn confirm(&mut self, is_outdated: bool) -> NextStep {
        let Phase::Sent { serial } = self.phase else {
            return NextStep::Nothing;
        };
        if is_outdated || self.reads_snapshot() {
            self.ask_for_snapshot(serial)
        } else {
            NextStep::Activate
        }
    }

    /// Behind ─▶ ToRead, or Wanted, or still Behind until it is activated. The time has
    /// come to bring it up to date.
    pub fn resync(&mut self) -> NextStep {
        match self.phase {
            Phase::Behind { serial, .. } => self.ask_for_snapshot(serial),
            _ => NextStep::Nothing,
        }
    }

    fn ask_for_snapshot(&mut self, serial: u64) -> NextStep {
        if !self.spec.wants_snapshot() {
            NextStep::Activate
        } else if self.reads_snapshot() {
            self.phase = Phase::ToRead { serial };
            NextStep::Read
        } else {
            let slot = self.id.slot;
            self.phase = Phase::Wanted;
            NextStep::Resubscribe(WireUid { slot, serial })
        }
    }

    /// ToRead ─▶ Reading. Its snapshot is read under the serial `read`: what comes from
    /// now on is held back. False where no snapshot is to be read.
    pub fn begin_reading(&mut self, read: u64, total: &HeldBytes) -> bool {
        let Phase::ToRead { serial } = self.phase else {
            return false;
        };
        let held = HeldEvents::new(total);
        self.phase = Phase::Reading { serial, read, held };
        true
    }

    /// Whether that read of its snapshot is under way.
    pub fn is_reading(&self, read: u64) -> bool {
        matches!(self.phase, Phase::Reading { read: sent, .. } if sent == read)
    }

    /// Reading ─▶ ToRead. The read is to be sent once more: the next snapshot will show what
    /// was held. False where none is under way.
    pub fn repeat_reading(&mut self, places: &mut Vec<(u32, u32)>) -> bool {
        let Phase::Reading { serial, .. } = self.phase else {
            return false;
        };
        self.drop_held(Phase::ToRead { serial }, places);
        true
    }

    /// Sent, Reading, Behind ─▶ Active. The snapshot is there, or none is wanted. Its rows
    /// are remembered until `until`.
    pub fn activate(
        &mut self,
        now: Duration,
        snapshot: &Snapshot<'_>,
        until: Duration,
    ) -> Option<Activated> {
        let (Phase::Sent { serial } | Phase::Reading { serial, .. } | Phase::Behind { serial, .. }) =
            self.phase
        else {
            return None;
        };
        let before = std::mem::replace(&mut self.phase, Phase::Active { serial });
        let flags = if self.had_init { FLAG_RESYNC } else { 0 };
        self.had_init = true;
        self.forget_failures();
        let init = self.init_event(snapshot, flags);
        self.learn_from(snapshot, until);
        let held = match before {
            Phase::Reading { held, .. } => Some(held),
            _ => None,
        };
        // What comes now may be of before the snapshot, where there was anything around it.
        let is_busy = flags != 0 || held.as_ref().is_some_and(|held| !held.is_empty());
        let remembers = is_busy && self.rechecks_rows();
        self.give_up_rechecks();
        self.rechecks = remembers.then(|| Box::new(Rechecks::after_snapshot(now)));
        Some(Activated {
            init,
            is_resync: flags & FLAG_RESYNC != 0,
            remembers_rows: self.remembers_rows(),
            held,
        })
    }

    /// Its snapshot cannot be read separately: from now on, the server's own is taken, and
    /// earlier failures do not count.
    pub fn take_server_snapshot(&mut self) {
        self.spec.exact = false;
        self.forget_failures();
    }

    /// Any phase ─▶ Wanted. The link is lost, and with it what the server knew.
    pub fn link_lost(&mut self) {
        self.phase = Phase::Wanted;
        self.deleted = DeletedKeys::default();
        self.give_up_rechecks();
        self.forget_live_read();
    }

    /// What is to be done with an event of this kind that comes now.
    #[inline]
    pub fn route(&self, kind: EventKind) -> Route {
        match self.phase {
            Phase::Active { .. } if self.is_raw() => Route::Deliver,
            Phase::Active { .. } => {
                let may_repeat = matches!(kind, EventKind::Create | EventKind::Delete);
                if (may_repeat && self.snapshot_rows.is_some()) || self.looks_at(kind) {
                    Route::Judge
                } else {
                    Route::Deliver
                }
            }
            Phase::Reading { .. } | Phase::Settling { .. } => Route::Hold,
            Phase::ToRead { .. } | Phase::Behind { .. } => Route::Superseded,
            Phase::Wanted | Phase::Sent { .. } => Route::Ignore,
        }
    }

    /// Holds an event back, in Reading and Settling.
    pub fn hold(&mut self, at: Arrival, event: Event) {
        if let Phase::Reading { held, .. } | Phase::Settling { held, .. } = &mut self.phase {
            held.push(at, event);
        }
    }

    /// Reading, Settling ─▶ Behind. What is held is given up: the next snapshot will show
    /// it. Returns the read that is under way, if any.
    pub fn lose_held(&mut self, places: &mut Vec<(u32, u32)>) -> Option<u64> {
        let (Phase::Reading { serial, .. } | Phase::Settling { serial, .. }) = self.phase else {
            return None;
        };
        self.begin_behind(serial, ResyncAt::BackoffEnd, places)
    }

    /// Active, Settling ─▶ Behind. The queue had no room for its events, from this epoch
    /// on. Returns the read that is under way, if any.
    pub fn overflow(&mut self, epoch: u32, places: &mut Vec<(u32, u32)>) -> Option<u64> {
        // Its INIT may have been among the events that were lost.
        self.had_init = true;
        let (Phase::Active { serial } | Phase::Settling { serial, .. }) = self.phase else {
            return None;
        };
        self.begin_behind(serial, ResyncAt::QueueDrained(epoch), places)
    }

    /// Active, Reading, Settling ─▶ Behind. The application wants a fresh snapshot; what waited of
    /// it is dropped. Returns the read that is under way, if any.
    pub fn fall_behind(&mut self, places: &mut Vec<(u32, u32)>) -> Option<u64> {
        // Its INIT may have been among what was dropped.
        self.had_init = true;
        let (Phase::Active { serial }
        | Phase::Reading { serial, .. }
        | Phase::Settling { serial, .. }) = self.phase
        else {
            return None;
        };
        self.begin_behind(serial, ResyncAt::BackoffEnd, places)
    }

    /// Whether it waits until the application has taken what was queued before that epoch.
    pub fn waits_for_queue(&self, epoch: u32) -> bool {
        let awaited = ResyncAt::QueueDrained(epoch);
        matches!(self.phase, Phase::Behind { resync, .. } if resync == awaited)
    }

    /// Whether it waits for the end of its back-off.
    pub fn waits_for_backoff(&self) -> bool {
        let awaited = ResyncAt::BackoffEnd;
        matches!(self.phase, Phase::Behind { resync, .. } if resync == awaited)
    }

    /// Active ─▶ Settling. Whether the first of these events is true has to be read.
    pub fn begin_settling(&mut self, held: HeldEvents) {
        if let Phase::Active { serial } = self.phase {
            self.phase = Phase::Settling {
                serial,
                read: None,
                asked: 0,
                held,
            };
        }
    }

    /// Settling. The read goes out under that serial: what is to be asked for, unless it
    /// was sent already. `most` and `places` as in [`Subscription::row_query`].
    pub fn begin_settling_read(
        &mut self,
        serial: u64,
        most: usize,
        places: &mut Vec<(u32, u32)>,
    ) -> Option<RowQuery> {
        let query = match &self.phase {
            Phase::Settling {
                read: None, held, ..
            } => self.row_query(held.iter(), most, places),
            _ => return None,
        };
        if let Phase::Settling {
            read, asked, held, ..
        } = &mut self.phase
        {
            *read = Some(serial);
            *asked = held.len().min(query.events());
        }
        Some(query)
    }

    /// Whether that read decides about the events that are held back.
    pub fn is_settled_by(&self, read: u64) -> bool {
        matches!(self.phase, Phase::Settling { read: Some(sent), .. } if sent == read)
    }

    /// Settling. The read is to be sent once more; false in other phases.
    pub fn repeat_settling_read(&mut self) -> bool {
        match &mut self.phase {
            Phase::Settling { read, .. } => {
                *read = None;
                true
            }
            _ => false,
        }
    }

    /// Settling ─▶ Active. That read is answered. Returns the events that were held back,
    /// and how many of them it was about.
    pub fn finish_settling(&mut self, read: u64) -> Option<(HeldEvents, usize)> {
        if !self.is_settled_by(read) {
            return None;
        }
        let serial = self.serial()?;
        match std::mem::replace(&mut self.phase, Phase::Active { serial }) {
            Phase::Settling { asked, held, .. } => Some((held, asked)),
            _ => None,
        }
    }

    /// Enters Behind. Returns the read that is under way, if any.
    fn begin_behind(
        &mut self,
        serial: u64,
        resync: ResyncAt,
        places: &mut Vec<(u32, u32)>,
    ) -> Option<u64> {
        let read = self.read_under_way();
        self.drop_held(Phase::Behind { serial, resync }, places);
        read
    }

    /// Enters another phase of the same registration. Deletes among what was held count,
    /// though the events themselves go nowhere.
    fn drop_held(&mut self, phase: Phase, places: &mut Vec<(u32, u32)>) {
        self.give_up_rechecks();
        let before = std::mem::replace(&mut self.phase, phase);
        if let Phase::Reading { held, .. } | Phase::Settling { held, .. } = before {
            for (at, event) in held.iter() {
                self.note_delete(event, *at, places);
            }
        }
    }
}
