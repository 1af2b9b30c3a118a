//! Where a row belongs in the list, as far as that can be known without the server. Texts are never
//! compared: the database has a collation of its own. Where two rows compare as equal, only the server
//! knows which one comes first.

use std::cmp::Ordering;

use serde_json::Value;

use super::query::names;
use crate::protocol::{items, key};
use crate::rows::{RowRef, Rows};

/// One field by which the rows are ordered.
#[derive(Clone, Debug, PartialEq, Eq)]
struct SortField {
    name: Box<str>,
    descending: bool,
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Order {
    /// Empty where nothing can be known.
    fields: Vec<SortField>,
    primary_key: Box<str>,
}

/// A value that every database orders in the same way.
#[derive(Clone, Copy, Debug)]
enum Comparable<'a> {
    Integer(i64),
    Decimal(f64),
    Bool(bool),
    /// A date, a time or a UUID: of the same form, they are ordered as texts of digits.
    Text(&'a str),
}

impl Order {
    /// The order of a query's `sort`; without one, by primary key.
    pub fn new(sort: Option<&Value>, primary_key: &str) -> Order {
        let sort = sort.map(names).filter(|sort| !sort.is_empty());
        let sort = sort.unwrap_or_else(|| vec![primary_key.to_owned()]);
        let is_plain = |name: &str| {
            let mut bytes = name.bytes();
            !name.is_empty() && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_' || b >= 0x80)
        };
        let fields = sort.iter().map(|field| {
            let name = field.strip_prefix('-').unwrap_or(field);
            is_plain(name).then(|| SortField {
                name: name.into(),
                descending: field.starts_with('-'),
            })
        });
        Order {
            fields: fields.collect::<Option<Vec<_>>>().unwrap_or_default(),
            primary_key: primary_key.into(),
        }
    }

    /// Whether nothing has changed that the order depends on.
    pub fn is_same(&self, one: RowRef<'_>, other: RowRef<'_>) -> bool {
        !self.fields.is_empty()
            && self.fields.iter().all(|field| {
                let value = self.value(one, field);
                value.is_some() && value == self.value(other, field)
            })
    }

    /// The place at which a row is to be inserted; `None` where only the server knows.
    pub fn place(&self, rows: &Rows, row: RowRef<'_>) -> Option<usize> {
        if self.fields.is_empty() {
            return None;
        }
        // A value that cannot be compared even with itself has no place.
        self.compare(row, row)?;
        let (mut low, mut high) = (0, rows.len());
        while low < high {
            let middle = low + (high - low) / 2;
            match self.compare(rows.get(middle)?.as_ref(), row)? {
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
                Ordering::Equal => return None,
            }
        }
        Some(low)
    }

    fn value<'a>(&self, row: RowRef<'a>, field: &SortField) -> Option<&'a str> {
        if field.name == self.primary_key {
            return Some(row.key);
        }
        items::member(row.text, &field.name)
    }

    /// How two rows are ordered; `None` where only the server knows.
    fn compare(&self, one: RowRef<'_>, other: RowRef<'_>) -> Option<Ordering> {
        for field in &self.fields {
            let one = comparable(self.value(one, field)?)?;
            let other = comparable(self.value(other, field)?)?;
            let order = compare(one, other)?;
            if order != Ordering::Equal {
                return Some(if field.descending {
                    order.reverse()
                } else {
                    order
                });
            }
        }
        Some(Ordering::Equal)
    }
}

fn comparable(json: &str) -> Option<Comparable<'_>> {
    match json.as_bytes().first()? {
        b't' => Some(Comparable::Bool(true)),
        b'f' => Some(Comparable::Bool(false)),
        b'"' => {
            let text = json.strip_prefix('"')?.strip_suffix('"')?;
            let lower = !text.bytes().any(|byte| byte.is_ascii_uppercase());
            (is_date(text) || (key::is_uuid(text) && lower)).then_some(Comparable::Text(text))
        }
        b'-' | b'0'..=b'9' if !key::is_rounded(json) => match json.parse() {
            Ok(integer) => Some(Comparable::Integer(integer)),
            Err(_) => json.parse().ok().map(Comparable::Decimal),
        },
        _ => None,
    }
}

