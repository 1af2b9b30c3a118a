//! Live collections: the rows with which the server would answer a query, held in memory, and kept so.
//!
//! The idea: an event is a hint that a row was touched; what a row is, the server's answer says. A
//! live collection has subscriptions of its own: one to the rows that match, one to the keys of all rows
//! where a row can stop matching, and one to each collection on which its rows depend. An ordinary event
//! of a quiet server is shown at once; what cannot be believed is read again when it is quiet
//! ([`flurry`]). Where only the server knows a row's place ([`order`]), all keys are read. After a gap,
//! and from time to time, all rows are, and what differs is reported.
//!
//! A pure state machine as the session is: inputs with a time go in, commands for the session and
//! items for delivery come out. It knows no I/O, clocks, threads and locks; `client/engine.rs` joins it
//! with the session and the delivery.

mod answers;
mod changes;
mod collection;
mod flurry;
mod order;
mod query;
mod reading;
#[cfg(test)]
mod tests;
mod timing;
mod verifying;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use self::collection::{Collection, Out};
pub use self::query::LiveQuery;
use self::verifying::Verify;
use crate::handover::{DeliveryItem, Event, ReadAnswer, ReadRequest, ReplySink};
use crate::rows::Feed;
use crate::subscriptions::SubId;

/// What a live collection is to hold.
#[derive(Clone, Debug)]
pub struct LiveOptions {
    /// Its query.
    pub query: LiveQuery,
    /// The collections on which its rows depend.
    pub depends_on: Vec<Box<str>>,
    /// How often all rows are held against the server's answer.
    pub verify: Option<Duration>,
    /// The largest message that is accepted.
    pub max_message_bytes: usize,
}

/// What a live collection asks of the session.
pub enum Command {
    /// Make a subscription that the application does not know, and call [`Lives::on_subscribed`].
    Subscribe {
        /// The subscription that stands for the live collection.
        main: SubId,
        /// Which of its subscriptions this is.
        part: usize,
        /// The collection.
        collection: Box<str>,
        /// The query.
        query: Box<str>,
    },
    /// End such a subscription.
    End(SubId),
    /// Read something.
    Read(SubId, ReadRequest),
    /// Have the server send its own snapshot again.
    Resync(SubId),
    /// End the live collection with this error.
    GiveUp(SubId, String),
    /// Something has changed that a thread may wait for.
    Notify,
}

/// All live collections of a client.
#[derive(Default)]
pub struct Lives {
    /// By the slots of the subscriptions that stand for them.
    collections: HashMap<u32, Collection>,
    /// Which live collection a subscription serves, and as which of its parts.
    parts: HashMap<u32, (u32, usize)>,
    deadlines: BTreeSet<(Duration, u32)>,
    /// The deadline of each that has one.
    set: HashMap<u32, Duration>,
    out: Out,
}

impl Lives {
    /// Whether there is none, and nothing left to be done.
    pub fn is_idle(&self) -> bool {
        self.collections.is_empty() && self.out.commands.is_empty() && self.out.items.is_empty()
    }

    /// What is asked of the session, since the last call.
    pub fn take_commands(&mut self) -> Vec<Command> {
        std::mem::take(&mut self.out.commands)
    }

    /// What goes to the application, since the last call.
    pub fn take_items(&mut self) -> Vec<DeliveryItem> {
        std::mem::take(&mut self.out.items)
    }

    /// A live collection is opened. Its subscription was made.
    pub fn open(&mut self, now: Duration, id: SubId, feed: Arc<Feed>, options: LiveOptions) {
        let collection = Collection::new(now, id, feed, options);
        self.parts.insert(id.slot(), (id.slot(), 0));
        collection.make_parts(&mut self.out);
        self.collections.insert(id.slot(), collection);
        self.plan(id.slot());
    }

    /// A subscription was made for a live collection.
    pub fn on_subscribed(&mut self, main: SubId, part: usize, id: SubId) {
        if let Some(collection) = self.by_id(main) {
            collection.parts[part].id = Some(id);
            self.parts.insert(id.slot(), (main.slot(), part));
        } else {
            self.out.commands.push(Command::End(id));
        }
    }

    fn by_id(&mut self, id: SubId) -> Option<&mut Collection> {
        let collection = self.collections.get_mut(&id.slot());
        collection.filter(|collection| collection.id == id)
    }

