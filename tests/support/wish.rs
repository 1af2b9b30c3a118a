//! Subscriptions, as tests ask for them and hold them.

use directus_realtime::ffi::*;
use serde_json::Value;

use super::log::PATIENCE;
use super::seen::EventLog;

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

impl Sub {
    pub fn wait(&self) -> i32 {
        self.wait_for(PATIENCE.as_millis() as u32)
    }

    pub fn wait_for(&self, ms: u32) -> i32 {
        // SAFETY: any number is a fine handle.
        unsafe { drt_subscription_wait(self.raw, ms) }
    }

    pub fn unsubscribe(&self) -> i32 {
        // SAFETY: as above.
        unsafe { drt_subscription_unsubscribe(self.raw) }
    }
}
