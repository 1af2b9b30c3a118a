//! The system under test: a client of the C ABI that records what it is told.

use std::collections::BTreeMap;
use std::ffi::{CStr, CString, c_char, c_void};
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use directus_realtime::ffi::*;
use serde_json::Value;

pub const PATIENCE: Duration = Duration::from_secs(20);
const PATIENCE_MS: u32 = 20_000;

/// Something that callbacks add to and tests wait on.
pub struct Log<T> {
    entries: Mutex<Vec<T>>,
    changed: Condvar,
    /// How often `release` ran.
    pub released: AtomicUsize,
}

impl<T: Clone> Log<T> {
    pub fn new() -> Arc<Log<T>> {
        Arc::new(Log {
            entries: Mutex::new(Vec::new()),
            changed: Condvar::new(),
            released: AtomicUsize::new(0),
        })
    }

    pub fn push(&self, entry: T) {
        self.entries.lock().unwrap().push(entry);
        self.changed.notify_all();
    }

    pub fn all(&self) -> Vec<T> {
        self.entries.lock().unwrap().clone()
    }

    pub fn len(&self) -> usize {
        self.entries.lock().unwrap().len()
    }

    pub fn clear(&self) {
        self.entries.lock().unwrap().clear();
    }

    pub fn released(&self) -> usize {
        self.released.load(Ordering::SeqCst)
    }

    /// Waits until the entries satisfy `done`; panics after `PATIENCE`.
    #[track_caller]
    pub fn until(&self, what: &str, done: impl Fn(&[T]) -> bool) -> Vec<T>
    where
        T: std::fmt::Debug,
    {
        let deadline = Instant::now() + PATIENCE;
        let mut entries = self.entries.lock().unwrap();
        while !done(&entries) {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "not in time: {what}; so far {entries:#?}");
            entries = self.changed.wait_timeout(entries, left).unwrap().0;
        }
        entries.clone()
    }

    #[track_caller]
    pub fn until_len(&self, len: usize) -> Vec<T>
    where
        T: std::fmt::Debug,
    {
        self.until(&format!("{len} entries"), |entries| entries.len() >= len)
    }
}

/// Waits until something is so; panics after `PATIENCE`.
#[track_caller]
pub fn eventually(what: &str, so: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !so() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// An event as a callback saw it.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    pub kind: u32,
    pub flags: u32,
    pub uid: String,
    pub collection: String,
    pub data: Value,
    pub meta: Value,
    pub sequence: u64,
    pub index: u32,
    pub count: u32,
}

impl Seen {
    pub fn is_init(&self) -> bool {
        self.kind == DRT_EVENT_INIT
    }

    pub fn is_resync(&self) -> bool {
        self.is_init() && self.flags & DRT_FLAG_RESYNC != 0
    }

    pub fn is_error(&self) -> bool {
        self.kind == DRT_EVENT_ERROR
    }

    pub fn is_end(&self) -> bool {
        self.flags & DRT_FLAG_ENDED != 0
    }

    /// "create", "update" …
    pub fn name(&self) -> &'static str {
        ["init", "create", "update", "delete", "error"][self.kind as usize]
    }
}

pub type EventLog = Arc<Log<Seen>>;

/// (state, reason, message)
pub type StateLog = Arc<Log<(i32, i32, String)>>;

fn json(data: *const c_char, len: usize) -> Value {
    if data.is_null() {
        return Value::Null;
    }
    // SAFETY: the library gives a pointer and its length, valid in the callback.
    let bytes = unsafe { std::slice::from_raw_parts(data.cast::<u8>(), len) };
    serde_json::from_slice(bytes).unwrap_or_else(|e| {
        panic!(
            "event data is not JSON: {e}: {}",
            String::from_utf8_lossy(bytes)
        )
    })
}

unsafe extern "C" fn on_event(event: *const drt_event, user_data: *mut c_void) {
    // SAFETY: the library passes a live event and the pointer of an Arc<Log>.
    let (event, log) = unsafe { (&*event, &*user_data.cast::<Log<Seen>>()) };
    let name = |name: *const c_char, len: usize| {
        // SAFETY: names are NUL-terminated.
        let name = unsafe { CStr::from_ptr(name) };
        assert_eq!(name.to_bytes().len(), len, "names are counted as well");
        name.to_str().unwrap().to_owned()
    };
    assert_eq!(event.struct_size, size_of::<drt_event>());
    log.push(Seen {
        kind: event.kind,
        flags: event.flags,
        uid: name(event.uid, event.uid_len),
        collection: name(event.collection, event.collection_len),
        data: json(event.data, event.data_len),
        meta: json(event.meta, event.meta_len),
        sequence: event.sequence,
        index: event.index,
        count: event.count,
    });
}

