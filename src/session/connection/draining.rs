//! Links that were left and stay open until their subscribes are answered: the server
//! never forgets those that were under way when a socket closes, and every such leftover
//! slows it down for all of its clients.

use std::collections::{HashMap, HashSet};

use crate::session::LinkId;

/// See the module.
#[derive(Debug, Default)]
pub struct Draining {
    /// The serials of the subscribes without a reply.
    links: HashMap<LinkId, HashSet<u64>>,
}

impl Draining {
    /// A link was left while these subscribes are under way. Whether it has to be kept
    /// open for them.
    pub fn keep(&mut self, link: LinkId, awaited: HashSet<u64>) -> bool {
        if awaited.is_empty() {
            return false;
        }
        self.links.insert(link, awaited);
        true
    }

    /// Whether that link is draining.
    pub fn has(&self, link: LinkId) -> bool {
        self.links.contains_key(&link)
    }

    /// A subscribe was answered.
    pub fn answered(&mut self, link: LinkId, serial: u64) {
        if let Some(awaited) = self.links.get_mut(&link) {
            awaited.remove(&serial);
        }
    }

    /// Whether everything on a draining link is answered. It is forgotten then.
    pub fn take_drained(&mut self, link: LinkId) -> bool {
        let is_drained = self.links.get(&link).is_some_and(HashSet::is_empty);
        is_drained && self.links.remove(&link).is_some()
    }

    /// The link is closed.
    pub fn remove(&mut self, link: LinkId) {
        self.links.remove(&link);
    }

    /// Whether no link that was left waits for subscribes any more.
    pub fn is_empty(&self) -> bool {
        self.links.is_empty()
    }
}
