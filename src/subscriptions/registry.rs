//! All live subscriptions of a client, found by place, id and uid.

use std::borrow::Borrow;
use std::collections::HashSet;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::scope::{ScopeId, Scopes};
use super::shared_options::SharedOptions;
use super::spec::SubscriptionSpec;
use super::subscription::{Role, SubId, Subscription};
use crate::growth::reserve_one;
use crate::handover::{DeliveryOptions, SubscriptionMeta};
use crate::protocol::wire_uid::WireUid;

#[derive(Debug, Default)]
struct Slot {
    generation: u32,
    // Boxed: a slot stays for good, a subscription comes and goes.
    subscription: Option<Box<Subscription>>,
}

/// A uid as a key that shares the meta's memory.
#[derive(Debug)]
struct UidKey(Arc<SubscriptionMeta>);

impl Borrow<str> for UidKey {
    fn borrow(&self) -> &str {
        self.0.uid_str()
    }
}

impl PartialEq for UidKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.uid_str() == other.0.uid_str()
    }
}

impl Eq for UidKey {}

impl Hash for UidKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.uid_str().hash(state);
    }
}

/// The registry.
#[derive(Debug, Default)]
pub struct Registry {
    slots: Vec<Slot>,
    /// Slots that delivery has let go of.
    free: Vec<u32>,
    by_uid: HashSet<UidKey>,
    scopes: Scopes,
    options: SharedOptions,
    made: u64,
}

impl Registry {
    /// Reserves the place for a subscription that [`Registry::insert`] fills, or that is given
    /// back by [`Registry::cancel`].
    pub fn reserve(&mut self) -> SubId {
        let slot = self.free.pop().unwrap_or_else(|| {
            reserve_one(&mut self.slots);
            self.slots.push(Slot::default());
            (self.slots.len() - 1) as u32
        });
        SubId {
            slot,
            generation: self.slots[slot as usize].generation,
        }
    }

    /// Gives back a reserved place, in which no subscription is made. Its id names nothing.
    pub fn cancel(&mut self, id: SubId) {
        let place = &mut self.slots[id.slot as usize];
        place.generation = place.generation.wrapping_add(1);
        self.free.push(id.slot);
    }

    /// See [`SharedOptions::share`].
    pub fn share_options(&mut self, options: DeliveryOptions) -> Arc<DeliveryOptions> {
        self.options.share(options)
    }

    /// Makes a subscription in a reserved place.
    pub fn insert(
        &mut self,
        id: SubId,
        meta: Arc<SubscriptionMeta>,
        spec: SubscriptionSpec,
        scope: Option<ScopeId>,
        role: Role,
    ) {
        self.made += 1;
        if role != Role::Hidden {
            self.by_uid.insert(UidKey(Arc::clone(&meta)));
        }
        if let Some(members) = scope.and_then(|scope| self.scopes.members_mut(scope)) {
            members.push(id);
        }
        let subscription = Subscription::new(id, meta, spec, scope, self.made, role);
        self.slots[id.slot as usize].subscription = Some(Box::new(subscription));
    }

    /// Takes a subscription out. Its place is free after [`Registry::released`].
    pub fn remove(&mut self, id: SubId) -> Option<Box<Subscription>> {
        let place = self.slots.get_mut(id.slot as usize)?;
        if place.generation != id.generation {
            return None;
        }
        let subscription = place.subscription.take()?;
        place.generation = place.generation.wrapping_add(1);
        if !subscription.is_hidden() {
            self.by_uid.remove(subscription.meta().uid_str());
        }
        if let Some(scope) = subscription.scope() {
            self.scopes.forget(scope, id);
        }
        Some(subscription)
    }

    /// Delivery has let go of the place of a subscription that was removed.
    pub fn released(&mut self, slot: u32) {
        self.free.push(slot);
    }

    /// The subscription of that name, if it lives.
    pub fn get(&self, id: SubId) -> Option<&Subscription> {
        let place = self.slots.get(id.slot as usize)?;
        let subscription = place.subscription.as_deref()?;
        (place.generation == id.generation).then_some(subscription)
    }

    /// See [`Registry::get`].
    pub fn get_mut(&mut self, id: SubId) -> Option<&mut Subscription> {
        let place = self.slots.get_mut(id.slot as usize)?;
        let subscription = place.subscription.as_deref_mut()?;
        (place.generation == id.generation).then_some(subscription)
    }

    /// The subscription in that place, if there is one.
    pub fn at_mut(&mut self, slot: u32) -> Option<&mut Subscription> {
        self.slots
            .get_mut(slot as usize)?
            .subscription
            .as_deref_mut()
    }

    /// The subscription that the server knows under that wire uid, if it is known under it
    /// now: not under an earlier one.
    pub fn by_wire_mut(&mut self, wire: WireUid) -> Option<&mut Subscription> {
        let known = self.at_mut(wire.slot);
        known.filter(|subscription| subscription.serial() == Some(wire.serial))
    }

    /// The subscription with that uid.
    pub fn by_uid(&self, uid: &str) -> Option<&Subscription> {
        let place = self.slots.get(self.by_uid.get(uid)?.0.slot as usize)?;
        place.subscription.as_deref()
    }

    /// All subscriptions, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Subscription> {
        self.slots
            .iter()
            .filter_map(|slot| slot.subscription.as_deref())
    }

    /// See [`Registry::iter`].
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Subscription> {
        self.slots
            .iter_mut()
            .filter_map(|slot| slot.subscription.as_deref_mut())
    }

    /// The ids that pass, in the order in which they were made.
    pub fn select(&self, mut pass: impl FnMut(&Subscription) -> bool) -> Vec<SubId> {
        let mut chosen: Vec<_> = self
            .iter()
            .filter(|s| pass(s))
            .map(|s| (s.order(), s.id()))
            .collect();
        chosen.sort_unstable();
        chosen.into_iter().map(|(_, id)| id).collect()
    }

    /// How many there are that the application knows of.
    pub fn len(&self) -> usize {
        self.by_uid.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_uid.is_empty()
    }

    /// Opens a scope.
    pub fn open_scope(&mut self) -> ScopeId {
        self.scopes.open()
    }

    /// Whether a scope is open.
    pub fn scope_is_open(&mut self, scope: ScopeId) -> bool {
        self.scopes.members_mut(scope).is_some()
    }

    /// Closes a scope and names the subscriptions that end with it; `None` when
    /// it is stale. Persistent members live on, without a scope.
    pub fn close_scope(&mut self, scope: ScopeId) -> Option<Vec<SubId>> {
        let mut members = self.scopes.close(scope)?;
        members.retain(|&id| match self.get_mut(id) {
            Some(subscription) => {
                subscription.leave_scope();
                !subscription.spec().persistent
            }
            None => false,
        });
        Some(members)
    }
}
