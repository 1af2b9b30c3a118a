//! Finds the leaf that a key is in: a trie over hashes. A clone shares everything with the original.

use std::sync::Arc;

/// A bucket is divided when it has more entries than this.
const MOST: usize = 32;
/// Bits of the hash for each level, and how many levels there are.
const BITS: u32 = 4;
const LEVELS: u32 = 32 / BITS;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    hash: u32,
    leaf: u32,
}

#[derive(Clone, Debug)]
enum Node {
    Bucket(Vec<Entry>),
    Branch(Box<[Arc<Node>; 1 << BITS]>),
}

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct KeyIndex {
    root: Arc<Node>,
}

impl Default for KeyIndex {
    fn default() -> Self {
        KeyIndex {
            root: Arc::new(Node::Bucket(Vec::new())),
        }
    }
}

fn branch_of(hash: u32, level: u32) -> usize {
    (hash >> (level * BITS)) as usize & ((1 << BITS) - 1)
}

impl KeyIndex {
    /// The index of these keys: the hash of each, and its leaf.
    pub fn build(keys: impl ExactSizeIterator<Item = (u32, u32)>) -> KeyIndex {
        let entries = keys.map(|(hash, leaf)| Entry { hash, leaf }).collect();
        KeyIndex {
            root: build(entries, 0),
        }
    }

    /// A key with this hash is in that leaf.
    pub fn insert(&mut self, hash: u32, leaf: u32) {
        insert(&mut self.root, Entry { hash, leaf }, 0);
    }

    /// A key with this hash is not in that leaf any more.
    pub fn remove(&mut self, hash: u32, leaf: u32) {
        self.update(hash, |entries| {
            let at = entries.iter().position(|e| *e == Entry { hash, leaf });
            at.map(|at| entries.swap_remove(at));
        });
    }

    /// A key with this hash has moved from one leaf to another.
    pub fn relocate(&mut self, hash: u32, from: u32, to: u32) {
        self.update(hash, |entries| {
            let wanted = Entry { hash, leaf: from };
            if let Some(entry) = entries.iter_mut().find(|e| **e == wanted) {
                entry.leaf = to;
            }
        });
    }

    fn update(&mut self, hash: u32, change: impl FnOnce(&mut Vec<Entry>)) {
        let (mut node, mut level) = (&mut self.root, 0);
        loop {
            match Arc::make_mut(node) {
                Node::Bucket(entries) => return change(entries),
                Node::Branch(nodes) => node = &mut nodes[branch_of(hash, level)],
            }
            level += 1;
        }
    }

    /// The leaves with a key of this hash.
    pub fn leaves(&self, hash: u32) -> impl Iterator<Item = u32> + '_ {
        let (mut node, mut level) = (&self.root, 0);
        let entries = loop {
            match &**node {
                Node::Bucket(entries) => break entries,
                Node::Branch(nodes) => node = &nodes[branch_of(hash, level)],
            }
            level += 1;
        };
        let of_hash = entries.iter().filter(move |entry| entry.hash == hash);
        of_hash.map(|entry| entry.leaf)
    }
}

fn build(mut entries: Vec<Entry>, level: u32) -> Arc<Node> {
    Arc::new(if entries.len() <= MOST || level == LEVELS {
        entries.shrink_to_fit();
        Node::Bucket(entries)
    } else {
        let parts = divide(entries.into_iter(), level);
        Node::Branch(Box::new(parts.map(|part| build(part, level + 1))))
    })
}

fn divide(entries: impl ExactSizeIterator<Item = Entry>, level: u32) -> [Vec<Entry>; 1 << BITS] {
    // Nearly as many in each.
    let each = entries.len() * 5 / 4 / (1 << BITS) + 1;
    let mut parts = std::array::from_fn(|_| Vec::with_capacity(each));
    for entry in entries {
        parts[branch_of(entry.hash, level)].push(entry);
    }
    parts
}

fn insert(node: &mut Arc<Node>, entry: Entry, level: u32) {
    match Arc::make_mut(node) {
        Node::Branch(nodes) => insert(&mut nodes[branch_of(entry.hash, level)], entry, level + 1),
        Node::Bucket(entries) if entries.len() < MOST || level == LEVELS => {
            entries.push(entry);
        }
        Node::Bucket(entries) => {
            let mut parts: [Vec<Entry>; 1 << BITS] = Default::default();
            for entry in entries.drain(..).chain([entry]) {
                parts[branch_of(entry.hash, level)].push(entry);
            }
            let nodes = parts.map(|part| Arc::new(Node::Bucket(part)));
            *node = Arc::new(Node::Branch(Box::new(nodes)));
        }
    }
}
