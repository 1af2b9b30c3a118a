//! The options that an application may set, their defaults, and which contradict each other.

use std::time::Duration;

use crate::delivery::{DeliveryOptions, Mode};
use crate::driver::{Proxies, TlsFiles, check_header};
use crate::error::{Error, Result};
use crate::protocol::endpoint::Endpoint;
use crate::protocol::outgoing;
use crate::secret::Secret;
use crate::session::{AuthMode, Credentials};
use crate::subscriptions::SubscriptionSpec;
use crate::subscriptions::spec::ON_ALL;

/// The options of a client. `None`, `false` and 0 mean the default.
#[derive(Clone, Debug, Default)]
pub struct ClientOptions {
    /// One URL, or several replicas with commas between.
    pub url: String,
    /// How to authenticate.
    pub auth_mode: AuthMode,
    /// A static token or a JWT.
    pub access_token: Option<Secret>,
    /// With `password`.
    pub email: Option<String>,
    /// With `email`.
    pub password: Option<Secret>,
    /// Valid for one use; the client keeps its successors.
    pub refresh_token: Option<Secret>,
    /// Where callbacks run.
    pub delivery: Mode,
    /// The time for a connection attempt, from DNS to the upgrade. Default: 10 000.
    pub connect_timeout_ms: u32,
    /// The time for each reply of the server. Default: 10 000.
    pub ack_timeout_ms: u32,
    /// The silence after which the client sends a ping. Default: 25 000.
    pub heartbeat_ms: u32,
    /// The upper bound of the first backoff. Default: 250.
    pub reconnect_min_ms: u32,
    /// The upper bound of every backoff. Default: 10 000.
    pub reconnect_max_ms: u32,
    /// Failed attempts in a row until FAILED; 0 means no limit.
    pub reconnect_attempts: u32,
    /// Bytes of events that may wait for the application. Default: 64 MiB.
    pub queue_bytes: u64,
    /// PEM file of roots to trust beside the system's, or of servers' own certificates.
    pub ca_file: Option<String>,
    /// PEM file of the client's certificate chain.
    pub client_cert_file: Option<String>,
    /// PEM file of its key.
    pub client_key_file: Option<String>,
    /// URL of a proxy, or `env`.
    pub proxy: Option<String>,
    /// Lines `Name: value` for the upgrade request.
    pub headers: Option<String>,
    /// The User-Agent of the upgrade request.
    pub user_agent: Option<String>,
    /// The largest message that is accepted, in bytes. Default: 256 MiB.
    pub max_message_bytes: u64,
    /// Bytes of messages and requests that may wait for a usable link. Default: 0.
    pub send_queue_bytes: u64,
}

fn or(value: u32, default: u64) -> Duration {
    Duration::from_millis(if value == 0 {
        default
    } else {
        u64::from(value)
    })
}

impl ClientOptions {
    pub(super) fn connect_timeout(&self) -> Duration {
        or(self.connect_timeout_ms, 10_000)
    }

    pub(super) fn ack_timeout(&self) -> Duration {
        or(self.ack_timeout_ms, 10_000)
    }

    pub(super) fn heartbeat(&self) -> Duration {
        or(self.heartbeat_ms, 25_000)
    }

    pub(super) fn reconnect_min(&self) -> Duration {
        or(self.reconnect_min_ms, 250)
    }

    pub(super) fn reconnect_max(&self) -> Duration {
        or(self.reconnect_max_ms, 10_000).max(self.reconnect_min())
    }

    pub(super) fn queue_bytes(&self) -> u64 {
        if self.queue_bytes == 0 {
            64 << 20
        } else {
            self.queue_bytes
        }
    }

    pub(super) fn max_message_bytes(&self) -> usize {
        let bytes = if self.max_message_bytes == 0 {
            256 << 20
        } else {
            self.max_message_bytes
        };
        usize::try_from(bytes).unwrap_or(usize::MAX)
    }

    /// The credentials, or an error if they contradict each other.
    pub(super) fn credentials(&self) -> Result<Credentials> {
        if self.email.is_some() != self.password.is_some() {
            let alone = if self.email.is_some() {
                "email"
            } else {
                "password"
            };
            let message = "`email` and `password` go together: set both or neither";
            return Err(Error::invalid(alone, message));
        }
        let needs_auth_frame = self.email.is_some() || self.refresh_token.is_some();
        if self.auth_mode == AuthMode::Strict && needs_auth_frame {
            let message = "strict authentication puts a token into the URL: set `access_token` or \
                           a token callback instead of `email`, `password` or `refresh_token`";
            return Err(Error::invalid("auth_mode", message));
        }
        Ok(Credentials {
            mode: self.auth_mode,
            access_token: self.access_token.clone(),
            email: self.email.clone(),
            password: self.password.clone(),
            refresh_token: self.refresh_token.clone(),
        })
    }

