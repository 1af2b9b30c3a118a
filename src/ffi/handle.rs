//! The process's handles: what each number stands for, and what is wrong with it.
//!
//! No call goes into a client, and nothing of one is dropped, while the table is
//! locked: what runs then may need the table itself.

use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError, RwLock};
use std::thread::{self, ThreadId};
use std::time::Duration;

use super::table::{Found, Parts, Table, fork_part};
use super::types::{drt_client, drt_scope, drt_subscription};
use crate::client::{Client, ScopeId, SubId};
use crate::driver;
use crate::error::{Error, Result, Status};

/// A client and what the ABI keeps beside it.
pub(super) struct OpenClient {
    pub client: Client,
    /// What the last drain gave out.
    drained: Mutex<String>,
    closing: AtomicBool,
    /// Its handles are stale. Set and read with the table locked.
    gone: AtomicBool,
}

impl OpenClient {
    /// The buffer that the last drain gave out.
    pub fn drained(&self) -> MutexGuard<'_, String> {
        self.drained.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a handle stands for.
#[derive(Clone)]
enum Entry {
    Client(Arc<OpenClient>),
    Scope(Arc<OpenClient>, ScopeId),
    Subscription(Arc<OpenClient>, SubId),
    /// A subscription whose making has not returned, and the thread that makes it.
    Reserved(Arc<OpenClient>, ThreadId),
}

impl Entry {
    fn owner(&self) -> &Arc<OpenClient> {
        match self {
            Entry::Client(open)
            | Entry::Scope(open, _)
            | Entry::Subscription(open, _)
            | Entry::Reserved(open, _) => open,
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Entry::Client(_) => "a client",
            Entry::Scope(..) => "a scope",
            Entry::Subscription(..) | Entry::Reserved(..) => "a subscription",
        }
    }
}

/// The handles of one process. A forked child begins with none; its parent's are
/// kept, never freed and never locked, to tell what was inherited.
struct Process {
    depth: usize,
    parent: Option<&'static Process>,
    table: RwLock<Table<Entry>>,
}

static PROCESS: AtomicPtr<Process> = AtomicPtr::new(ptr::null_mut());
/// How many forks lie between this process and the one that loaded the library.
static DEPTH: AtomicUsize = AtomicUsize::new(0);

/// Runs in a forked child, before anything else: may only touch atomics.
extern "C" fn after_fork_in_child() {
    DEPTH.fetch_add(1, Ordering::SeqCst);
    driver::runtime::forget_after_fork();
}

fn process() -> &'static Process {
    static WATCH_FORKS: Once = Once::new();
    let depth = DEPTH.load(Ordering::SeqCst);
    let known = PROCESS.load(Ordering::SeqCst);
    // SAFETY: what is stored there is never freed.
    let parent = unsafe { known.as_ref() };
    if let Some(process) = parent.filter(|process| process.depth == depth) {
        return process;
    }
    if depth == 0 {
        WATCH_FORKS.call_once(|| {
            // SAFETY: the handler is a plain function that lives as long as the library.
            unsafe { libc::pthread_atfork(None, None, Some(after_fork_in_child)) };
        });
    }
    let table = RwLock::new(Table::new(depth));
    let fresh = Box::into_raw(Box::new(Process {
        depth,
        parent,
        table,
    }));
    let stored = PROCESS.compare_exchange(known, fresh, Ordering::SeqCst, Ordering::SeqCst);
    if stored.is_err() {
        // SAFETY: another thread was faster, and nobody has seen this one.
        drop(unsafe { Box::from_raw(fresh) });
    }
    process()
}

/// Runs something on the table of this process.
fn with_table<R>(f: impl FnOnce(&mut Table<Entry>) -> R) -> R {
    f(&mut process()
        .table
        .write()
        .unwrap_or_else(PoisonError::into_inner))
}

fn invalid(message: String) -> Error {
    Error::new(Status::InvalidHandle, message)
}