/// Whether it begins with a date in ISO form.
fn is_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digits = |range: std::ops::Range<usize>| bytes[range].iter().all(u8::is_ascii_digit);
    bytes.len() >= 10
        && digits(0..4)
        && bytes[4] == b'-'
        && digits(5..7)
        && bytes[7] == b'-'
        && digits(8..10)
        && bytes[10..]
            .iter()
            .all(|byte| byte.is_ascii_digit() || b"T:.Z+- ".contains(byte))
}

fn compare(one: Comparable<'_>, other: Comparable<'_>) -> Option<Ordering> {
    use Comparable::{Bool, Decimal, Integer, Text};
    match (one, other) {
        (Integer(one), Integer(other)) => Some(one.cmp(&other)),
        (Bool(one), Bool(other)) => Some(one.cmp(&other)),
        (Decimal(one), Decimal(other)) => one.partial_cmp(&other),
        // With at most 15 digits both are exact.
        (Integer(one), Decimal(other)) => (one as f64).partial_cmp(&other),
        (Decimal(one), Integer(other)) => one.partial_cmp(&(other as f64)),
        (Text(one), Text(other)) => {
            let shape = |text: &str| text.bytes().map(|b| b.is_ascii_alphanumeric()).collect();
            let (first, second): (Vec<bool>, Vec<bool>) = (shape(one), shape(other));
            (first == second).then(|| one.cmp(other))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::answer;
    use serde_json::json;

    fn place(sort: Value, list: &str, row: &str) -> Option<usize> {
        let rows = answer::rows(list, "id").expect("rows");
        let row = answer::rows(row, "id").expect("a row")[0];
        Order::new(Some(&sort), "id").place(&Rows::build(&rows), row)
    }

    #[test]
    fn numbers_booleans_dates_and_uuids_are_placed() {
        let ids = r#"[{"id":2},{"id":9},{"id":10}]"#;
        for (row, expected) in [
            (r#"{"id":1}"#, Some(0)),
            (r#"{"id":9.5}"#, Some(2)),
            (r#"{"id":11}"#, Some(3)),
            (r#"{"id":"3"}"#, None),
            (r#"{"id":9}"#, None),
            (r#"{"id":12345678901234567}"#, None),
        ] {
            assert_eq!(place(json!([]), ids, row), expected, "{row}");
        }
        let dates = r#"[{"id":1,"d":"2026-01-02T00:00:00"},{"id":2,"d":"2025-01-02T00:00:00"}]"#;
        for (row, expected) in [
            (r#"{"id":3,"d":"2025-06-01T10:00:00"}"#, Some(1)),
            (r#"{"id":3,"d":"2025-06-01T10:00:00Z"}"#, None),
            (r#"{"id":3,"d":"2026-01-02T00:00:00"}"#, None),
            (r#"{"id":3,"d":null}"#, None),
        ] {
            assert_eq!(place(json!("-d"), dates, row), expected, "{row}");
        }
        let tied = r#"[{"id":1,"d":true},{"id":3,"d":true}]"#;
        assert_eq!(place(json!("d,id"), tied, r#"{"id":2,"d":true}"#), Some(1));
        assert_eq!(
            place(json!("-d,-id"), "[]", r#"{"id":2,"d":true}"#),
            Some(0)
        );
    }

    #[test]
    fn texts_are_never_compared() {
        let names = r#"[{"id":1,"n":"a"},{"id":2,"n":"b"}]"#;
        assert_eq!(place(json!(["n"]), names, r#"{"id":3,"n":"c"}"#), None);
        assert_eq!(place(json!(["n"]), "[]", r#"{"id":3,"n":"c"}"#), None);
        assert_eq!(place(json!(["a.n"]), "[]", r#"{"id":3}"#), None);
        assert_eq!(place(json!(["n"]), "[]", r#"{"id":3}"#), None);
    }
}
