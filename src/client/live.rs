//! Live collections, as the application sees them.

use std::sync::Arc;
use std::time::Duration;

use super::engine::live_spec;
use super::subscribe::stale_subscription;
use super::wait::failed_or_closed;
use super::{Client, ScopeId, SubId, Subscribed};
use crate::delivery::{DeliveryOptions, EventSink, ReplySink};
use crate::error::{Error, Result, Status};
use crate::live::{LiveOptions, LiveQuery};
use crate::protocol::error_object;
use crate::rows::{Feed, LiveStatus};
use crate::session::{self, NewSubscription};

/// How often all rows are held against the server's answer.
const DEFAULT_VERIFY: Duration = Duration::from_secs(300);

/// The options of a live collection.
#[derive(Clone, Debug, Default)]
pub struct LiveCollectionOptions {
    /// The collection's name.
    pub collection: String,
    /// A JSON object.
    pub query: Option<String>,
    /// The application's own name for it.
    pub uid: Option<String>,
    /// Survives its scope, and unsubscribing by collection or of all.
    pub persistent: bool,
    /// The name of the primary key; `id`.
    pub primary_key: Option<String>,
    /// The collections on which its rows depend, separated by commas.
    pub depends_on: Option<String>,
    /// How often all rows are held against the server's answer, in milliseconds; 0 = 300 000,
    /// `u32::MAX` = never.
    pub verify_ms: u32,
}

impl LiveCollectionOptions {
    fn resolve(&self, max_message_bytes: usize) -> Result<LiveOptions> {
        for (name, value) in [
            ("collection", Some(self.collection.as_str())),
            ("uid", self.uid.as_deref()),
            ("primary_key", self.primary_key.as_deref()),
        ] {
            if value == Some("") {
                return Err(Error::invalid(name, format!("`{name}` is empty")));
            }
        }
        let primary_key = self.primary_key.as_deref().unwrap_or("id");
        let query = LiveQuery::new(&self.collection, primary_key, self.query.as_deref())?;
        let others = self.depends_on.as_deref().unwrap_or_default().split(',');
        let mut depends_on: Vec<Box<str>> = others
            .map(str::trim)
            // Its own changes are followed anyway, but they may change other rows, too.
            .filter(|name| !name.is_empty())
            .map(Into::into)
            .collect();
        depends_on.sort_unstable();
        depends_on.dedup();
        Ok(LiveOptions {
            query,
            depends_on,
            verify: match self.verify_ms {
                u32::MAX => None,
                0 => Some(DEFAULT_VERIFY),
                time => Some(Duration::from_millis(time.into())),
            },
            max_message_bytes,
        })
    }
}

impl Client {
    /// What the application will see of a live collection that is to be opened.
    pub fn new_feed(&self) -> Arc<Feed> {
        Feed::new(&self.shared.feed_budget)
    }

    /// Opens a live collection with a reserved id. If it is not opened, the sink is dropped before this
    /// returns, and the id names nothing.
    pub fn open_live(
        &self,
        id: SubId,
        scope: Option<ScopeId>,
        options: LiveCollectionOptions,
        feed: &Arc<Feed>,
        tag: u64,
        sink: Box<dyn EventSink>,
    ) -> Result<Subscribed> {
        let live = options
            .resolve(self.shared.max_message_bytes)
            .inspect_err(|_| self.cancel_subscription(id))?;
        let query = &live.query;
        let events = match query.is_system() {
            true => &query.rows,
            false => &query.events,
        };
        let new = NewSubscription {
            uid: options.uid,
            collection: options.collection,
            spec: live_spec(events.clone(), options.persistent),
            delivery: DeliveryOptions {
                primary_key: query.primary_key.clone(),
                ..DeliveryOptions::default()
            },
            scope,
            tag,
            sink,
        };
        // A sink that the session did not take is dropped here, with no lock held.
        let outcome = self
            .shared
            .with_engine(|engine, now| engine.open_live(now, id, new, feed, live));
        match outcome {
            session::Subscribed::New => Ok(Subscribed::New),
            session::Subscribed::Duplicate { tag, sink: _ } => Ok(Subscribed::Duplicate { tag }),
            session::Subscribed::Refused { error, sink: _ } => Err(error),
        }
    }

    /// Waits until a live collection is current: with a thread of the library's, until the application
    /// has been shown that; else, until the update that says so is queued.
    pub fn live_wait(&self, feed: &Feed, timeout: Duration) -> Result<()> {
        let is_polled = self.is_polled();
        self.shared.wait_until(timeout, |core| {
            if feed.is_closed() {
                let ended = failed_or_closed(core);
                return Some(ended.unwrap_or_else(|| Err(stale_live())));
            }
            let status = match is_polled {
                true => feed.latest_status(),
                false => feed.status(),
            };
            match status {
                LiveStatus::Current => Some(Ok(())),
                LiveStatus::Ended => Some(Err(ended(feed))),
                LiveStatus::Loading | LiveStatus::Stale => failed_or_closed(core),
            }
        })
    }

    /// Holds a live collection against the server's answer, and replies to the sink.
    pub fn live_verify(
        &self,
        id: SubId,
        timeout: Duration,
        sink: Box<dyn ReplySink>,
    ) -> Result<()> {
        let timeout = match timeout {
            Duration::ZERO => self.shared.ack_timeout,
            timeout => timeout,
        };
        let outcome = self
            .shared
            .with_engine(|engine, now| engine.verify_live(now, id, sink, timeout));
        outcome.map_err(|sink| {
            drop(sink);
            stale_live()
        })
    }

    /// Ends a live collection. One that the server has ended is only forgotten.
    pub fn live_close(&self, id: SubId, feed: &Feed) -> Result<()> {
        let was_ended = feed.latest_status() == LiveStatus::Ended;
        let outcome = self.unsubscribe(id);
        feed.close();
        match outcome {
            Err(_) if was_ended => Ok(()),
            Err(_) => Err(stale_live()),
            Ok(()) => Ok(()),
        }
    }
}

fn ended(feed: &Feed) -> Error {
    let json = feed.error().unwrap_or_else(|| "{}".into());
    let words = error_object::words(&json);
    let message = format!("the live collection has ended: {words}");
    Error::new(Status::Server, message).with_server_error(error_object::parse(&json))
}

/// The error for a live collection that has ended.
pub fn stale_live() -> Error {
    Error {
        argument: Some("live"),
        message: "`live` is stale: what it stood for has ended".to_owned(),
        ..stale_subscription()
    }
}
