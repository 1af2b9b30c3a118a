//! A table of handles: integers that each name one entry and never another one later.
//!
//! A handle packs the place of its entry (`index`), the use of that place (`generation`, which
//! begins at a random number) and the number of forks before the process that gave it out (`fork`).
//! It is odd, so that no aligned pointer looks like a handle. In a 64-bit process it has at most 47
//! bits, so that it looks like an address to languages that keep other data in the upper bits of a
//! pointer.

use std::collections::VecDeque;

use crate::growth::reserve_one;

#[cfg(target_pointer_width = "64")]
const BITS: [u32; 3] = [20, 7, 19];
#[cfg(not(target_pointer_width = "64"))]
const BITS: [u32; 3] = [12, 3, 16];

const INDEX_BITS: u32 = BITS[0];
const FORK_BITS: u32 = BITS[1];
const GENERATION_BITS: u32 = BITS[2];

/// How many depths of forks the handles can distinguish.
pub(super) const FORKS: usize = 1 << FORK_BITS;

/// A place is reused only after this many others have been left after it, so that a generation
/// repeats only after hundreds of millions of handles.
const RESTING: usize = 1024;

const fn mask(bits: u32) -> usize {
    (1 << bits) - 1
}

/// The parts of a handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Parts {
    index: usize,
    generation: usize,
    /// The number of forks before the process, modulo [`FORKS`].
    pub fork: usize,
}

impl Parts {
    /// Unpacks an integer; `None` if no handle looks like it.
    pub fn of(handle: usize) -> Option<Parts> {
        let fork = handle >> 1;
        let index = fork >> FORK_BITS;
        let generation = index >> INDEX_BITS;
        let odd = handle & 1 == 1;
        (odd && generation >> GENERATION_BITS == 0).then_some(Parts {
            index: index & mask(INDEX_BITS),
            generation,
            fork: fork & mask(FORK_BITS),
        })
    }

    fn pack(self) -> usize {
        ((((self.generation << INDEX_BITS) | self.index) << FORK_BITS) | self.fork) << 1 | 1
    }
}

/// What an integer names.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found<T> {
    /// This entry.
    Entry(T),
    /// An entry that is gone.
    Stale,
    /// Nothing: it was never given out.
    Unknown,
}

/// A place for entries.
#[derive(Debug)]
struct Place<E> {
    /// The generation of the first entry, and of the present or last one.
    first: u32,
    generation: u32,
    content: Content<E>,
}

#[derive(Debug)]
enum Content<E> {
    /// What was there is gone.
    Nothing,
    /// An entry that was added.
    Taken(E),
    /// It was left, and can be found until the place is reused.
    Left(E),
}

impl<E> Content<E> {
    fn entry(&self) -> Option<&E> {
        match self {
            Content::Nothing => None,
            Content::Taken(entry) | Content::Left(entry) => Some(entry),
        }
    }

    /// Takes the entry out. Whether the place was in use until then: given out and not left.
    fn take(&mut self) -> (Option<E>, bool) {
        match std::mem::replace(self, Content::Nothing) {
            Content::Nothing => (None, false),
            Content::Taken(entry) => (Some(entry), true),
            Content::Left(entry) => (Some(entry), false),
        }
    }
}

/// The table.
#[derive(Debug)]
pub(super) struct Table<E> {
    places: Vec<Place<E>>,
    resting: VecDeque<usize>,
}

impl<E> Table<E> {
    /// An empty table.
    pub const fn new() -> Table<E> {
        Table {
            places: Vec::new(),
            resting: VecDeque::new(),
        }
    }

    /// Adds an entry; `fork` is the process's number of forks. `None` if there are too many. Also
    /// returns the old entry of the place, to be dropped where no lock is held.
    pub fn add(&mut self, entry: E, fork: usize) -> Option<(usize, Option<E>)> {
        let full = self.places.len() > mask(INDEX_BITS);
        if full || self.resting.len() > RESTING {
            let index = self.resting.pop_front()?;
            let place = self.places.get_mut(index)?;
            place.generation = (place.generation + 1) & mask(GENERATION_BITS) as u32;
            let (old, _) = place.content.take();
            place.content = Content::Taken(entry);
            let parts = Parts {
                index,
                generation: place.generation as usize,
                fork,
            };
            return Some((parts.pack(), old));
        }
        let first = fastrand::usize(..=mask(GENERATION_BITS));
        let parts = Parts {
            index: self.places.len(),
            generation: first,
            fork,
        };
        reserve_one(&mut self.places);
        self.places.push(Place {
            first: first as u32,
            generation: first as u32,
            content: Content::Taken(entry),
        });
        Some((parts.pack(), None))
    }

    /// What a handle names.
    pub fn get(&self, parts: Parts) -> Found<&E> {
        match self.places.get(parts.index) {
            None => Found::Unknown,
            Some(place) if place.generation as usize == parts.generation => {
                place.content.entry().map_or(Found::Stale, Found::Entry)
            }
            Some(place) => {
                let age = |generation: usize| {
                    generation.wrapping_sub(place.first as usize) & mask(GENERATION_BITS)
                };
                let given_out = age(parts.generation) < age(place.generation as usize);
                if given_out {
                    Found::Stale
                } else {
                    Found::Unknown
                }
            }
        }
    }