unsafe extern "C" fn on_state(
    _: *mut drt_client,
    state: drt_state,
    reason: drt_status,
    message: *const c_char,
    user_data: *mut c_void,
) {
    // SAFETY: as in `on_event`.
    let (log, message) = unsafe {
        (
            &*user_data.cast::<Log<(i32, i32, String)>>(),
            CStr::from_ptr(message),
        )
    };
    log.push((state, reason, message.to_string_lossy().into_owned()));
}

unsafe extern "C" fn on_reply(
    status: drt_status,
    text: *const c_char,
    len: usize,
    user_data: *mut c_void,
) {
    // SAFETY: as in `on_event`.
    let log = unsafe { &*user_data.cast::<Log<(i32, Value)>>() };
    let value = if len == 0 {
        Value::Null
    } else {
        json(text, len)
    };
    log.push((status, value));
}

/// Gives the log's reference back, and counts that.
pub unsafe extern "C" fn release<T>(user_data: *mut c_void) {
    // SAFETY: the pointer came from Arc::into_raw of the same type.
    let log = unsafe { Arc::from_raw(user_data.cast::<Log<T>>()) };
    log.released.fetch_add(1, Ordering::SeqCst);
    log.changed.notify_all();
}

pub fn user_data<T>(log: &Arc<Log<T>>) -> *mut c_void {
    Arc::into_raw(Arc::clone(log)).cast_mut().cast()
}

pub fn c(text: &str) -> CString {
    CString::new(text).unwrap()
}

pub fn last_error() -> String {
    // SAFETY: never NULL, valid until this thread's next failure.
    unsafe { CStr::from_ptr(drt_last_error()) }
        .to_string_lossy()
        .into_owned()
}

type Setter = Box<dyn Fn(&mut drt_client_options)>;

/// Options of a client, as a test sets them. Texts are kept alive here.
#[derive(Default)]
pub struct Options {
    texts: BTreeMap<&'static str, CString>,
    set: Vec<Setter>,
}

impl Options {
    pub fn new(url: &str) -> Options {
        Options::default().text("url", url)
    }

    pub fn text(mut self, name: &'static str, value: &str) -> Options {
        self.texts.insert(name, c(value));
        self
    }

    pub fn token(self, token: &str) -> Options {
        self.text("access_token", token)
    }

    pub fn with(mut self, set: impl Fn(&mut drt_client_options) + 'static) -> Options {
        self.set.push(Box::new(set));
        self
    }

    pub fn try_open(self) -> Result<Sut, (i32, String)> {
        // SAFETY: all-zero is the default of every option.
        let mut options: drt_client_options = unsafe { std::mem::zeroed() };
        options.struct_size = size_of::<drt_client_options>();
        let text = |name| {
            self.texts
                .get(name)
                .map_or(ptr::null(), |text| text.as_ptr())
        };
        options.url = text("url");
        options.access_token = text("access_token");
        options.email = text("email");
        options.password = text("password");
        options.refresh_token = text("refresh_token");
        options.ca_file = text("ca_file");
        options.headers = text("headers");
        options.proxy = text("proxy");
        for set in &self.set {
            set(&mut options);
        }
        let mut raw = ptr::null_mut();
        // SAFETY: the options are alive, the out pointer is valid.
        let status = unsafe { drt_client_new(&options, &mut raw) };
        if status != DRT_OK {
            assert!(raw.is_null());
            return Err((status, last_error()));
        }
        let states = Log::new();
        // SAFETY: a live handle, and the reference that `release` gives back.
        let registered = unsafe {
            drt_client_on_state(
                raw,
                Some(on_state),
                user_data(&states),
                Some(release::<(i32, i32, String)>),
            )
        };
        assert_eq!(registered, DRT_OK);
        Ok(Sut { raw, states })
    }

    #[track_caller]
    pub fn open(self) -> Sut {
        self.try_open()
            .unwrap_or_else(|(status, error)| panic!("{status}: {error}"))
    }
}

