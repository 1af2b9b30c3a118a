//! One live collection: what it holds, what it waits for, and what it asks for next.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::flurry::Flurry;
use super::query::{ANY_CHANGE, LiveQuery};
use super::reading::Reading;
use super::{Command, LiveOptions, Verify};
use crate::handover::{DeliveryItem, Event, EventKind, FLAG_ENDED, ReplySink};
use crate::rows::{Changes, Feed, LiveStatus, Row, Rows, Update};
use crate::subscriptions::SubId;

/// For how long it must be quiet before rows are read again,
pub(super) const QUIET: Duration = Duration::from_millis(200);
/// or, where it does not get quiet, how long after the first event.
pub(super) const LATEST: Duration = Duration::from_millis(1_500);
/// The reads are so far apart: no more than two a second.
pub(super) const APART: Duration = Duration::from_millis(550);
/// What is known to be old is reported as stale when it has not been read by then.
pub(super) const STALE_AFTER: Duration = Duration::from_millis(2_500);
/// The longest pause before a read that failed is repeated.
const RETRY_MAX: Duration = Duration::from_secs(30);
/// After a snapshot, events may be of the time before it for so long.
pub(super) const DOUBT: Duration = Duration::from_secs(10);

/// What is to be read, the more the later.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Need {
    #[default]
    Nothing,
    /// The rows that the flurry names.
    Rows,
    /// The keys of all rows, in order, and the rows that these lack.
    Keys,
    /// Everything.
    Whole,
}

/// A subscription of the live collection.
#[derive(Debug)]
pub(super) struct Part {
    pub kind: PartKind,
    /// Once it is made.
    pub id: Option<SubId>,
    /// The server has confirmed it on this link.
    pub is_active: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PartKind {
    /// To the rows that match. It stands for the live collection.
    Main,
    /// To the keys of all rows of the collection.
    Touches,
    /// To another collection on which rows depend.
    Depends(Box<str>),
}

/// What a step asks for.
#[derive(Default)]
pub(super) struct Out {
    pub commands: Vec<Command>,
    pub items: Vec<DeliveryItem>,
}

/// See the module.
pub(super) struct Collection {
    pub id: SubId,
    pub feed: Arc<Feed>,
    pub query: LiveQuery,
    pub parts: Vec<Part>,
    pub rows: Rows,
    /// There were rows, perhaps none.
    pub loaded: bool,
    /// The rows are the answer to a read on this link, with what was told since.
    pub synced: bool,
    pub status: LiveStatus,
    revision: u64,
    pub error: Option<Arc<str>>,

    pub flurry: Flurry,
    /// Rows whose places only the server knows, until all keys are read.
    pub unplaced: HashMap<String, Row>,
    /// Keys that were deleted lately, and when: what is told of them afterwards is late.
    pub deleted: HashMap<Box<str>, Duration>,
    /// Something has changed since the last snapshot was asked for, or before it could be.
    pub is_busy: bool,
    /// Until then, events may be of the time before the last snapshot.
    pub doubt_until: Duration,
    /// Until then, events may tell of changes that came between the reads of a reading: of the order,
    /// and of the rows.
    pub order_doubt_until: Duration,

