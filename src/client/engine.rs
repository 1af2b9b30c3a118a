//! Where session and delivery meet: one step gives the session an input and passes on what it
//! decides. No sockets, no clock, no locks.
//!
//! The library, the simulation, the fuzz target and the session's tests all run it; they
//! differ in what they do with delivery items and effects.

use crate::handover::DeliveryItem;
use crate::session::{Effect, Now, Session};

/// An overflow of a subscription: its slot and its new epoch.
pub type Overflow = (u32, u32);

/// Gives the session an input and passes on everything that it decides.
///
/// `deliver` takes the delivery items and returns the overflows, which the session repairs by a
/// RESYNC. `carry_out` then gets each effect, in order. The caller
/// holds whatever guards the session until this returns, so that effects happen in the
/// order in which the session decided them.
pub fn step<R>(
    session: &mut Session,
    now: Now,
    input: impl FnOnce(&mut Session, Now) -> R,
    deliver: impl FnOnce(&mut Vec<DeliveryItem>) -> Vec<Overflow>,
    carry_out: impl FnMut(Effect),
) -> R {
    let result = input(session, now);
    let mut items = session.take_items();
    if !items.is_empty() {
        for (slot, epoch) in deliver(&mut items) {
            session.on_overflow(slot, epoch);
        }
        debug_assert!(items.is_empty(), "delivery takes every item");
    }
    session.recycle_items(items);
    let mut effects = session.take_effects();
    effects.drain(..).for_each(carry_out);
    session.recycle_effects(effects);
    result
}