/// A client of the library.
pub struct Sut {
    pub raw: *mut drt_client,
    pub states: StateLog,
}

// SAFETY: a handle is a number that any thread may use.
unsafe impl Send for Sut {}
// SAFETY: the same.
unsafe impl Sync for Sut {}

/// A subscription of the library.
#[derive(Clone)]
pub struct Sub {
    pub raw: *mut drt_subscription,
    pub log: EventLog,
    pub status: i32,
}

// SAFETY: a handle is a number that any thread may use.
unsafe impl Send for Sub {}

/// Options of a subscription, as a test sets them.
#[derive(Clone, Default)]
pub struct Wish {
    pub collection: String,
    pub query: Option<Value>,
    pub uid: Option<String>,
    pub item: Option<String>,
    pub primary_key: Option<String>,
    pub persistent: bool,
    pub events: u32,
    pub per_message: bool,
    pub server_snapshot: bool,
}

pub fn wish(collection: &str) -> Wish {
    Wish {
        collection: collection.into(),
        ..Wish::default()
    }
}

impl Wish {
    pub fn query(mut self, query: Value) -> Wish {
        self.query = Some(query);
        self
    }

    pub fn uid(mut self, uid: &str) -> Wish {
        self.uid = Some(uid.into());
        self
    }

    pub fn item(mut self, key: &str) -> Wish {
        self.item = Some(key.into());
        self
    }

    pub fn primary_key(mut self, name: &str) -> Wish {
        self.primary_key = Some(name.into());
        self
    }

    pub fn persistent(mut self) -> Wish {
        self.persistent = true;
        self
    }

    pub fn events(mut self, mask: u32) -> Wish {
        self.events = mask;
        self
    }

    pub fn per_message(mut self) -> Wish {
        self.per_message = true;
        self
    }

    pub fn server_snapshot(mut self) -> Wish {
        self.server_snapshot = true;
        self
    }
}

impl Sut {
    /// A client of a server, with the admin's token.
    pub fn admin(server: &super::server::Server) -> Sut {
        Options::new(&server.url).token(super::server::ADMIN).open()
    }

    #[track_caller]
    pub fn subscribe(&self, wish: Wish) -> Sub {
        let sub = self.try_subscribe(ptr::null_mut(), wish);
        assert_eq!(sub.status, DRT_OK, "{}", last_error());
        sub
    }

    /// Subscribes and waits for the first INIT; the log begins behind it.
    #[track_caller]
    pub fn follow(&self, wish: Wish) -> Sub {
        let sub = self.subscribe(wish);
        let first = sub.log.until_len(1);
        assert!(first[0].is_init(), "{first:?}");
        sub.log.clear();
        sub
    }

    pub fn try_subscribe(&self, scope: *mut drt_scope, wish: Wish) -> Sub {
        let log = Log::new();
        let (mut raw, status) = (ptr::null_mut(), self.subscribe_with(scope, &wish, &log));
        let (status, handle) = status;
        if !handle.is_null() {
            raw = handle;
        }
        Sub { raw, log, status }
    }

    pub fn subscribe_with(
        &self,
        scope: *mut drt_scope,
        wish: &Wish,
        log: &EventLog,
    ) -> (i32, *mut drt_subscription) {
        let texts = [
            Some(c(&wish.collection)),
            wish.query.as_ref().map(|query| c(&query.to_string())),
            wish.uid.as_deref().map(c),
            wish.item.as_deref().map(c),
            wish.primary_key.as_deref().map(c),
        ];
        let text = |i: usize| texts[i].as_ref().map_or(ptr::null(), |text| text.as_ptr());
        // SAFETY: all-zero is the default of every option.
        let mut options: drt_subscription_options = unsafe { std::mem::zeroed() };
        options.struct_size = size_of::<drt_subscription_options>();
        options.collection = text(0);
        options.query = text(1);
        options.uid = text(2);
        options.item = text(3);
        options.primary_key = text(4);
        options.persistent = wish.persistent;
        options.events = wish.events as _;
        if wish.per_message {
            options.granularity = DRT_PER_MESSAGE;
        }
        if wish.server_snapshot {
            options.snapshot = DRT_SNAPSHOT_SERVER;
        }
        let mut raw = ptr::null_mut();
        // SAFETY: everything lives until the call returns.
        let status = unsafe {
            drt_subscribe(
                self.raw,
                scope,
                &options,
                Some(on_event),
                user_data(log),
                Some(release::<Seen>),
                &mut raw,
            )
        };
        (status, raw)
    }

