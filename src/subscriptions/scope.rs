//! Scopes: groups of subscriptions that end together.

use super::subscription::SubId;

/// Names a scope for as long as it is open; stale afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ScopeId {
    slot: u32,
    generation: u32,
}

#[derive(Debug, Default)]
struct Slot {
    generation: u32,
    members: Option<Vec<SubId>>,
}

/// The open scopes of a client.
#[derive(Debug, Default)]
pub struct Scopes {
    slots: Vec<Slot>,
    free: Vec<u32>,
}

impl Scopes {
    /// Opens a scope.
    pub fn open(&mut self) -> ScopeId {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot::default());
            (self.slots.len() - 1) as u32
        });
        let place = &mut self.slots[slot as usize];
        place.members = Some(Vec::new());
        ScopeId {
            slot,
            generation: place.generation,
        }
    }

    /// The members of an open scope.
    pub fn members_mut(&mut self, scope: ScopeId) -> Option<&mut Vec<SubId>> {
        let place = self.slots.get_mut(scope.slot as usize)?;
        if place.generation != scope.generation {
            return None;
        }
        place.members.as_mut()
    }

    /// Closes a scope and gives back its members; `None` when it is stale.
    pub fn close(&mut self, scope: ScopeId) -> Option<Vec<SubId>> {
        self.members_mut(scope)?;
        let place = self.slots.get_mut(scope.slot as usize)?;
        place.generation = place.generation.wrapping_add(1);
        self.free.push(scope.slot);
        place.members.take()
    }

    /// Forgets a member that ended on its own.
    pub fn forget(&mut self, scope: ScopeId, member: SubId) {
        if let Some(members) = self.members_mut(scope) {
            members.retain(|&id| id != member);
        }
    }
}
