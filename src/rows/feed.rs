//! What of a live collection the application sees: the rows that the last delivered update has left,
//! and the updates that wait.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::diff::diff;
use super::{Changes, Row, Rows, Step};

/// How far a live collection is (`DRT_LIVE_*`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(i32)]
pub enum LiveStatus {
    /// The rows are not there yet.
    #[default]
    Loading = 0,
    /// The rows are those of the server, as far as it has told.
    Current = 1,
    /// They may be old: there is no link, or what it has missed is being read.
    Stale = 2,
    /// It has ended.
    Ended = 3,
}

/// One consistent state, and what it changes.
#[derive(Clone, Debug)]
pub struct Update {
    /// The status from now on.
    pub status: LiveStatus,
    /// How many updates have changed something, this one included.
    pub revision: u64,
    /// The rows from now on.
    pub rows: Rows,
    /// The steps that lead there.
    pub changes: Changes,
    /// Why it is stale or has ended, as the error object of the server, if that is why.
    pub error: Option<Arc<str>>,
}

impl Update {
    /// The steps that lead to its rows.
    pub fn steps(&self) -> impl Iterator<Item = Step<'_>> {
        self.changes.steps(&self.rows)
    }
}

/// An update that waits. Where several were merged, the steps are found when it is delivered.
struct Waiting {
    update: Update,
    is_merged: bool,
    bytes: u64,
}

/// What all feeds of a client hold for updates that wait, in bytes, and how much they may.
#[derive(Debug)]
pub struct FeedBudget {
    bytes: AtomicU64,
    most: u64,
}

impl FeedBudget {
    /// A budget of so many bytes.
    pub fn new(most: u64) -> Arc<FeedBudget> {
        Arc::new(FeedBudget {
            bytes: AtomicU64::new(0),
            most,
        })
    }

    /// Bytes that are used.
    pub fn used(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

#[derive(Default)]
struct State {
    rows: Rows,
    status: LiveStatus,
    revision: u64,
    error: Option<Arc<str>>,
    waiting: VecDeque<Waiting>,
    /// The application has ended it.
    is_closed: bool,
}

/// See the module.
pub struct Feed {
    state: Mutex<State>,
    budget: Arc<FeedBudget>,
}

impl std::fmt::Debug for Feed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Feed")
    }
}

/// What an update costs beside the texts of its rows, and each of its steps.
const OVERHEAD: u64 = 256;

impl Feed {
    /// An empty one.
    pub fn new(budget: &Arc<FeedBudget>) -> Arc<Feed> {
        Arc::new(Feed {
            state: Mutex::default(),
            budget: Arc::clone(budget),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an update. True where it has to be announced to delivery; where too much waits, it is
    /// merged with those before it, which are announced already.
    pub fn push(&self, update: Update) -> bool {
        let steps = update.steps().map(|step| step.row.len() as u64 + 64);
        let bytes = OVERHEAD + steps.sum::<u64>();
        let mut state = self.lock();
        let used = self.budget.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        let is_first = state.waiting.is_empty();
        if used <= self.budget.most || is_first {
            state.waiting.push_back(Waiting {
                update,
                is_merged: false,
                bytes,
            });
            return true;
        }
        let merged: u64 = state.waiting.drain(..).map(|waiting| waiting.bytes).sum();
        let freed = merged + bytes - OVERHEAD;
        self.budget.bytes.fetch_sub(freed, Ordering::Relaxed);
        let update = Update {
            changes: Vec::new().into(),
            ..update
        };
        state.waiting.push_back(Waiting {
            update,
            is_merged: true,
            bytes: OVERHEAD,
        });
        false
    }

    /// The next update becomes what is shown. `None` where it was merged with another one that was
    /// delivered already. Also returns whether the status is another one now.
    pub fn deliver(&self) -> Option<(Update, bool)> {
        let mut state = self.lock();
        let next = state.waiting.pop_front()?;
        self.budget.bytes.fetch_sub(next.bytes, Ordering::Relaxed);
        let mut update = next.update;
        let before = std::mem::replace(&mut state.rows, update.rows.clone());
        let has_new_status = state.status != update.status;
        state.status = update.status;
        state.revision = update.revision;
        state.error = update.error.clone();
        drop(state);
        if next.is_merged {
            update.changes = if before.is_empty() {
                Changes::All(update.rows.len())
            } else {
                let rows: Vec<_> = update.rows.iter().map(Row::as_ref).collect();
                diff(&before, &rows).into()
            };
        }
        Some((update, has_new_status))
    }

    /// The application has ended it: nothing is shown any more.
    pub fn close(&self) {
        let mut state = self.lock();
        state.is_closed = true;
        let waiting = std::mem::take(&mut state.waiting);
        let rows = std::mem::take(&mut state.rows);
        drop(state);
        let bytes = waiting.iter().map(|waiting| waiting.bytes).sum();
        self.budget.bytes.fetch_sub(bytes, Ordering::Relaxed);
        drop(rows);
    }

    /// Whether the application has ended it.
    pub fn is_closed(&self) -> bool {
        self.lock().is_closed
    }

    /// The status that is shown.
    pub fn status(&self) -> LiveStatus {
        self.lock().status
    }

    /// The status that the last update will leave, once it is delivered.
    pub fn latest_status(&self) -> LiveStatus {
        let state = self.lock();
        let last = state.waiting.back();
        last.map_or(state.status, |waiting| waiting.update.status)
    }

    /// The rows that are shown, and their revision.
    pub fn shown(&self) -> (Rows, u64) {
        let state = self.lock();
        (state.rows.clone(), state.revision)
    }

    /// How many rows are shown.
    pub fn count(&self) -> usize {
        self.lock().rows.len()
    }

    /// Why it is stale or has ended, if the server has said so: the last error object.
    pub fn error(&self) -> Option<Arc<str>> {
        let state = self.lock();
        let last = state.waiting.back();
        last.map_or_else(
            || state.error.clone(),
            |waiting| waiting.update.error.clone(),
        )
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.close();
    }
}
