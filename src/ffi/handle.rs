//! Handles: numbers in pointer's clothing, never dereferenced.
//!
//! A handle packs, from the top: 32 bits of the place's generation, 7 bits that
//! count forks, 24 bits of the place, and a 1, so that it is never NULL and
//! never looks like an aligned address.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::process;
use crate::client::{Client, ScopeId, SubId};
use crate::error::{Error, Result, Status};

const _: () = assert!(usize::BITS == 64, "a handle is a 64-bit number");

const PLACE_BITS: u32 = 24;
const FORK_BITS: u32 = 7;
const FORK_SHIFT: u32 = 1 + PLACE_BITS;
const GENERATION_SHIFT: u32 = 32;

/// What a handle stands for.
#[derive(Clone)]
pub(super) enum Object {
    /// Given out to nobody yet.
    Reserved,
    Client(Client),
    Scope(Client, ScopeId),
    Subscription(Client, SubId),
}

impl Object {
    fn kind(&self) -> &'static str {
        match self {
            Object::Reserved => "nothing yet",
            Object::Client(_) => "a client",
            Object::Scope(..) => "a scope",
            Object::Subscription(..) => "a subscription",
        }
    }
}

struct Place {
    generation: u32,
    object: Option<Object>,
}

#[derive(Default)]
struct Table {
    places: Vec<Place>,
    free: Vec<u32>,
}

/// One table for each generation of forks: a child begins with an empty one and
/// never meets a lock that a thread of its parent held.
static TABLES: [RwLock<Table>; 1 << FORK_BITS] = [const {
    RwLock::new(Table {
        places: Vec::new(),
        free: Vec::new(),
    })
}; 1 << FORK_BITS];

fn table() -> &'static RwLock<Table> {
    &TABLES[(process::forks() % (1 << FORK_BITS)) as usize]
}

fn read() -> RwLockReadGuard<'static, Table> {
    table().read().unwrap_or_else(PoisonError::into_inner)
}

fn write() -> RwLockWriteGuard<'static, Table> {
    table().write().unwrap_or_else(PoisonError::into_inner)
}

/// A handle as a number.
pub(super) type Number = u64;

fn pack(place: u32, generation: u32) -> Number {
    let forks = process::forks() % (1 << FORK_BITS);
    1 | u64::from(place) << 1 | forks << FORK_SHIFT | u64::from(generation) << GENERATION_SHIFT
}

/// A new handle, for now of nothing.
pub(super) fn reserve() -> Result<Number> {
    process::watch_forks();
    let mut table = write();
    let place = match table.free.pop() {
        Some(place) => place,
        None => {
            let place = table.places.len() as u32;
            if place >> PLACE_BITS != 0 {
                let message = "more than 16 million handles are open: close some";
                return Err(Error::new(Status::InvalidArgument, message));
            }
            // Salted, so that small numbers are no handles.
            let generation = RandomState::new().build_hasher().finish() as u32 | 1 << 31;
            table.places.push(Place {
                generation,
                object: None,
            });
            place
        }
    };
    let entry = &mut table.places[place as usize];
    entry.object = Some(Object::Reserved);
    Ok(pack(place, entry.generation))
}

/// Says what a reserved handle stands for. Nothing where it was given back.
pub(super) fn fill(number: Number, object: Object) {
    let mut table = write();
    if let Some(place) = table.place_mut(number) {
        if place.object.is_some() {
            place.object = Some(object);
        }
    }
}

/// A new handle of something.
pub(super) fn insert(object: Object) -> Result<Number> {
    let number = reserve()?;
    fill(number, object);
    Ok(number)
}

/// Makes a handle stale.
pub(super) fn remove(number: Number) {
    // Dropped with the lock given back: it may be the last of its client.
    let _object = {
        let mut table = write();
        let Some(place) = table.place_mut(number) else {
            return;
        };
        let object = place.object.take();
        if object.is_some() {
            place.generation = place.generation.wrapping_add(1);
            table
                .free
                .push((number >> 1) as u32 & ((1 << PLACE_BITS) - 1));
        }
        object
    };
}

/// Makes every handle that passes stale.
pub(super) fn remove_where(pass: impl Fn(&Object) -> bool) {
    let mut removed = Vec::new();
    let mut table = write();
    let Table { places, free } = &mut *table;
    for (place, entry) in places.iter_mut().enumerate() {
        if entry.object.as_ref().is_some_and(&pass) {
            removed.push(entry.object.take());
            entry.generation = entry.generation.wrapping_add(1);
            free.push(place as u32);
        }
    }
    drop(table);
}

impl Table {
    fn place_mut(&mut self, number: Number) -> Option<&mut Place> {
        let place = (number >> 1) as usize & ((1 << PLACE_BITS) - 1);
        let place = self.places.get_mut(place)?;
        (place.generation == (number >> GENERATION_SHIFT) as u32).then_some(place)
    }
}

/// Looks a handle up; `name` is the parameter's.
fn find(number: Number, name: &str) -> Result<Object> {
    let invalid = |why: &str| Error::new(Status::InvalidHandle, format!("`{name}` {why}"));
    if number == 0 {
        return Err(invalid("is NULL"));
    }
    let foreign = || invalid("is not a handle of this library");
    let place = (number >> 1) as usize & ((1 << PLACE_BITS) - 1);
    let forks = (number >> FORK_SHIFT) & ((1 << FORK_BITS) - 1);
    let now = process::forks() % (1 << FORK_BITS);
    let generation = (number >> GENERATION_SHIFT) as u32;
    if number & 1 == 0 {
        return Err(foreign());
    }
    if forks != now {
        let before = &TABLES[forks as usize];
        // A thread of the parent may hold it for ever; then we cannot look.
        let known = before.try_read().map(|table| {
            table
                .places
                .get(place)
                .is_some_and(|entry| entry.generation == generation)
        });
        if forks < now && known.unwrap_or(true) {
            let message = format!(
                "`{name}` was inherited through fork(): make a client of the child's own instead"
            );
            return Err(Error::new(Status::Forked, message));
        }
        return Err(foreign());
    }
    let table = read();
    let entry = table.places.get(place).ok_or_else(foreign)?;
    match &entry.object {
        Some(object) if entry.generation == generation => Ok(object.clone()),
        _ if entry.generation.wrapping_sub(generation) < 1 << 20 => {
            Err(invalid("is stale: what it stood for has ended"))
        }
        _ => Err(foreign()),
    }
}

fn wrong_kind(object: &Object, name: &str, wanted: &str) -> Error {
    let message = format!("`{name}` is a handle of {}, not of {wanted}", object.kind());
    Error::new(Status::InvalidHandle, message)
}

/// The client of a handle.
pub(super) fn client<T>(handle: *mut T, name: &str) -> Result<Client> {
    match find(handle as Number, name)? {
        Object::Client(client) => Ok(client),
        other => Err(wrong_kind(&other, name, "a client")),
    }
}

/// The scope of a handle.
pub(super) fn scope<T>(handle: *mut T, name: &str) -> Result<(Client, ScopeId)> {
    match find(handle as Number, name)? {
        Object::Scope(client, id) => Ok((client, id)),
        other => Err(wrong_kind(&other, name, "a scope")),
    }
}

/// The subscription of a handle.
pub(super) fn subscription<T>(handle: *mut T, name: &str) -> Result<(Client, SubId)> {
    match find(handle as Number, name)? {
        Object::Subscription(client, id) => Ok((client, id)),
        other => Err(wrong_kind(&other, name, "a subscription")),
    }
}
