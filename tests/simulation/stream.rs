//! What the session hands to the delivery, before that has touched it: after a gap
//! the first event of a subscription is one INIT that says so (I3), and only who was
//! refused is told so (I1).

use std::collections::HashMap;

use directus_realtime::handover::{DeliveryItem, EventKind, FLAG_ENDED, FLAG_RESYNC};

use crate::mirror::Shared;
use crate::schedule::Setting;

struct Place {
    number: u64,
    /// An INIT was handed over, or lost for want of room.
    had_init: bool,
    /// Something may have been lost since.
    gap: bool,
}

pub struct Stream {
    places: HashMap<u32, Place>,
    /// What comes now comes on a link that is over, or whose token has expired.
    past: bool,
    /// An event may have come whose row could not be read: something is lost that only
    /// the session knows of.
    asks: bool,
    shared: Shared,
}

impl Stream {
    pub fn new(setting: &Setting, shared: &Shared) -> Stream {
        Stream {
            asks: setting.overtakes.is_some(),
            places: HashMap::new(),
            past: false,
            shared: shared.clone(),
        }
    }

    pub fn look(&mut self, items: &[DeliveryItem]) {
        for item in items {
            match item {
                DeliveryItem::Register { meta, .. } => {
                    let place = Place {
                        number: meta.tag,
                        had_init: false,
                        gap: false,
                    };
                    self.places.insert(meta.slot, place);
                    self.shared.take_refused(meta.slot);
                }
                DeliveryItem::Release { slot } => drop(self.places.remove(slot)),
                DeliveryItem::Event(event) => {
                    if self.past {
                        let text = format!("I2: {:?} on a link of the past", event.kind);
                        self.shared.complaints.add(text);
                    }
                    if event.kind == EventKind::Error && event.flags & FLAG_ENDED != 0 {
                        self.check_refusal(event.slot);
                    }
                    if let Some(place) = self.places.get_mut(&event.slot) {
                        place.gap |= self.asks && event.kind == EventKind::Init && place.had_init;
                        if let Err(text) = place.take(event.kind, event.flags) {
                            let text = format!("I3: subscription {}: {text}", place.number);
                            self.shared.complaints.add(text);
                        }
                    }
                }
                _ => {}
            }
        }
    }

    /// Who is refused was refused by the server, or would be (I1).
    fn check_refusal(&self, slot: u32) {
        if let Some(place) = self.places.get(&slot) {
            if !self.shared.take_refused(slot) && !self.shared.is_revoked() {
                let text = "refused, though the server has not refused it";
                let text = format!("I1: subscription {}: {text}", place.number);
                self.shared.complaints.add(text);
            }
        }
    }

    /// A link was lost: whatever comes next is behind a gap.
    pub fn break_off(&mut self) {
        for place in self.places.values_mut() {
            place.gap = true;
        }
    }

    /// Whether what is looked at next comes on a link that is over, or on one on which
    /// the token has expired: then nothing of it may be handed over.
    pub fn listen_to_the_past(&mut self, past: bool) {
        self.past = past;
    }

    pub fn overflow(&mut self, slot: u32) {
        if let Some(place) = self.places.get_mut(&slot) {
            (place.had_init, place.gap) = (true, true);
        }
    }
}

impl Place {
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
