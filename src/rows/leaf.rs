//! A few successive rows, and the nodes that hold such leaves.

use std::sync::Arc;

use super::row::{Row, RowRef};

/// A leaf is divided when it has more rows than this.
pub(super) const MOST_ROWS: usize = 64;
/// A node is divided when it has more leaves than this.
pub(super) const MOST_LEAVES: usize = 64;
/// What a row that has a text of its own costs beside it.
const OWN_TEXT: usize = 64;

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Leaf {
    pub rows: Vec<Row>,
    /// Bytes that are held for nothing, by texts of which parts are not used any more, and by small
    /// allocations.
    waste: usize,
    /// Bytes of the rows.
    used: usize,
}

impl Leaf {
    /// Rows, in a text of their own.
    pub fn new<'a>(rows: impl Iterator<Item = RowRef<'a>> + Clone) -> Leaf {
        let used = rows.clone().map(|row| row.text.len()).sum();
        let mut text = String::with_capacity(used);
        rows.clone().for_each(|row| text.push_str(row.text));
        let text = Arc::new(text.into_boxed_str());
        let mut start = 0;
        let place = |row: RowRef<'a>| {
            let placed = Row::part(&text, start, row);
            start += row.text.len();
            placed
        };
        Leaf {
            rows: rows.map(place).collect(),
            waste: 0,
            used,
        }
    }

    pub fn insert(&mut self, at: usize, row: Row) {
        self.used += row.len();
        self.waste += OWN_TEXT;
        self.rows.insert(at, row);
        self.compact();
    }

    pub fn remove(&mut self, at: usize) -> Row {
        let row = self.rows.remove(at);
        self.used -= row.len();
        self.waste += row.len();
        self.compact();
        row
    }

    pub fn replace(&mut self, at: usize, row: Row) {
        self.used = self.used + row.len() - self.rows[at].len();
        self.waste += self.rows[at].len() + OWN_TEXT;
        self.rows[at] = row;
        self.compact();
    }

    /// The second half of the rows.
    pub fn split(&mut self) -> Leaf {
        let second = self.rows.split_off(self.rows.len() / 2);
        let leaf = Leaf::new(second.iter().map(Row::as_ref));
        *self = Leaf::new(self.rows.iter().map(Row::as_ref));
        leaf
    }

    /// Copies the rows where more than a quarter of what is held is of no use.
    fn compact(&mut self) {
        if self.waste > self.used / 4 + 4 * OWN_TEXT {
            *self = Leaf::new(self.rows.iter().map(Row::as_ref));
        }
    }
}

/// Successive leaves, with their numbers.
#[derive(Clone, Debug, Default)]
pub(super) struct Node {
    pub numbers: Vec<u32>,
    pub leaves: Vec<Arc<Leaf>>,
    /// How many rows they have.
    pub len: usize,
}

impl Node {
    pub fn push(&mut self, number: u32, leaf: Leaf) {
        self.len += leaf.rows.len();
        self.numbers.push(number);
        self.leaves.push(Arc::new(leaf));
    }

    /// The second half of the leaves.
    pub fn split(&mut self) -> Node {
        let middle = self.leaves.len() / 2;
        let (numbers, leaves) = (
            self.numbers.split_off(middle),
            self.leaves.split_off(middle),
        );
        let len = leaves.iter().map(|leaf| leaf.rows.len()).sum();
        self.len -= len;
        Node {
            numbers,
            leaves,
            len,
        }
    }
}
