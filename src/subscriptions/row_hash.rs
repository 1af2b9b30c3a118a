//! Whether two rows are the same, without keeping them.

use std::hash::{DefaultHasher, Hash, Hasher};

/// The hash of a row, as JSON. The server writes the same row in the same way.
pub fn row_hash(row: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    row.hash(&mut hasher);
    hasher.finish()
}