    pub need: Need,
    /// Since when it is needed.
    pub need_since: Duration,
    pub reading: Option<Reading>,
    /// When the rest of a reading may go.
    pub resume_at: Option<Duration>,
    pub last_read: Option<Duration>,
    /// When all keys were read last.
    pub last_keys: Option<Duration>,
    /// A read that failed is not repeated before this.
    pub retry_at: Option<Duration>,
    failures: u32,
    /// The answer is larger than a message may be: it is read in parts.
    pub in_pages: bool,
    /// So many rows are read at a time then.
    pub page: usize,
    pub max_message_bytes: usize,
    verify_every: Option<Duration>,
    pub verify_at: Option<Duration>,
    pub verifies: Vec<Verify>,
    /// It has ended, though its last update may wait.
    pub is_over: bool,
}

impl Collection {
    pub fn new(now: Duration, id: SubId, feed: Arc<Feed>, options: LiveOptions) -> Collection {
        let LiveOptions {
            query,
            depends_on,
            verify,
            max_message_bytes,
        } = options;
        let part = |kind| Part {
            kind,
            id: None,
            is_active: false,
        };
        let mut parts = vec![part(PartKind::Main)];
        parts[0].id = Some(id);
        if query.touches.is_some() {
            parts.push(part(PartKind::Touches));
        }
        parts.extend(depends_on.into_iter().map(PartKind::Depends).map(part));
        Collection {
            id,
            feed,
            parts,
            rows: Rows::default(),
            loaded: false,
            synced: false,
            status: LiveStatus::Loading,
            revision: 0,
            error: None,
            flurry: Flurry::default(),
            unplaced: HashMap::new(),
            deleted: HashMap::new(),
            is_busy: false,
            doubt_until: now,
            order_doubt_until: now,
            need: Need::Nothing,
            need_since: now,
            reading: None,
            resume_at: None,
            last_read: None,
            last_keys: None,
            retry_at: None,
            failures: 0,
            in_pages: max_message_bytes < SMALL_MESSAGE && query.window.is_none(),
            page: FIRST_PAGE,
            max_message_bytes,
            verify_every: verify,
            verify_at: None,
            verifies: Vec::new(),
            is_over: false,
            query,
        }
    }

    /// The subscriptions that are still to be made.
    pub fn make_parts(&self, out: &mut Out) {
        for (number, part) in self.parts.iter().enumerate().skip(1) {
            let (collection, query) = match &part.kind {
                PartKind::Depends(collection) => (collection.clone(), ANY_CHANGE.into()),
                PartKind::Main | PartKind::Touches => (
                    self.query.collection.clone(),
                    self.query.touches.clone().unwrap_or_default(),
                ),
            };
            out.commands.push(Command::Subscribe {
                main: self.id,
                part: number,
                collection,
                query,
            });
        }
    }

    /// Something has come for one of its subscriptions.
    pub fn on_event(&mut self, now: Duration, part: usize, event: &Event, out: &mut Out) {
        match event.kind {
            EventKind::Init => self.on_init(now, part, event, out),
            EventKind::Error => self.on_error(now, part, event, out),
            EventKind::Create | EventKind::Update | EventKind::Delete => {
                self.on_change(now, part, event, out);
            }
        }
    }

    fn on_init(&mut self, now: Duration, part: usize, event: &Event, out: &mut Out) {
        let again = std::mem::replace(&mut self.parts[part].is_active, true);
        let all = self.parts.iter().all(|part| part.is_active);
        if self.query.is_system() && part == 0 && all {
            let data = data_of(event).unwrap_or("[]");
            return self.on_whole_answer(now, data, out);
        }
        if again {
            self.synced = false;
        }
        if all && !self.synced {
            self.cancel_read();
            self.want(now, Need::Whole);
            self.retry_at = None;
            self.report_status(now, out);
        }
    }

    fn on_error(&mut self, now: Duration, part: usize, event: &Event, out: &mut Out) {
        let json = data_of(event).unwrap_or_default();
        if event.flags & FLAG_ENDED == 0 {
            self.error = Some(json.into());
            if self.parts[part].is_active {
                // Something was withheld: perhaps a permission has come or gone.
                self.want(now, Need::Whole);
            }
            return self.publish(now, Vec::new(), true, out);
        }
        if part > 0 && !self.is_over {
            // Without one of its subscriptions it would miss changes.
            out.commands.push(Command::GiveUp(self.id, json.to_owned()));
            return;
        }
        self.end(json, out);
    }

    /// It has ended, for this reason.
    pub fn end(&mut self, json: &str, out: &mut Out) {
        self.is_over = true;
        self.error = Some(json.into());
        self.status = LiveStatus::Ended;
        self.push(Vec::new().into(), out);
        self.end_verifies(out);
    }

