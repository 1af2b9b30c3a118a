//! What a subscription is made with.

use std::ffi::c_char;
use std::mem::{MaybeUninit, offset_of};

use super::{text, versioned};
use crate::client::{SnapshotMode, SubscriptionOptions};
use crate::error::Result;

/// The kinds of event that are wanted: 0 for all, or any of `DRT_ON_...`, or-ed.
pub type drt_event_mask = u32;

/// Items that are made.
pub const DRT_ON_CREATE: drt_event_mask = 1;
/// Items that are changed.
pub const DRT_ON_UPDATE: drt_event_mask = 2;
/// Items that are deleted.
pub const DRT_ON_DELETE: drt_event_mask = 4;

/// How changes are cut into callbacks.
pub type drt_granularity = i32;

/// One callback per item; a message with n items makes n callbacks in a row.
pub const DRT_PER_ITEM: drt_granularity = 0;
/// One callback per message of the server.
pub const DRT_PER_MESSAGE: drt_granularity = 1;

/// Which snapshot an INIT carries.
pub type drt_snapshot = i32;

/// One that was read after the server registered the subscription, so that no change
/// falls between the snapshot and the events.
pub const DRT_SNAPSHOT_EXACT: drt_snapshot = 0;
/// The server's own, which it reads before; saves the second read.
pub const DRT_SNAPSHOT_SERVER: drt_snapshot = 1;

/// Options of a subscription, for `drt_subscribe`. Initialise with
/// `DRT_SUBSCRIPTION_OPTIONS_INIT`; a member that is NULL, false or 0 has its default.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct drt_subscription_options {
    /// Size of the struct in bytes; set by `DRT_SUBSCRIPTION_OPTIONS_INIT`.
    pub struct_size: usize,
    /// The collection's name; required.
    pub collection: *const c_char,
    /// JSON object: `fields`, `filter`, `sort`, `limit`, `search`, `deep`, `alias`,
    /// `meta` ...; default none.
    pub query: *const c_char,
    /// A name of the application's choice, unique within the client; by default one is
    /// generated.
    pub uid: *const c_char,
    /// Whether the subscription survives its scope, `drt_unsubscribe_collection` and
    /// `drt_unsubscribe_all`; default false.
    pub persistent: bool,
    /// The kinds of event that are wanted; default 0 = all.
    pub events: drt_event_mask,
    /// Primary key of the one item to watch, also where it is a number; default NULL = all
    /// that the query matches.
    pub item: *const c_char,
    /// Name of the collection's primary key; default "id".
    pub primary_key: *const c_char,
    /// How changes are cut into callbacks; default `DRT_PER_ITEM`.
    pub granularity: drt_granularity,
    /// Which snapshot an INIT carries; default `DRT_SNAPSHOT_EXACT`.
    pub snapshot: drt_snapshot,
}

const INIT: &str = "DRT_SUBSCRIPTION_OPTIONS_INIT";

/// Takes over a program's options.
///
/// # Safety
/// `options` is NULL, or as [`versioned::read`] wants it, with texts in it that
/// are NULL or NUL-terminated.
pub(super) unsafe fn subscription_options(
    options: *const drt_subscription_options,
) -> Result<SubscriptionOptions> {
    if options.is_null() {
        return Err(text::null("options"));
    }
    // SAFETY: as the caller promises.
    let given = check_bool(unsafe { versioned::read(options, "options", INIT) }?)?;
    let owned = |text: Option<&str>| text.map(str::to_owned);
    // SAFETY: the texts are NUL-terminated or NULL, as the caller promises.
    unsafe {
        use text::{filled, optional, optional_filled as some};
        Ok(SubscriptionOptions {
            collection: filled(given.collection, "options.collection")?.to_owned(),
            query: owned(optional(given.query, "options.query")?),
            uid: owned(some(given.uid, "options.uid")?),
            persistent: given.persistent,
            events: event_mask(given.events)?,
            item: owned(some(given.item, "options.item")?),
            primary_key: owned(some(given.primary_key, "options.primary_key")?),
            per_message: per_message(given.granularity)?,
            snapshot: snapshot(given.snapshot)?,
        })
    }
}

/// A program in another language may have stored anything where C has a `bool`.
fn check_bool(given: MaybeUninit<drt_subscription_options>) -> Result<drt_subscription_options> {
    let at = offset_of!(drt_subscription_options, persistent);
    // SAFETY: the bytes were all written, and this is one of them.
    let byte = unsafe { *given.as_ptr().cast::<u8>().add(at) };
    if byte > 1 {
        return Err(text::unknown_value("options.persistent", byte));
    }
    // SAFETY: every bit pattern is valid for the other members, and 0 and 1 for this one.
    Ok(unsafe { given.assume_init() })
}

fn event_mask(mask: drt_event_mask) -> Result<u32> {
    let unknown = mask & !(DRT_ON_CREATE | DRT_ON_UPDATE | DRT_ON_DELETE);
    if unknown != 0 {
        let message = format!("`options.events` has the unknown bits {unknown:#x}");
        return Err(text::invalid(message));
    }
    Ok(mask)
}

fn per_message(value: drt_granularity) -> Result<bool> {
    match value {
        DRT_PER_ITEM => Ok(false),
        DRT_PER_MESSAGE => Ok(true),
        _ => Err(text::unknown_value("options.granularity", value)),
    }
}

fn snapshot(value: drt_snapshot) -> Result<SnapshotMode> {
    match value {
        DRT_SNAPSHOT_EXACT => Ok(SnapshotMode::Exact),
        DRT_SNAPSHOT_SERVER => Ok(SnapshotMode::Server),
        _ => Err(text::unknown_value("options.snapshot", value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Status;

    fn blank() -> drt_subscription_options {
        // SAFETY: all-zero is the default of every option.
        let mut options: drt_subscription_options = unsafe { std::mem::zeroed() };
        options.struct_size = size_of::<drt_subscription_options>();
        options.collection = c"posts".as_ptr();
        options
    }

    fn refusal(options: *const drt_subscription_options) -> String {
        // SAFETY: a live struct with literals in it.
        let error = unsafe { subscription_options(options) }.expect_err("refused");
        assert_eq!(error.status, Status::InvalidArgument);
        error.message
    }

    #[test]
    fn unknown_choices_are_named_with_their_value() {
        let options = drt_subscription_options {
            events: 9,
            ..blank()
        };
        assert_eq!(
            refusal(&options),
            "`options.events` has the unknown bits 0x8"
        );
        let options = drt_subscription_options {
            granularity: 2,
            ..blank()
        };
        assert_eq!(
            refusal(&options),
            "`options.granularity` has the unknown value 2"
        );
        let options = drt_subscription_options {
            snapshot: -1,
            ..blank()
        };
        assert_eq!(
            refusal(&options),
            "`options.snapshot` has the unknown value -1"
        );
    }

    #[test]
    fn a_bool_that_is_none_is_refused_before_it_is_read() {
        let mut options = MaybeUninit::new(blank());
        let at = offset_of!(drt_subscription_options, persistent);
        // SAFETY: within the struct, which is not read as one afterwards.
        unsafe { options.as_mut_ptr().cast::<u8>().add(at).write(2) };
        assert!(refusal(options.as_ptr()).contains("`options.persistent`"));
    }

    #[test]
    fn a_collection_is_required() {
        let options = drt_subscription_options {
            collection: std::ptr::null(),
            ..blank()
        };
        assert_eq!(refusal(&options), "`options.collection` is NULL");
        assert_eq!(refusal(std::ptr::null()), "`options` is NULL");
    }
}
