//! Handles: opaque integers in pointer types, never dereferenced; see [`table`](super::table).
//!
//! While a table is locked, no client is called and nothing of a client is dropped: what runs then
//! may need the table itself.

use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;

use super::process;
use super::table::{FORKS, Found, Parts, Table};
use super::types::drt_scope;
use crate::client::{Client, ScopeId, SubId};
use crate::error::{Error, Result, Status};
use crate::rows::Feed;

/// The thread of a close that does not block, until a close has waited for it.
pub(super) type EndingThread = Mutex<Option<JoinHandle<()>>>;

/// What a handle names.
#[derive(Clone)]
pub(super) enum Object {
    Client(Client),
    /// A client that a thread has begun to close.
    Closing(Client),
    /// The same where the close does not block: the handle is stale for all but another close.
    Ending(Client, Arc<EndingThread>),
    Scope(Client, ScopeId),
    Subscription(Client, SubId),
    Live(Client, SubId, Arc<Feed>),
}

impl Object {
    /// The client that it belongs to.
    pub fn client(&self) -> &Client {
        match self {
            Object::Client(client)
            | Object::Closing(client)
            | Object::Ending(client, _)
            | Object::Scope(client, _)
            | Object::Subscription(client, _)
            | Object::Live(client, ..) => client,
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Object::Client(_) | Object::Closing(_) | Object::Ending(..) => "a client",
            Object::Scope(..) => "a scope",
            Object::Subscription(..) => "a subscription",
            Object::Live(..) => "a live collection",
        }
    }
}

/// One table for each depth of forks: a forked child begins with an empty one and never finds a
/// lock that a thread of its parent held.
static TABLES: [RwLock<Table<Object>>; FORKS] = [const { RwLock::new(Table::new()) }; FORKS];

/// How many forks lie between the first process and this one, modulo [`FORKS`].
fn depth() -> usize {
    process::forks() as usize % FORKS
}

fn with_table<R>(f: impl FnOnce(&mut Table<Object>) -> R) -> R {
    f(&mut TABLES[depth()]
        .write()
        .unwrap_or_else(PoisonError::into_inner))
}

/// A handle as an integer.
pub(super) type RawHandle = u64;

/// The parts of an integer that may be a handle of this process.
fn own_parts(number: RawHandle) -> Option<Parts> {
    let parts = usize::try_from(number).ok().and_then(Parts::of)?;
    (parts.fork == depth()).then_some(parts)
}

/// A new handle of a client.
pub(super) fn insert_client(client: Client) -> Result<RawHandle> {
    let depth = depth();
    // An old entry of the place is dropped here, after the lock is released.
    let added = with_table(|table| table.add(Object::Client(client), depth));
    added
        .map(|(number, _before)| number as RawHandle)
        .ok_or_else(too_many)
}

/// A new handle of something that belongs to a client, unless the client's own is stale by now, or
/// its others have been removed because its close goes on elsewhere: then nothing would ever remove
/// this one.
pub(super) fn insert(owner: RawHandle, object: Object) -> Result<RawHandle> {
    let gone = || Error::new(Status::Closed, "the client is closed");
    let (depth, owner) = (depth(), own_parts(owner).ok_or_else(gone)?);
    let added = with_table(|table| match table.get(owner) {
        Found::Entry(Object::Ending(..)) | Found::Stale | Found::Unknown => Err(object),
        Found::Entry(_) => Ok(table.add(object, depth)),
    });
    let added = added.map_err(|_object| gone())?;
    added
        .map(|(number, _before)| number as RawHandle)
        .ok_or_else(too_many)
}

fn too_many() -> Error {
    let message = "too many clients, scopes and subscriptions are open: close some";
    Error::new(Status::QueueFull, message)
}

/// Makes a handle stale.
pub(super) fn remove(number: RawHandle) {
    if let Some(parts) = own_parts(number) {
        let _object = with_table(|table| table.take(parts));
    }
}

/// A subscription has ended and its callback is released. The handle still finds it for a while,
/// because the client can say how it ended.
pub(super) fn retire(number: RawHandle) {
    if let Some(parts) = own_parts(number) {
        with_table(|table| table.leave(parts));
    }
}

/// Makes every handle of a client stale.
pub(super) fn remove_all_of(client: &Client) {
    let _objects = with_table(|table| table.take_all(|object| object.client().is_same(client)));
}

/// Looks up a handle; `name` is the parameter's.
fn find(number: RawHandle, name: &'static str) -> Result<Object> {
    let invalid =
        |why: &str| Error::new(Status::InvalidHandle, format!("`{name}` {why}")).about(name);
    let stale = || invalid("is stale: what it stood for has ended");
    let foreign = || invalid("is not a handle of this library");
    if number == 0 {
        return Err(invalid("is NULL"));
    }
    let parts = usize::try_from(number)
        .ok()
        .and_then(Parts::of)
        .ok_or_else(foreign)?;
    if parts.fork != depth() {
        return Err(match inherited(parts) {
            Found::Entry(()) => {
                let message = format!(
                    "`{name}` was inherited through fork(): make a client of the child's own instead"
                );
                Error::new(Status::Forked, message).about(name)
            }
            Found::Stale => stale(),
            Found::Unknown => foreign(),
        });
    }
    let table = TABLES[parts.fork]
        .read()
        .unwrap_or_else(PoisonError::into_inner);
    match table.get(parts) {
        Found::Entry(Object::Ending(..)) | Found::Stale => Err(stale()),
        Found::Entry(object) => Ok(object.clone()),
        Found::Unknown => Err(foreign()),
    }
}