/// The entry of a handle, or what is wrong with it.
fn look_up(handle: usize, name: &str) -> Result<Entry> {
    if handle == 0 {
        return Err(invalid(format!("`{name}` is NULL")));
    }
    let unknown = || invalid(format!("`{name}` is not a handle of this library"));
    let parts = Parts::of(handle).ok_or_else(unknown)?;
    let process = process();
    if parts.fork != fork_part(process.depth) {
        return Err(inherited(process, parts, name).unwrap_or_else(unknown));
    }
    loop {
        let table = process.table.read().unwrap_or_else(PoisonError::into_inner);
        match table.get(parts) {
            Found::Entry(Entry::Reserved(_, maker)) if *maker != thread::current().id() => {}
            Found::Entry(Entry::Reserved(..)) => {
                let message = format!("`{name}` is still being made by this very thread");
                return Err(invalid(message));
            }
            Found::Entry(entry) => return Ok(entry.clone()),
            Found::Stale => return Err(stale(name)),
            Found::Unknown => return Err(unknown()),
        }
        drop(table);
        // Its first event is faster than the call that makes it: a matter of
        // microseconds.
        thread::sleep(Duration::from_micros(50));
    }
}

fn stale(name: &str) -> Error {
    let how = if name == "subscription" {
        "it has ended"
    } else {
        "it was closed"
    };
    invalid(format!("`{name}` is stale: {how}"))
}

/// What is wrong with a handle of a process that this one was forked from.
fn inherited(process: &Process, parts: Parts, name: &str) -> Option<Error> {
    let mut ancestors = std::iter::successors(process.parent, |process| process.parent);
    let giver = ancestors.find(|ancestor| fork_part(ancestor.depth) == parts.fork)?;
    // A thread that held the lock when the process forked does not exist here.
    let Ok(table) = giver.table.try_read() else {
        return Some(forked(name));
    };
    match table.get(parts) {
        Found::Entry(_) => Some(forked(name)),
        Found::Stale => Some(stale(name)),
        Found::Unknown => None,
    }
}

fn forked(name: &str) -> Error {
    let message =
        format!("`{name}` was inherited through fork: make a client of this process's own");
    Error::new(Status::Forked, message)
}

fn wrong_kind(name: &str, entry: &Entry) -> Error {
    invalid(format!("`{name}` is {}'s handle", entry.kind()))
}

/// Gives an entry its handle, unless its client's handles are stale already.
fn add(entry: Entry) -> Result<usize> {
    let added = with_table(|table| {
        let gone = entry.owner().gone.load(Ordering::Relaxed);
        if gone {
            Err(entry)
        } else {
            Ok(table.add(entry))
        }
    });
    match added {
        Ok(Some((handle, _old))) => Ok(handle),
        Ok(None) => {
            let message = "too many clients, scopes and subscriptions are open in this process";
            Err(Error::new(Status::QueueFull, message))
        }
        Err(_) => Err(stale("client")),
    }
}

/// Takes a handle's entry out of the table.
fn take(handle: usize) -> Option<Entry> {
    let parts = Parts::of(handle)?;
    with_table(|table| table.take(parts))
}

/// Makes a client and gives it its handle.
pub(super) fn add_client(make: impl FnOnce() -> Result<Client>) -> Result<*mut drt_client> {
    // Forks are watched from before the client's first thread on.
    process();
    let open = Arc::new(OpenClient {
        client: make()?,
        drained: Mutex::new(String::new()),
        closing: AtomicBool::new(false),
        gone: AtomicBool::new(false),
    });
    let added = add(Entry::Client(Arc::clone(&open)));
    if added.is_err() {
        // It has done nothing yet that would have to be waited for.
        let _ = open.client.close(Duration::ZERO);
    }
    added.map(ptr::without_provenance_mut)
}

/// The client of a handle.
pub(super) fn client(handle: *mut drt_client) -> Result<Arc<OpenClient>> {
    match look_up(handle.addr(), "client")? {
        Entry::Client(open) => Ok(open),
        other => Err(wrong_kind("client", &other)),
    }
}

/// Makes every handle of a client stale when it is dropped.
pub(super) struct Closing<'a>(&'a Arc<OpenClient>);

