//! The rows in an answer of the server.

use super::row::RowRef;
use crate::protocol::items::{self, RowPlace};

/// Why an answer cannot be held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// It is not valid JSON.
    Malformed,
    /// A row has no key.
    NoKey,
}

/// The rows of an answer. An empty singleton, whose key is null, is no row.
pub fn rows<'a>(data: &'a str, primary_key: &str) -> Result<Vec<RowRef<'a>>, Unusable> {
    let mut places: Vec<RowPlace> = Vec::new();
    items::rows(data, primary_key, &mut places).map_err(|_| Unusable::Malformed)?;
    let part = |(start, end): (u32, u32)| &data[start as usize..end as usize];
    let mut rows = Vec::with_capacity(places.len());
    let is_array = data.trim_ascii_start().starts_with('[');
    for place in places {
        let row = RowRef {
            text: part(place.row),
            key: part(place.key),
        };
        match row.key.as_bytes().first() {
            Some(b'"' | b'-' | b'0'..=b'9') => rows.push(row),
            _ if !is_array && matches!(row.key, "null") => {}
            _ if row.text == "null" => {}
            _ => return Err(Unusable::NoKey),
        }
    }
    Ok(rows)
}
