//! A client of the C ABI that records its states, events and replies.

use std::collections::BTreeMap;
use std::ffi::{CStr, CString, c_char, c_void};
use std::ptr;
use std::sync::Arc;

use directus_realtime::ffi::*;
use serde_json::Value;

pub use super::log::*;
pub use super::seen::*;
pub use super::subscription::*;

/// (state, reason, message)
pub type StateLog = Arc<Log<(i32, i32, String)>>;

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

pub fn c(text: &str) -> CString {
    CString::new(text).unwrap()
}

pub fn last_error() -> String {
    // SAFETY: never NULL, valid until this thread's next failure.
    unsafe { CStr::from_ptr(drt_last_error()) }
        .to_string_lossy()
        .into_owned()
}

/// Short backoff, so that tests of reconnecting are quick.
pub fn fast(o: &mut drt_client_options) {
    o.reconnect_min_ms = 20;
    o.reconnect_max_ms = 200;
}

type Setter = Box<dyn Fn(&mut drt_client_options)>;

/// Options of a client. The texts live here until the client is made.
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

    pub fn try_open(self) -> Result<TestClient, (i32, String)> {
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
        options.user_agent = text("user_agent");
        options.client_cert_file = text("client_cert_file");
        options.client_key_file = text("client_key_file");
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
        Ok(TestClient { raw, states })
    }

    #[track_caller]
    pub fn open(self) -> TestClient {
        self.try_open()
            .unwrap_or_else(|(status, error)| panic!("{status}: {error}"))
    }
}

/// A client of the library.
pub struct TestClient {
    pub raw: *mut drt_client,
    pub states: StateLog,
}

// SAFETY: a handle is a number that any thread may use.
unsafe impl Send for TestClient {}
// SAFETY: the same.
unsafe impl Sync for TestClient {}

impl TestClient {
    /// A client of a server, with the admin's token.
    pub fn admin(server: &super::server::Server) -> TestClient {
        Options::new(&server.url).token(super::server::ADMIN).open()
    }

    #[track_caller]
    pub fn subscribe(&self, spec: SubscriptionSpec) -> Sub {
        let sub = self.try_subscribe(ptr::null_mut(), spec);
        assert_eq!(sub.status, DRT_OK, "{}", last_error());
        sub
    }

    /// Subscribes, waits for the first INIT, and empties the log.
    #[track_caller]
    pub fn follow(&self, spec: SubscriptionSpec) -> Sub {
        let sub = self.subscribe(spec);
        let first = sub.log.until_len(1);
        assert!(first[0].is_init(), "{first:?}");
        sub.log.clear();
        sub
    }

    pub fn try_subscribe(&self, scope: *mut drt_scope, spec: SubscriptionSpec) -> Sub {
        let log = Log::new();
        let (status, raw) = self.subscribe_with(scope, &spec, &log);
        Sub { raw, log, status }
    }

    pub fn subscribe_with(
        &self,
        scope: *mut drt_scope,
        spec: &SubscriptionSpec,
        log: &EventLog,
    ) -> (i32, *mut drt_subscription) {
        let texts = [
            Some(c(&spec.collection)),
            spec.query.as_ref().map(|query| c(&query.to_string())),
            spec.uid.as_deref().map(c),
            spec.item.as_deref().map(c),
            spec.primary_key.as_deref().map(c),
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
        options.persistent = spec.persistent;
        options.events = spec.events as _;
        if spec.per_message {
            options.granularity = DRT_PER_MESSAGE;
        }
        if spec.server_snapshot {
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
        self.wait_for(state, WAIT_TIMEOUT.as_millis() as u32)
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

    pub fn start(&self) {
        // SAFETY: any number is a fine handle.
        assert_eq!(unsafe { drt_client_connect(self.raw) }, DRT_OK);
    }

    /// Waits until a state was reported; returns its reason and message.
    #[track_caller]
    pub fn wait_for_report(&self, state: i32) -> (i32, String) {
        let reported = |all: &[(i32, i32, String)]| all.iter().any(|(s, ..)| *s == state);
        let states = self.states.until(&format!("state {state}"), reported);
        let (_, reason, message) = states.into_iter().find(|(s, ..)| *s == state).unwrap();
        (reason, message)
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

impl Drop for TestClient {
    fn drop(&mut self) {
        self.close();
    }
}
