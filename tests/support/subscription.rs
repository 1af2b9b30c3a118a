//! Subscriptions: the options that a test sets, and the handle that it gets.

use directus_realtime::ffi::*;
use serde_json::Value;

use super::log::WAIT_TIMEOUT;
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
pub struct SubscriptionSpec {
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

pub fn subscription(collection: &str) -> SubscriptionSpec {
    SubscriptionSpec {
        collection: collection.into(),
        ..SubscriptionSpec::default()
    }
}

impl SubscriptionSpec {
    pub fn query(mut self, query: Value) -> SubscriptionSpec {
        self.query = Some(query);
        self
    }

    pub fn uid(mut self, uid: &str) -> SubscriptionSpec {
        self.uid = Some(uid.into());
        self
    }

    pub fn item(mut self, key: &str) -> SubscriptionSpec {
        self.item = Some(key.into());
        self
    }

    pub fn primary_key(mut self, name: &str) -> SubscriptionSpec {
        self.primary_key = Some(name.into());
        self
    }

    pub fn persistent(mut self) -> SubscriptionSpec {
        self.persistent = true;
        self
    }

    pub fn events(mut self, mask: u32) -> SubscriptionSpec {
        self.events = mask;
        self
    }

    pub fn per_message(mut self) -> SubscriptionSpec {
        self.per_message = true;
        self
    }

    pub fn server_snapshot(mut self) -> SubscriptionSpec {
        self.server_snapshot = true;
        self
    }
}

impl Sub {
    pub fn wait(&self) -> i32 {
        self.wait_for(WAIT_TIMEOUT.as_millis() as u32)
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