    /// Whether a subscription serves a live collection.
    pub fn owns(&self, slot: u32) -> bool {
        self.parts.contains_key(&slot)
    }

    /// An event of such a subscription.
    pub fn on_event(&mut self, now: Duration, event: &Event) {
        let Some(&(slot, part)) = self.parts.get(&event.slot) else {
            return;
        };
        if let Some(collection) = self.collections.get_mut(&slot) {
            collection.on_event(now, part, event, &mut self.out);
        }
        self.plan(slot);
    }

    /// The read that a live collection has asked for is sent.
    pub fn on_read_sent(&mut self, id: SubId) {
        if let Some(collection) = self.by_id(id) {
            collection.on_read_sent();
        }
    }

    /// It is over.
    pub fn on_read_over(&mut self, now: Duration, id: SubId, answer: ReadAnswer) {
        self.with(id, |collection, out| {
            collection.on_read_over(now, answer, out)
        });
    }

    /// The link is lost.
    pub fn on_link_lost(&mut self, now: Duration, was_too_large: bool) {
        let mut slots: Vec<u32> = self.collections.keys().copied().collect();
        slots.sort_unstable();
        for slot in slots {
            if let Some(collection) = self.collections.get_mut(&slot) {
                collection.on_link_lost(now, was_too_large, &mut self.out);
            }
            self.plan(slot);
        }
    }

    /// The application has ended a live collection.
    pub fn on_ended(&mut self, id: SubId) {
        if let Some(collection) = self.by_id(id) {
            collection.feed.close();
            self.remove(id.slot());
        }
    }

    /// Delivery has been given the release of a live collection, which has ended.
    pub fn on_release(&mut self, slot: u32) {
        self.remove(slot);
    }

    fn remove(&mut self, slot: u32) {
        let Some(mut collection) = self.collections.remove(&slot) else {
            return;
        };
        collection.end_verifies(&mut self.out);
        for (number, id) in collection.parts.iter().map(|part| part.id).enumerate() {
            let Some(id) = id else { continue };
            self.parts.remove(&id.slot());
            if number > 0 {
                self.out.commands.push(Command::End(id));
            }
        }
        self.plan(slot);
    }

    /// All rows are to be read again.
    pub fn resync(&mut self, now: Duration, id: SubId) {
        self.with(id, |collection, _| collection.resync(now));
    }

    /// See [`Collection::verify`]. The sink comes back where there is no such live collection.
    pub fn verify(
        &mut self,
        now: Duration,
        id: SubId,
        sink: Box<dyn ReplySink>,
        timeout: Duration,
    ) -> Result<(), Box<dyn ReplySink>> {
        let Some(collection) = self.by_id(id) else {
            return Err(sink);
        };
        collection.verify(now, sink, timeout);
        self.plan(id.slot());
        Ok(())
    }

    fn with(&mut self, id: SubId, act: impl FnOnce(&mut Collection, &mut Out)) {
        let collection = self.collections.get_mut(&id.slot());
        if let Some(collection) = collection.filter(|collection| collection.id == id) {
            act(collection, &mut self.out);
        }
        self.plan(id.slot());
    }

    /// When [`Lives::on_timer`] wants to be called next.
    pub fn next_deadline(&self) -> Option<Duration> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    /// Does what is due.
    pub fn on_timer(&mut self, now: Duration) {
        let due = self.deadlines.iter().take_while(|(at, _)| *at <= now);
        let due: Vec<u32> = due.map(|(_, slot)| *slot).collect();
        for slot in due {
            if let Some(collection) = self.collections.get_mut(&slot) {
                collection.on_timer(now, &mut self.out);
            }
            self.plan(slot);
        }
    }

    /// Looks up when a live collection wants to be called.
    fn plan(&mut self, slot: u32) {
        let collection = self.collections.get(&slot);
        let next = collection.and_then(Collection::next_deadline);
        let before = match next {
            Some(at) => self.set.insert(slot, at),
            None => self.set.remove(&slot),
        };
        if before == next {
            return;
        }
        if let Some(at) = before {
            self.deadlines.remove(&(at, slot));
        }
        if let Some(at) = next {
            self.deadlines.insert((at, slot));
        }
    }
}