    /// The link is lost.
    pub fn on_link_lost(&mut self, now: Duration, was_too_large: bool, out: &mut Out) {
        if was_too_large {
            return self.on_too_large(out);
        }
        for part in &mut self.parts {
            part.is_active = false;
        }
        self.synced = false;
        self.need = Need::Nothing;
        self.flurry = Flurry::default();
        self.unplaced.clear();
        self.resume_at = None;
        if let Some(reading) = &mut self.reading {
            // Perhaps its answer was what was too large: the next notice says so.
            reading.is_lost = true;
        }
        self.report_status(now, out);
    }

    fn cancel_read(&mut self) {
        self.reading = None;
        self.resume_at = None;
    }

    /// All rows are to be read again: something was missed.
    pub fn resync(&mut self, now: Duration) {
        self.want(now, Need::Whole);
    }

    /// So much is to be read, as soon as it is quiet.
    pub fn want(&mut self, now: Duration, need: Need) {
        if self.need == Need::Nothing {
            self.need_since = now;
        }
        self.need = self.need.max(need);
    }

    /// A read has failed, and is to be repeated after a pause.
    pub fn retry_later(&mut self, now: Duration, need: Need) {
        let pause = Duration::from_secs(1) * (1 << self.failures.min(5));
        self.failures += 1;
        self.retry_at = Some(now + pause.min(RETRY_MAX));
        self.want(now, need);
    }

    /// A read was answered.
    pub fn read_succeeded(&mut self) {
        self.failures = 0;
        self.retry_at = None;
        self.error = None;
    }

    /// All rows were held against the server's answer.
    pub fn was_verified(&mut self, now: Duration) {
        self.verify_at = self.verify_every.map(|every| now + every);
    }

    /// Reports the status, if it is another one than before.
    pub fn report_status(&mut self, now: Duration, out: &mut Out) {
        self.publish(now, Vec::new(), false, out);
    }

    /// Reports changes that were made, and the status.
    pub fn publish(
        &mut self,
        now: Duration,
        changes: impl Into<Changes>,
        always: bool,
        out: &mut Out,
    ) {
        let changes = changes.into();
        if self.is_over {
            return;
        }
        let is_late = self.need != Need::Nothing && self.need_since + STALE_AFTER <= now;
        let status = match (self.loaded, self.synced) {
            (false, _) => LiveStatus::Loading,
            (true, true) if self.error.is_none() && !is_late => LiveStatus::Current,
            (true, _) => LiveStatus::Stale,
        };
        let has_new_status = std::mem::replace(&mut self.status, status) != status;
        if has_new_status || always || !changes.is_empty() {
            self.push(changes, out);
        }
    }

    fn push(&mut self, changes: Changes, out: &mut Out) {
        self.revision += u64::from(!changes.is_empty());
        let update = Update {
            status: self.status,
            revision: self.revision,
            rows: self.rows.clone(),
            changes,
            error: self.error.clone(),
        };
        if self.feed.push(update) {
            let slot = self.id.slot();
            out.items.push(DeliveryItem::Update { slot });
        }
        out.commands.push(Command::Notify);
    }

    /// The application wants the rows to be held against the server's answer.
    pub fn verify(&mut self, now: Duration, sink: Box<dyn ReplySink>, timeout: Duration) {
        let deadline = now.saturating_add(timeout);
        self.verifies.push(Verify { sink, deadline });
        self.want(now, Need::Whole);
    }
}

/// Where messages may not be larger than this, all rows are read in parts from the beginning,
const SMALL_MESSAGE: usize = 4 << 20;
/// so many at first.
const FIRST_PAGE: usize = 50;

pub(super) fn data_of(event: &Event) -> Option<&str> {
    let (start, end) = event.data?;
    event.frame.get(start as usize..end as usize)
}
