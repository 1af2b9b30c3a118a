//! Parses a received frame. The result borrows from the frame's text wherever that has no escapes.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use zeroize::Zeroizing;

use super::{error_object, json};
use crate::secret::Secret;

/// What happened to items.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Change {
    /// They were created.
    Create,
    /// They were updated.
    Update,
    /// They were deleted.
    Delete,
}

impl Change {
    /// The server's name for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Change::Create => "create",
            Change::Update => "update",
            Change::Delete => "delete",
        }
    }

    /// The change of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "create" => Some(Change::Create),
            "update" => Some(Change::Update),
            "delete" => Some(Change::Delete),
            _ => None,
        }
    }
}

/// One frame from the server. `data` and `meta` are raw JSON, slices of the
/// frame (see [`offsets`]); `null` is `Some("null")`, an absent member is `None`. A `uid` that is a
/// number is kept as its JSON text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Incoming<'a> {
    /// An event of a subscription.
    Change {
        /// What happened.
        change: Change,
        /// The subscription that the event is for.
        uid: Option<Cow<'a, str>>,
        /// The items, or the keys of deleted items.
        data: Option<&'a str>,
        /// Counts, where the query asks for them.
        meta: Option<&'a str>,
    },
    /// A subscription is confirmed.
    Init {
        /// Which one.
        uid: Option<Cow<'a, str>>,
        /// The server's snapshot.
        data: Option<&'a str>,
        /// Counts, where the query asks for them.
        meta: Option<&'a str>,
    },
    /// A subscription was removed, or did not exist.
    Unsubscribed {
        /// Which one; `None` means all of the link.
        uid: Option<Cow<'a, str>>,
    },
    /// The link is authenticated.
    AuthOk {
        /// The uid of the auth message.
        uid: Option<Cow<'a, str>>,
        /// The successor of the refresh token that was used up.
        refresh_token: Option<Secret>,
    },
    /// The reply to an items request.
    Items {
        /// The uid of the request.
        uid: Option<Cow<'a, str>>,
        /// One item or several, or the keys of deleted items.
        data: Option<&'a str>,
        /// Counts, where the query asks for them.
        meta: Option<&'a str>,
    },
    /// The server expects a pong.
    Ping,
    /// The server's answer to a ping.
    Pong {
        /// The uid of the ping.
        uid: Option<Cow<'a, str>>,
    },
    /// The server rejected something, or failed to do it.
    Error(ServerError<'a>),
    /// A frame of a type that the library does not know.
    Other {
        /// Its `type`.
        kind: Cow<'a, str>,
        /// Its uid.
        uid: Option<Cow<'a, str>>,
    },
}

/// What an error frame is about: its `type`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ErrorSource {
    /// Authentication, or a token that expired.
    Auth,
    /// A subscribe, or an event that could not be delivered.
    Subscribe,
    /// An unsubscribe.
    Unsubscribe,
    /// An items request.
    Items,
    /// The message as such, or the rate of messages.
    Server,
    /// The server's licence.
    License,
    /// A type that the library does not know.
    Other,
}

/// An error frame.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ServerError<'a> {
    /// What it is about.
    pub source: ErrorSource,
    /// What the error is for, if the server says so.
    pub uid: Option<Cow<'a, str>>,
    /// The server's error code, for instance `FORBIDDEN`; empty if there is none.
    pub code: Cow<'a, str>,
    /// The server's sentence; empty if there is none.
    pub message: Cow<'a, str>,
    /// The raw `error` object, a slice of the frame (`{}` if there is none).
    pub json: &'a str,
}

impl ServerError<'_> {
    /// How long to send nothing after a rate limit error. The server says it only in its sentence:
    /// "Too many messages, retry after 2999ms."
    pub fn retry_after(&self) -> Option<Duration> {
        // Other sentences quote the application's values.
        if self.code != "REQUESTS_EXCEEDED" {
            return None;
        }
        let (_, time) = self.message.split_once("retry after ")?;
        let digits = time.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = time.split_at(digits);
        let number: u64 = number.parse().ok()?;
        match unit.trim_start().trim_end_matches('.') {
            "ms" => Some(Duration::from_millis(number)),
            "s" => Some(Duration::from_secs(number)),
            "m" => Some(Duration::from_secs(number.checked_mul(60)?)),
            _ => None,
        }
    }
}

/// Why a text is not a frame, or not JSON, in one sentence that quotes nothing
/// of it: a frame may hold secrets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Malformed(String);

