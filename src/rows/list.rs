//! The list of rows: found by place and by key, changed at any place.

use std::sync::Arc;

use super::index::KeyIndex;
use super::leaf::{Leaf, MOST_LEAVES, MOST_ROWS, Node};
use super::row::{Row, RowRef, hash_of, hash_of_json};
use crate::protocol::items;

/// Leaves of a list that is built at once have room for more.
const FILLED: usize = MOST_ROWS * 3 / 4;

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    nodes: Vec<Arc<Node>>,
    keys: KeyIndex,
    len: usize,
    /// The next leaf's number.
    next: u32,
}

/// Which row a key names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    /// The one at that place.
    Exact(usize),
    /// None has the key in just this spelling, but that one in another.
    Similar(usize),
    /// None.
    None,
}

/// Where a row is.
#[derive(Clone, Copy)]
struct Place {
    node: usize,
    leaf: usize,
    row: usize,
}

impl Rows {
    /// The list of these rows.
    pub fn build(rows: &[RowRef<'_>]) -> Rows {
        let mut list = Rows::default();
        let mut node = Node::default();
        let leaf_of = |at: usize| (at / FILLED) as u32 + 1;
        let keys = rows.iter().enumerate();
        list.keys = KeyIndex::build(keys.map(|(at, row)| (hash_of_json(row.key), leaf_of(at))));
        for part in rows.chunks(FILLED) {
            if node.leaves.len() == MOST_LEAVES * 3 / 4 {
                list.nodes.push(Arc::new(std::mem::take(&mut node)));
            }
            let number = list.next_number();
            node.push(number, Leaf::new(part.iter().copied()));
        }
        if node.len > 0 {
            list.nodes.push(Arc::new(node));
        }
        list.len = rows.len();
        list
    }

    fn next_number(&mut self) -> u32 {
        self.next += 1;
        self.next
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The place of a row, or, at the end of a leaf, where one may be appended.
    fn place(&self, index: usize) -> Option<Place> {
        let mut left = index;
        let last = self.nodes.len().checked_sub(1)?;
        let node = self.nodes.iter().position(|node| {
            let is_it = left < node.len;
            left -= if is_it { 0 } else { node.len };
            is_it
        });
        let (node, mut left) = match node {
            Some(node) => (node, left),
            // Behind the last row.
            None if left == 0 => (last, self.nodes[last].len),
            None => return None,
        };
        let leaves = &self.nodes[node].leaves;
        for (leaf, held) in leaves.iter().enumerate() {
            let len = held.rows.len();
            if left < len || (left == len && leaf + 1 == leaves.len()) {
                return Some(Place {
                    node,
                    leaf,
                    row: left,
                });
            }
            left -= len;
        }
        None
    }

    /// The row at that place.
    pub fn get(&self, index: usize) -> Option<&Row> {
        let at = self.place(index)?;
        self.nodes[at.node].leaves[at.leaf].rows.get(at.row)
    }

    /// All rows, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Row> {
        let leaves = self.nodes.iter().flat_map(|node| &node.leaves);
        leaves.flat_map(|leaf| &leaf.rows)
    }

    /// The rows from that place on.
    pub fn iter_from(&self, index: usize) -> impl Iterator<Item = &Row> {
        let at = self.place(index).filter(|_| index < self.len);
        let nodes = at.into_iter().flat_map(move |at| {
            let rest = &self.nodes[at.node + 1..];
            let leaves = self.nodes[at.node].leaves[at.leaf..].iter();
            leaves.chain(rest.iter().flat_map(|node| &node.leaves))
        });
        let skipped = at.map_or(0, |at| at.row);
        nodes.flat_map(|leaf| &leaf.rows).skip(skipped)
    }

    /// The row that a key names, given as text.
    pub fn find(&self, key_text: &str) -> Match {
        let mut similar = Match::None;
        for number in self.keys.leaves(hash_of(key_text)) {
            let Some((before, leaf)) = self.leaf(number) else {
                continue;
            };
            for (at, row) in leaf.rows.iter().enumerate() {
                if names(row.key(), key_text) {
                    return Match::Exact(before + at);
                }
                if similar == Match::None && hash_of_json(row.key()) == hash_of(key_text) {
                    similar = Match::Similar(before + at);
                }
            }
        }
        similar
    }

    /// The place of the row with just this key.
    pub fn position(&self, key_text: &str) -> Option<usize> {
        match self.find(key_text) {
            Match::Exact(index) => Some(index),
            Match::Similar(_) | Match::None => None,
        }
    }

    /// The leaf of that number, and how many rows are before it.
    fn leaf(&self, number: u32) -> Option<(usize, &Leaf)> {
        let mut before = 0;
        for node in &self.nodes {
            if let Some(at) = node.numbers.iter().position(|n| *n == number) {
                let earlier = node.leaves[..at].iter().map(|leaf| leaf.rows.len());
                return Some((before + earlier.sum::<usize>(), &node.leaves[at]));
            }
            before += node.len;
        }
        None
    }

    /// Inserts a row before the one at that place, or at the end.
    pub fn insert(&mut self, index: usize, row: Row) {
        let hash = hash_of_json(row.key());
        if self.nodes.is_empty() {
            let number = self.next_number();
            let mut node = Node::default();
            node.push(number, Leaf::new([row.as_ref()].into_iter()));
            self.nodes.push(Arc::new(node));
            self.keys.insert(hash, number);
            self.len = 1;
            return;
        }
        let Some(at) = self.place(index) else { return };
        let new = self.next + 1;
        let node = Arc::make_mut(&mut self.nodes[at.node]);
        let leaf = Arc::make_mut(&mut node.leaves[at.leaf]);
        leaf.insert(at.row, row);
        node.len += 1;
        self.len += 1;
        self.keys.insert(hash, node.numbers[at.leaf]);
        if leaf.rows.len() > MOST_ROWS {
            let second = leaf.split();
            for row in &second.rows {
                let hash = hash_of_json(row.key());
                self.keys.relocate(hash, node.numbers[at.leaf], new);
            }
            node.numbers.insert(at.leaf + 1, new);
            node.leaves.insert(at.leaf + 1, Arc::new(second));
            self.next = new;
            if node.leaves.len() > MOST_LEAVES {
                let second = node.split();
                self.nodes.insert(at.node + 1, Arc::new(second));
            }
        }
    }

    /// Removes the row at that place.
    pub fn remove(&mut self, index: usize) -> Option<Row> {
        let at = self.place(index).filter(|_| index < self.len)?;
        let node = Arc::make_mut(&mut self.nodes[at.node]);
        let leaf = Arc::make_mut(&mut node.leaves[at.leaf]);
        let row = leaf.remove(at.row);
        node.len -= 1;
        self.len -= 1;
        self.keys
            .remove(hash_of_json(row.key()), node.numbers[at.leaf]);
        if leaf.rows.is_empty() {
            node.leaves.remove(at.leaf);
            node.numbers.remove(at.leaf);
            if node.leaves.is_empty() {
                self.nodes.remove(at.node);
            }
        }
        Some(row)
    }

    /// Replaces the row at that place by another one with the same key. Returns it as it was.
    pub fn replace(&mut self, index: usize, row: Row) -> Option<Row> {
        let at = self.place(index).filter(|_| index < self.len)?;
        let node = Arc::make_mut(&mut self.nodes[at.node]);
        let leaf = Arc::make_mut(&mut node.leaves[at.leaf]);
        let before = leaf.rows.get(at.row).cloned()?;
        leaf.replace(at.row, row);
        Some(before)
    }
}

/// Whether a key, as JSON, is that text.
fn names(json: &str, text: &str) -> bool {
    // Nearly always without escapes.
    let plain = json.strip_prefix('"').and_then(|j| j.strip_suffix('"'));
    match plain {
        Some(plain) if !plain.contains('\\') => plain == text,
        None => json == text,
        Some(_) => items::key_text(json).is_some_and(|key| key == text),
    }
}