    /// Replaces an entry, also one that was left. Returns the old one, or `entry` if there is none.
    pub fn replace(&mut self, parts: Parts, entry: E) -> Option<E> {
        match self.place_mut(parts).map(|place| &mut place.content) {
            Some(Content::Taken(old) | Content::Left(old)) => Some(std::mem::replace(old, entry)),
            Some(Content::Nothing) => Some(entry),
            None => None,
        }
    }

    /// Frees a place. Its entry can be found until the place is reused.
    pub fn leave(&mut self, parts: Parts) {
        let Some(place) = self.place_mut(parts) else {
            return;
        };
        let (entry, was_taken) = place.content.take();
        place.content = entry.map_or(Content::Nothing, Content::Left);
        if was_taken {
            self.resting.push_back(parts.index);
        }
    }

    /// Removes an entry and frees its place.
    pub fn take(&mut self, parts: Parts) -> Option<E> {
        let (entry, was_taken) = self.place_mut(parts)?.content.take();
        if was_taken {
            self.resting.push_back(parts.index);
        }
        entry
    }

    /// Removes all entries that pass, including those that were left.
    pub fn take_all(&mut self, pass: impl Fn(&E) -> bool) -> Vec<E> {
        let mut taken = Vec::new();
        for (index, place) in self.places.iter_mut().enumerate() {
            if place.content.entry().is_some_and(&pass) {
                let (entry, was_taken) = place.content.take();
                taken.extend(entry);
                if was_taken {
                    self.resting.push_back(index);
                }
            }
        }
        taken
    }

    fn place_mut(&mut self, parts: Parts) -> Option<&mut Place<E>> {
        let place = self.places.get_mut(parts.index)?;
        (place.generation as usize == parts.generation).then_some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn add(table: &mut Table<u32>, entry: u32) -> usize {
        table.add(entry, 3).expect("room").0
    }

    fn parts(handle: usize) -> Parts {
        Parts::of(handle).expect("a handle")
    }

    #[test]
    fn a_handle_finds_its_entry_until_that_is_removed() {
        let mut table = Table::new();
        let handle = add(&mut table, 7);
        assert_eq!(table.get(parts(handle)), Found::Entry(&7));
        assert_eq!(table.take(parts(handle)), Some(7));
        assert_eq!(table.get(parts(handle)), Found::Stale);
        assert_eq!(table.take(parts(handle)), None);
    }

    #[test]
    fn an_entry_that_was_left_is_found_until_its_place_is_reused() {
        let mut table = Table::new();
        let first = add(&mut table, 0);
        table.leave(parts(first));
        table.leave(parts(first));
        assert_eq!(table.get(parts(first)), Found::Entry(&0));
        assert_eq!(table.replace(parts(first), 1), Some(0));
        for entry in 2..2 + 2 * RESTING as u32 {
            let other = add(&mut table, entry);
            assert_ne!(other, first);
            table.leave(parts(other));
        }
        assert_eq!(table.get(parts(first)), Found::Stale);
        assert_eq!(table.replace(parts(first), 3), None);
        assert!(table.places.len() <= RESTING + 1, "places are reused");
    }

    #[test]
    fn handles_are_odd_and_have_at_most_47_bits() {
        let mut table = Table::new();
        for entry in 0..100 {
            let handle = add(&mut table, entry);
            assert_eq!(handle % 2, 1);
            assert!(usize::BITS != 64 || (handle as u64) < 1 << 47);
        }
    }

    #[test]
    fn take_all_removes_the_entries_that_pass_and_no_others() {
        let mut table = Table::new();
        let handles: Vec<_> = (0..6).map(|entry| add(&mut table, entry)).collect();
        table.leave(parts(handles[0]));
        assert_eq!(table.take_all(|entry| entry % 2 == 0), [0, 2, 4]);
        assert_eq!(table.get(parts(handles[0])), Found::Stale);
        assert_eq!(table.get(parts(handles[4])), Found::Stale);
        assert_eq!(table.get(parts(handles[5])), Found::Entry(&5));
        assert_eq!(table.resting.len(), 3);
    }

    proptest! {
        #[test]
        fn no_other_integer_finds_an_entry(number in any::<usize>(), few in 0usize..4096) {
            let mut table = Table::new();
            let handle = add(&mut table, 1);
            for other in [number, few, handle ^ (1 << (number % usize::BITS as usize))] {
                // Each depth of forks has its own table.
                let parts = Parts::of(other).filter(|parts| parts.fork == 3);
                let found = parts.map(|parts| table.get(parts));
                prop_assert!(other == handle || !matches!(found, Some(Found::Entry(_))));
            }
        }

        #[test]
        fn a_handle_unpacks_to_its_parts(
            index in 0..=mask(INDEX_BITS),
            generation in 0..=mask(GENERATION_BITS),
            fork in 0..=mask(FORK_BITS),
        ) {
            let parts = Parts { index, generation, fork };
            prop_assert_eq!(Parts::of(parts.pack()), Some(parts));
        }
    }
}
