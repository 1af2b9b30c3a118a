//! Rows with an index, for bindings.

use std::ffi::c_char;

use super::delivery::{take, time};
use super::options::LARGEST_STRUCT;
use super::panic;
use super::status::drt_status;
use super::strings::is_null;
use super::types::drt_client;
use crate::client::{RowEntry, RowsOf};
use crate::error::{Error, Result};

/// A row of `drt_client_next_indexed`. Offsets are in bytes of the text.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct drt_row_entry {
    /// The registration's user data, as a number; 0 in rows that have none.
    pub user_data: u64,
    /// As in `drt_event`, and 0 in rows that are no events, as `kind`, `flags`, `index` and `count`.
    pub sequence: u64,
    /// Where the row's text begins. An event's is its data, `null` if there is none, and its meta,
    /// if there is one. That of another row is the row as `drt_client_next` has it.
    pub begin: u64,
    /// Where an event's data ends and its meta begins; in other rows as `end`.
    pub data_end: u64,
    /// Where the row's text ends.
    pub end: u64,
    /// The first element of the row as `drt_client_next` has it: 0 for an event.
    pub row: u32,
    /// `DRT_EVENT_...`.
    pub kind: u32,
    /// Any of `DRT_FLAG_...`.
    pub flags: u32,
    /// As in `drt_event`.
    pub index: u32,
    /// As in `drt_event`.
    pub count: u32,
    /// 0.
    pub reserved: u32,
}

impl From<&RowEntry> for drt_row_entry {
    fn from(row: &RowEntry) -> drt_row_entry {
        drt_row_entry {
            user_data: row.key,
            sequence: row.sequence,
            begin: row.begin as u64,
            data_end: row.data_end as u64,
            end: row.end as u64,
            row: row.row as u32,
            kind: row.kind,
            flags: row.flags,
            index: row.index,
            count: row.count,
            reserved: 0,
        }
    }
}

/// Like `drt_client_next`, for languages in which even the splitting of a large array costs: the
/// numbers of each row, and where its text is, come in an array of the caller's, so that the data
/// of an event need not be parsed before it is read. Commas separate the rows' texts, so that where
/// no event has a meta, the text in brackets is one JSON array: to parse that is faster than to parse
/// each text. `entries` has room for `max_rows` entries,
/// not 0, of `entry_size` bytes, which is `sizeof(drt_row_entry)`: entries grow at their end only.
/// `*text` is not NUL-terminated, and as long valid as `*json` of `drt_client_next`. `*rows`, if
/// `rows` is not NULL, receives the number of rows.
///
/// Threads and errors as `drt_client_dispatch`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_client_next_indexed(
    client: *mut drt_client,
    timeout_ms: i32,
    max_rows: usize,
    entries: *mut drt_row_entry,
    entry_size: usize,
    text: *mut *const c_char,
    text_len: *mut usize,
    rows: *mut usize,
) -> drt_status {
    // SAFETY: the header's contract.
    panic::run(|| unsafe {
        let names = ["text", "text_len"];
        take(client, names, text, text_len, rows, |client, show| {
            check_room(entries, entry_size, max_rows)?;
            let of = RowsOf::Indexed;
            client.take_rows(of, time(timeout_ms), max_rows, &mut |text, index| {
                let text = if index.is_empty() { "" } else { text };
                write_entries(index, entries.cast(), entry_size);
                show(text, index);
            })
        })
    })
}

fn check_room(entries: *mut drt_row_entry, entry_size: usize, max_rows: usize) -> Result<()> {
    if entries.is_null() {
        return Err(is_null("entries"));
    }
    if max_rows == 0 {
        return Err(Error::invalid(
            "max_rows",
            "`max_rows` is 0: give the number of entries",
        ));
    }
    if !(size_of::<u64>()..=LARGEST_STRUCT).contains(&entry_size) {
        let message = format!("`entry_size` is {entry_size}: give the size of an entry");
        return Err(Error::invalid("entry_size", message));
    }
    Ok(())
}

/// Writes as much of each entry as there is room for, and clears the members that a later header
/// has.
///
/// # Safety
///
/// `out` has room for all entries, of `size` bytes each.
unsafe fn write_entries(index: &[RowEntry], out: *mut u8, size: usize) {
    let bytes = size.min(size_of::<drt_row_entry>());
    for (n, row) in index.iter().enumerate() {
        let entry = drt_row_entry::from(row);
        let from = std::ptr::from_ref(&entry).cast::<u8>();
        // SAFETY: the caller's promise, and `bytes` are within both.
        unsafe {
            let to = out.add(n * size);
            std::ptr::copy_nonoverlapping(from, to, bytes);
            to.add(bytes).write_bytes(0, size - bytes);
        }
    }
}