    pub fn unsubscribe(&self, uid: &str) -> i32 {
        // SAFETY: any number is a fine handle.
        unsafe { drt_unsubscribe(self.raw, c(uid).as_ptr()) }
    }

    pub fn has(&self, uid: &str) -> bool {
        // SAFETY: as above.
        unsafe { drt_has_subscription(self.raw, c(uid).as_ptr()) }
    }

    pub fn state(&self) -> i32 {
        // SAFETY: as above.
        unsafe { drt_client_state(self.raw) as i32 }
    }

    pub fn wait(&self, state: i32) -> i32 {
        self.wait_for(state, PATIENCE_MS)
    }

    pub fn wait_for(&self, state: i32, ms: u32) -> i32 {
        // SAFETY: as above.
        unsafe { drt_client_wait(self.raw, state as _, ms) }
    }

    #[track_caller]
    pub fn connect(&self) {
        // SAFETY: as above.
        assert_eq!(unsafe { drt_client_connect(self.raw) }, DRT_OK);
        let status = self.wait(DRT_STATE_CONNECTED);
        assert_eq!(status, DRT_OK, "{} {:?}", last_error(), self.states.all());
    }

    pub fn stats(&self) -> drt_stats {
        // SAFETY: all-zero is fine for an out struct.
        let mut stats: drt_stats = unsafe { std::mem::zeroed() };
        stats.struct_size = size_of::<drt_stats>();
        // SAFETY: the out pointer is valid.
        assert_eq!(unsafe { drt_client_stats(self.raw, &mut stats) }, DRT_OK);
        stats
    }

    pub fn set_token(&self, token: &str) {
        // SAFETY: any number is a fine handle.
        assert_eq!(
            unsafe { drt_client_set_token(self.raw, c(token).as_ptr()) },
            DRT_OK
        );
    }

    pub fn send(&self, message: &Value) -> i32 {
        // SAFETY: as above.
        unsafe { drt_send_message(self.raw, c(&message.to_string()).as_ptr()) }
    }

    /// Sends a request; the log gets its one answer.
    pub fn request(&self, message: &Value, timeout_ms: u32) -> (i32, Arc<Log<(i32, Value)>>) {
        let log = Log::new();
        let text = c(&message.to_string());
        // SAFETY: as above.
        let status = unsafe {
            drt_request(
                self.raw,
                text.as_ptr(),
                timeout_ms,
                Some(on_reply),
                user_data(&log),
                Some(release::<(i32, Value)>),
            )
        };
        (status, log)
    }

    /// Sends a request and waits for its answer.
    #[track_caller]
    pub fn ask(&self, message: &Value) -> (i32, Value) {
        let (status, log) = self.request(message, 15_000);
        assert_eq!(status, DRT_OK, "{}", last_error());
        log.until_len(1)[0].clone()
    }

    pub fn close(&self) -> i32 {
        // SAFETY: any number is a fine handle.
        unsafe { drt_client_close(self.raw, 10_000) }
    }

    /// The states so far, without their reasons.
    pub fn path(&self) -> Vec<i32> {
        self.states
            .all()
            .into_iter()
            .map(|(state, ..)| state)
            .collect()
    }
}

impl Drop for Sut {
    fn drop(&mut self) {
        self.close();
    }
}

impl Sub {
    pub fn wait(&self) -> i32 {
        // SAFETY: any number is a fine handle.
        unsafe { drt_subscription_wait(self.raw, PATIENCE_MS) }
    }

    pub fn unsubscribe(&self) -> i32 {
        // SAFETY: as above.
        unsafe { drt_subscription_unsubscribe(self.raw) }
    }
}

/// What a collection looks like to somebody who folds its events, by key.
pub fn fold(events: &[Seen], key: &str) -> BTreeMap<String, Value> {
    let mut mirror = BTreeMap::new();
    for event in events {
        let id = |item: &Value| super::server::text(&item[key]);
        match event.name() {
            "init" => {
                mirror.clear();
                for item in event.data.as_array().into_iter().flatten() {
                    mirror.insert(id(item), item.clone());
                }
            }
            "create" | "update" => {
                mirror.insert(id(&event.data), event.data.clone());
            }
            "delete" => {
                mirror.remove(&id(&event.data));
            }
            _ => {}
        }
    }
    mirror
}
