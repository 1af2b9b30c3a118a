//! Checks what the session hands to the delivery: after a gap, a subscription's first event
//! is one INIT with RESYNC (I3), and only subscriptions that the server refused are ended
//! by an error (I1).

use std::collections::HashMap;
use std::sync::atomic::Ordering;

use directus_realtime::handover::{DeliveryItem, EventKind, FLAG_ENDED, FLAG_RESYNC};

use crate::mirror::Shared;
use crate::schedule::Setting;

struct SlotState {
    number: u64,
    /// An INIT was handed over, or dropped in an overflow.
    had_init: bool,
    /// Something may have been lost since.
    gap: bool,
}

pub struct Stream {
    slots: HashMap<u32, SlotState>,
    /// The frames come from a link that was replaced, or whose token has expired.
    stale: bool,
    /// The session reads rows again. Where such a read fails it resyncs,
    /// which the model cannot foresee.
    pub rereads: bool,
    /// Errors carry no uid, so that a read which is refused may look like one that is not answered.
    is_old: bool,
    shared: Shared,
}

impl Stream {
    pub fn new(setting: &Setting, shared: &Shared) -> Stream {
        Stream {
            rereads: setting.overtakes.is_some()
                || setting.silent_one_in > 0
                || setting.rate_limit.is_some(),
            is_old: setting.old_server,
            slots: HashMap::new(),
            stale: false,
            shared: shared.clone(),
        }
    }

    pub fn look(&mut self, items: &[DeliveryItem]) {
        for item in items {
            match item {
                DeliveryItem::Register { meta, .. } => {
                    let state = SlotState {
                        number: meta.tag,
                        had_init: false,
                        gap: false,
                    };
                    self.slots.insert(meta.slot, state);
                    self.shared.take_refused(meta.slot);
                }
                DeliveryItem::Release { slot } => drop(self.slots.remove(slot)),
                DeliveryItem::Event(event) => {
                    if self.stale {
                        let text = format!(
                            "I2: {:?} from a link that was replaced or has expired",
                            event.kind
                        );
                        self.shared.violations.add(text);
                    }
                    if event.kind == EventKind::Error && event.flags & FLAG_ENDED != 0 {
                        self.check_refusal(event.slot);
                    }
                    let rereads = self.rereads
                        || (self.is_old && self.shared.refusals.load(Ordering::SeqCst));
                    if let Some(state) = self.slots.get_mut(&event.slot) {
                        state.gap |= rereads && event.kind == EventKind::Init && state.had_init;
                        if let Err(text) = state.take(event.kind, event.flags) {
                            let text = format!("I3: subscription {}: {text}", state.number);
                            self.shared.violations.add(text);
                        }
                    }
                }
                _ => {}
            }
        }
    }

    /// A subscription ended by an error was refused by the server, or would be (I1).
    fn check_refusal(&self, slot: u32) {
        if let Some(state) = self.slots.get(&slot) {
            if !self.shared.take_refused(slot) && !self.shared.is_revoked() {
                let text = "refused, though the server has not refused it";
                let text = format!("I1: subscription {}: {text}", state.number);
                self.shared.violations.add(text);
            }
        }
    }

    /// A link was lost: every subscription has a gap.
    pub fn link_lost(&mut self) {
        for state in self.slots.values_mut() {
            state.gap = true;
        }
    }

    /// Sets whether the next frames come from a link that was replaced, or whose token has
    /// expired: none of their events may be handed over.
    pub fn set_stale(&mut self, stale: bool) {
        self.stale = stale;
    }

    pub fn overflow(&mut self, slot: u32) {
        if let Some(state) = self.slots.get_mut(&slot) {
            (state.had_init, state.gap) = (true, true);
        }
    }
}

impl SlotState {
    fn take(&mut self, kind: EventKind, flags: u32) -> Result<(), String> {
        let behind = self.had_init && self.gap;
        match kind {
            EventKind::Init => {
                let resync = flags & FLAG_RESYNC != 0;
                if resync != self.had_init {
                    return Err(format!("an INIT with RESYNC {resync}"));
                }
                if self.had_init && !self.gap {
                    return Err("an INIT though nothing was lost".into());
                }
                (self.had_init, self.gap) = (true, false);
            }
            EventKind::Error if flags & FLAG_ENDED != 0 => {}
            kind if behind => return Err(format!("{kind:?} before the RESYNC")),
            EventKind::Error => {}
            kind if !self.had_init => return Err(format!("{kind:?} before the INIT")),
            _ => {}
        }
        Ok(())
    }
}