impl Malformed {
    /// The reason as a sentence.
    pub(super) fn new(reason: impl Into<String>) -> Self {
        Malformed(reason.into())
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Malformed {}

/// The members of a frame that the library uses, as raw JSON.
#[derive(Default)]
struct Members<'a> {
    kind: Option<&'a str>,
    event: Option<&'a str>,
    status: Option<&'a str>,
    uid: Option<&'a str>,
    data: Option<&'a str>,
    meta: Option<&'a str>,
    error: Option<&'a str>,
    refresh_token: Option<&'a str>,
}

/// Parses a frame.
pub fn parse(text: &str) -> Result<Incoming<'_>, Malformed> {
    let mut members = Members::default();
    json::members(text, |name, value| {
        let member = match &*name {
            "type" => &mut members.kind,
            "event" => &mut members.event,
            "status" => &mut members.status,
            "uid" => &mut members.uid,
            "data" => &mut members.data,
            "meta" => &mut members.meta,
            "error" => &mut members.error,
            "refresh_token" => &mut members.refresh_token,
            _ => return,
        };
        *member = Some(value);
    })
    .map_err(|error| {
        Malformed(if error.is_data() {
            format!("the frame is not a JSON object but {}", json::kind(text))
        } else {
            format!("the frame is not valid JSON: {}", json::explain(&error))
        })
    })?;

    let kind = members
        .kind
        .ok_or_else(|| Malformed::new("the frame has no type"))?;
    let kind =
        json::string(kind).ok_or_else(|| Malformed::new("the frame's type is not a string"))?;
    let uid = members.uid.map(uid).transpose()?.flatten();
    let (data, meta) = (members.data, members.meta);
    let event = members.event.and_then(json::string);
    let status = members.status.and_then(json::string);

    if status.as_deref() == Some("error") {
        return Ok(Incoming::Error(server_error(&kind, uid, members.error)));
    }
    Ok(match (&*kind, event.as_deref(), status.as_deref()) {
        ("subscription", Some("init"), _) => Incoming::Init { uid, data, meta },
        ("subscription", Some("unsubscribe"), _) => Incoming::Unsubscribed { uid },
        ("subscription", Some(event), _) => match Change::from_name(event) {
            Some(change) => Incoming::Change {
                change,
                uid,
                data,
                meta,
            },
            None => Incoming::Other { kind, uid },
        },
        ("auth", _, Some("ok")) => {
            let refresh_token = members.refresh_token.and_then(secret);
            Incoming::AuthOk { uid, refresh_token }
        }
        ("items", ..) => Incoming::Items { uid, data, meta },
        ("ping", ..) => Incoming::Ping,
        ("pong", ..) => Incoming::Pong { uid },
        _ => Incoming::Other { kind, uid },
    })
}

/// A uid's text; `None` for null.
fn uid(json: &str) -> Result<Option<Cow<'_, str>>, Malformed> {
    match json.as_bytes().first() {
        Some(b'-' | b'0'..=b'9') => Ok(Some(Cow::Borrowed(json))),
        Some(b'n') => Ok(None),
        _ => match json::string(json) {
            Some(text) => Ok(Some(text)),
            None => Err(Malformed::new(
                "the frame's uid is neither a string nor a number",
            )),
        },
    }
}

fn secret(json: &str) -> Option<Secret> {
    match json::string(json)? {
        Cow::Borrowed(text) => Some(Secret::new(text)),
        Cow::Owned(text) => Some(Secret::new(&Zeroizing::new(text))),
    }
}

fn server_error<'a>(
    kind: &str,
    uid: Option<Cow<'a, str>>,
    error: Option<&'a str>,
) -> ServerError<'a> {
    let source = match kind {
        "auth" => ErrorSource::Auth,
        "subscribe" | "subscription" => ErrorSource::Subscribe,
        "unsubscribe" => ErrorSource::Unsubscribe,
        "items" => ErrorSource::Items,
        "server" => ErrorSource::Server,
        "license" => ErrorSource::License,
        _ => ErrorSource::Other,
    };
    let json = error.filter(|error| error.starts_with('{')).unwrap_or("{}");
    let (code, message) = error_object::code_and_message(json);
    ServerError {
        source,
        uid,
        code,
        message,
        json,
    }
}

/// The byte offsets (start, end) of a part of a frame. `part` must be a subslice of `frame`, and the
/// frame shorter than 4 GiB.
pub fn offsets(frame: &str, part: &str) -> (u32, u32) {
    let start = (part.as_ptr() as usize).wrapping_sub(frame.as_ptr() as usize);
    let end = start.wrapping_add(part.len());
    debug_assert!(
        start <= end && end <= frame.len(),
        "a part that is not of this frame"
    );
    let offset = |at| u32::try_from(at).unwrap_or(u32::MAX);
    (offset(start), offset(end))
}

#[cfg(test)]
mod tests;