/// What a handle named in a process that this one was forked from.
fn inherited(parts: Parts) -> Found<()> {
    if parts.fork > depth() {
        return Found::Unknown;
    }
    // A thread that held the lock when the process forked does not exist here.
    let Ok(table) = TABLES[parts.fork].try_read() else {
        return Found::Entry(());
    };
    match table.get(parts) {
        Found::Entry(_) => Found::Entry(()),
        Found::Stale => Found::Stale,
        Found::Unknown => Found::Unknown,
    }
}

fn wrong_kind(object: &Object, name: &'static str, wanted: &str) -> Error {
    let message = format!("`{name}` is a handle of {}, not of {wanted}", object.kind());
    Error::new(Status::InvalidHandle, message).about(name)
}

/// The client of a handle.
pub(super) fn client<T>(handle: *mut T, name: &'static str) -> Result<Client> {
    match find(handle as RawHandle, name)? {
        Object::Client(client) | Object::Closing(client) => Ok(client),
        other => Err(wrong_kind(&other, name, "a client")),
    }
}

/// Begins to close a client. Only one thread succeeds.
pub(super) fn begin_close(number: RawHandle, client: &Client) -> Result<()> {
    begin(number, Object::Closing(client.clone()))
}

/// Begins a close that goes on elsewhere: the handle is stale, except for another close.
pub(super) fn begin_ending(
    number: RawHandle,
    client: &Client,
    thread: &Arc<EndingThread>,
) -> Result<()> {
    begin(number, Object::Ending(client.clone(), Arc::clone(thread)))
}

fn begin(number: RawHandle, closing: Object) -> Result<()> {
    let begun = own_parts(number).and_then(|parts| {
        with_table(|table| match table.get(parts) {
            Found::Entry(Object::Client(_)) => table.replace(parts, closing),
            _ => None,
        })
    });
    let message = "`client` is being closed by another thread";
    begun
        .map(|_client| ())
        .ok_or_else(|| Error::new(Status::Closed, message))
}

/// The client cannot be closed after all.
pub(super) fn reopen(number: RawHandle, client: &Client) {
    replace(number, Object::Client(client.clone()));
}

/// The close of a client goes on elsewhere: makes every other handle of it stale.
pub(super) fn remove_all_but_ending(client: &Client) {
    let is_left =
        |object: &Object| !matches!(object, Object::Ending(..)) && object.client().is_same(client);
    let _objects = with_table(|table| table.take_all(is_left));
}

/// The client of a handle that is stale because its close goes on elsewhere.
pub(super) fn ending_client(number: RawHandle) -> Option<(Client, Arc<EndingThread>)> {
    let parts = own_parts(number)?;
    let table = TABLES[parts.fork]
        .read()
        .unwrap_or_else(PoisonError::into_inner);
    match table.get(parts) {
        Found::Entry(Object::Ending(client, thread)) => Some((client.clone(), Arc::clone(thread))),
        _ => None,
    }
}

fn replace(number: RawHandle, object: Object) {
    if let Some(parts) = own_parts(number) {
        let _before = with_table(|table| table.replace(parts, object));
    }
}

/// The scope of a handle.
pub(super) fn scope<T>(handle: *mut T, name: &'static str) -> Result<(Client, ScopeId)> {
    match find(handle as RawHandle, name)? {
        Object::Scope(client, id) => Ok((client, id)),
        other => Err(wrong_kind(&other, name, "a scope")),
    }
}

/// The scope in which a client is to make something; none where the handle is NULL.
pub(super) fn scope_of(handle: *mut drt_scope, client: &Client) -> Result<Option<ScopeId>> {
    if handle.is_null() {
        return Ok(None);
    }
    let (of, id) = scope(handle, "scope")?;
    if !of.is_same(client) {
        let message = "`scope` belongs to another client";
        return Err(Error::new(Status::InvalidHandle, message).about("scope"));
    }
    Ok(Some(id))
}

/// The client, the subscription and the feed of a live collection's handle. It may find one that has
/// ended; the feed knows.
pub(super) fn live<T>(handle: *mut T, name: &'static str) -> Result<(Client, SubId, Arc<Feed>)> {
    match find(handle as RawHandle, name)? {
        Object::Live(_, _, feed) if feed.is_closed() => {
            let message = format!("`{name}` is stale: what it stood for has ended");
            Err(Error::new(Status::InvalidHandle, message).about(name))
        }
        Object::Live(client, id, feed) => Ok((client, id, feed)),
        other => Err(wrong_kind(&other, name, "a live collection")),
    }
}

/// The client and the subscription of a handle; a live collection is one, too. It may find a subscription that has ended; the
/// client knows.
pub(super) fn subscription<T>(handle: *mut T, name: &'static str) -> Result<(Client, SubId)> {
    match find(handle as RawHandle, name)? {
        Object::Subscription(client, id) | Object::Live(client, id, _) => Ok((client, id)),
        other => Err(wrong_kind(&other, name, "a subscription")),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::client::ClientOptions;

    #[test]
    fn nothing_gets_a_handle_while_the_close_of_its_client_goes_on_elsewhere() {
        let options = ClientOptions {
            url: "ws://127.0.0.1:1/".to_owned(),
            ..ClientOptions::default()
        };
        let client = Client::new(options).unwrap();
        let number = insert_client(client.clone()).unwrap();
        let scope = client.new_scope().unwrap();
        let object = || Object::Scope(client.clone(), scope);
        let before = insert(number, object()).unwrap();
        begin_ending(number, &client, &Arc::default()).unwrap();
        remove_all_but_ending(&client);
        assert_eq!(insert(number, object()).unwrap_err().status, Status::Closed);
        let handle = before as *mut drt_scope;
        assert!(super::scope(handle, "scope").is_err());
        remove(number);
        client.close(Instant::now(), Instant::now()).unwrap();
    }
}