    pub(super) fn tls_files(&self) -> TlsFiles {
        TlsFiles {
            ca_file: self.ca_file.clone(),
            client_cert_file: self.client_cert_file.clone(),
            client_key_file: self.client_key_file.clone(),
        }
    }

    pub(super) fn proxies(&self, endpoints: &[Endpoint]) -> Result<Option<Proxies>> {
        let parse = |text| Proxies::parse(text, endpoints);
        self.proxy.as_deref().map(parse).transpose()
    }

    pub(super) fn headers(&self) -> Result<Vec<(String, String)>> {
        let lines = self.headers.as_deref().unwrap_or_default().lines();
        lines
            .filter(|line| !line.trim().is_empty())
            .map(|line| {
                let Some((name, value)) = line.split_once(':') else {
                    let message = "a line in `headers` is not of the form \"Name: value\"";
                    return Err(Error::invalid("headers", message));
                };
                let (name, value) = (name.trim(), value.trim());
                check_header(name, value).map_err(|error| error.about("headers"))?;
                Ok((name.to_owned(), value.to_owned()))
            })
            .collect()
    }

    pub(super) fn user_agent(&self) -> Result<String> {
        let default = concat!("directus-realtime/", env!("CARGO_PKG_VERSION"));
        let agent = self.user_agent.as_deref().unwrap_or(default);
        check_header("User-Agent", agent).map_err(|error| error.about("user_agent"))?;
        Ok(agent.to_owned())
    }
}

/// For how long it must be quiet before rows are read again.
const DEFAULT_SETTLE: Duration = Duration::from_millis(250);

/// Which snapshot an INIT carries (`DRT_SNAPSHOT_*`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SnapshotMode {
    /// Read after the registration: nothing falls between it and the events.
    #[default]
    Exact,
    /// The server's own.
    Server,
}

/// The options of a subscription.
#[derive(Clone, Debug, Default)]
pub struct SubscriptionOptions {
    /// The collection's name.
    pub collection: String,
    /// A JSON object.
    pub query: Option<String>,
    /// The application's own name for the subscription.
    pub uid: Option<String>,
    /// Survives its scope, and unsubscribing by collection or of all.
    pub persistent: bool,
    /// `ON_*`; 0 = all.
    pub events: u32,
    /// The key of the one item to watch.
    pub item: Option<String>,
    /// The name of the primary key; `id`.
    pub primary_key: Option<String>,
    /// One callback per server message.
    pub per_message: bool,
    /// Which snapshot is wanted.
    pub snapshot: SnapshotMode,
    /// For how long it must be quiet, in milliseconds, before rows are read again whose last event
    /// may be wrong; 0 = 250, `u32::MAX` = never.
    pub settle_ms: u32,
}

impl SubscriptionOptions {
    /// The specification of the subscription and how it is delivered. What the server would reject
    /// with an error that names no uid is rejected here.
    pub(super) fn resolve(&self) -> Result<(SubscriptionSpec, DeliveryOptions)> {
        if self.collection.is_empty() {
            return Err(Error::invalid(
                "collection",
                "`collection` is empty: name the collection to follow",
            ));
        }
        if self.uid.as_deref() == Some("") {
            return Err(Error::invalid(
                "uid",
                "`uid` is empty: leave it out to have one generated",
            ));
        }
        if self.events & !ON_ALL != 0 {
            return Err(Error::invalid(
                "events",
                format!("`events` has unknown bits: {:#x}", self.events),
            ));
        }
        let primary_key = self.primary_key.as_deref().unwrap_or("id");
        if primary_key.is_empty() {
            return Err(Error::invalid(
                "primary_key",
                "`primary_key` is empty: leave it out for \"id\"",
            ));
        }
        let mut query = self
            .query
            .as_deref()
            .map(outgoing::check_query)
            .transpose()?;
        if let Some(name) = query.as_deref().and_then(outgoing::aggregation) {
            return Err(Error::invalid(
                "query",
                format!(
                    "`query` has \"{name}\": the server would aggregate the changed items alone; follow \
                 the items, and read the figures with a request of type \"items\" when one changes"
                ),
            ));
        }
        if let Some(item) = self.item.as_deref() {
            if item.is_empty() {
                return Err(Error::invalid(
                    "item",
                    "`item` is empty: give the item's primary key",
                ));
            }
            query = Some(outgoing::query_for_item(
                query.as_deref(),
                primary_key,
                item,
            )?);
        }
        let spec = SubscriptionSpec {
            query: query.map(String::into_boxed_str),
            events: if self.events == 0 {
                ON_ALL
            } else {
                self.events
            },
            persistent: self.persistent,
            exact: self.snapshot == SnapshotMode::Exact,
            settle: match self.settle_ms {
                u32::MAX => None,
                0 => Some(DEFAULT_SETTLE),
                time => Some(Duration::from_millis(time.into())),
            },
        };
        let delivery = DeliveryOptions {
            per_message: self.per_message,
            primary_key: primary_key.into(),
            item: self.item.as_deref().map(Into::into),
        };
        Ok((spec, delivery))
    }
}