/// Begins to close a client, which only one thread can.
pub(super) fn begin_close(open: &Arc<OpenClient>) -> Result<Closing<'_>> {
    if open.closing.swap(true, Ordering::SeqCst) {
        return Err(invalid(
            "`client` is stale: another thread is closing it".into(),
        ));
    }
    Ok(Closing(open))
}

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        let entries = with_table(|table| {
            self.0.gone.store(true, Ordering::Relaxed);
            table.take_all(|entry| Arc::ptr_eq(entry.owner(), self.0))
        });
        drop(entries);
    }
}

/// Opens a scope and gives it its handle.
pub(super) fn add_scope(open: &Arc<OpenClient>) -> Result<*mut drt_scope> {
    let id = open.client.new_scope()?;
    let added = add(Entry::Scope(Arc::clone(open), id));
    if added.is_err() {
        let _ = open.client.close_scope(id);
    }
    added.map(ptr::without_provenance_mut)
}

fn scope(handle: *mut drt_scope) -> Result<(Arc<OpenClient>, ScopeId)> {
    match look_up(handle.addr(), "scope")? {
        Entry::Scope(open, id) => Ok((open, id)),
        other => Err(wrong_kind("scope", &other)),
    }
}

/// The scope of this client that a handle stands for; none for NULL.
pub(super) fn scope_of(open: &Arc<OpenClient>, handle: *mut drt_scope) -> Result<Option<ScopeId>> {
    if handle.is_null() {
        return Ok(None);
    }
    let (owner, id) = scope(handle)?;
    if !Arc::ptr_eq(&owner, open) {
        return Err(invalid("`scope` belongs to another client".into()));
    }
    Ok(Some(id))
}

/// The scope of a handle, which is stale from now on.
pub(super) fn take_scope(handle: *mut drt_scope) -> Result<(Arc<OpenClient>, ScopeId)> {
    scope(handle)?;
    match take(handle.addr()) {
        Some(Entry::Scope(open, id)) => Ok((open, id)),
        _ => Err(stale("scope")),
    }
}

/// The client and the subscription of a handle. One that has ended may still be
/// found for a while; the client knows.
pub(super) fn subscription(handle: *mut drt_subscription) -> Result<(Arc<OpenClient>, SubId)> {
    match look_up(handle.addr(), "subscription")? {
        Entry::Subscription(open, id) => Ok((open, id)),
        other => Err(wrong_kind("subscription", &other)),
    }
}

/// The handle of a subscription that is being made; given back unless filled.
pub(super) struct Reserved<'a> {
    open: &'a Arc<OpenClient>,
    handle: usize,
    filled: bool,
}

/// Gives a subscription its handle before it exists, for its events to name.
pub(super) fn reserve_subscription(open: &Arc<OpenClient>) -> Result<Reserved<'_>> {
    let handle = add(Entry::Reserved(Arc::clone(open), thread::current().id()))?;
    Ok(Reserved {
        open,
        handle,
        filled: false,
    })
}

impl Reserved<'_> {
    /// The handle.
    pub fn handle(&self) -> *mut drt_subscription {
        ptr::without_provenance_mut(self.handle)
    }

    /// The handle as the lower rooms carry it.
    pub fn tag(&self) -> u64 {
        self.handle as u64
    }

    /// The subscription exists now; perhaps it has ended already.
    pub fn fill(mut self, id: SubId) {
        self.filled = true;
        let Some(parts) = Parts::of(self.handle) else {
            return;
        };
        let entry = Entry::Subscription(Arc::clone(self.open), id);
        let replaced = with_table(|table| table.replace(parts, entry));
        drop(replaced);
    }
}

impl Drop for Reserved<'_> {
    fn drop(&mut self) {
        if !self.filled {
            drop(take(self.handle));
        }
    }
}

/// The handle behind a tag.
pub(super) fn of_tag(tag: u64) -> *mut drt_subscription {
    ptr::without_provenance_mut(tag as usize)
}

/// A subscription has ended and its callback is gone: its handle may be given to
/// something else in a while.
pub(super) fn retire(handle: *mut drt_subscription) {
    if let Some(parts) = Parts::of(handle.addr()) {
        with_table(|table| table.leave(parts));
    }
}
