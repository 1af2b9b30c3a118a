//! Where log messages go: nowhere, until the application sets a sink.
//!
//! Emitting takes no lock while the sink runs, so that a sink may call back
//! into the library. Nobody logs while holding a lock of the library.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// How important a message is. `Off` is a maximum only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Level {
    /// Nothing is logged.
    Off = 0,
    /// Something failed that the application should know of.
    Error,
    /// Something is odd, and dealt with.
    Warn,
    /// Life of a link: connected, lost, authenticated.
    Info,
    /// What the library does and why.
    Debug,
    /// Every frame's type.
    Trace,
}

/// Receives log messages on any thread of the library or the application.
pub trait Sink: Send + Sync {
    /// Takes one message. `target` names the room that speaks.
    fn log(&self, level: Level, target: &'static str, message: &str);
}

static MAX_LEVEL: AtomicU8 = AtomicU8::new(Level::Off as u8);
static SINK: RwLock<Option<Arc<dyn Sink>>> = RwLock::new(None);

/// Replaces the sink; the old one is dropped when its last call has returned.
pub fn set_sink(max_level: Level, sink: Option<Arc<dyn Sink>>) {
    let level = if sink.is_some() {
        max_level
    } else {
        Level::Off
    };
    MAX_LEVEL.store(level as u8, Ordering::Relaxed);
    let old = {
        let mut guard = SINK.write().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *guard, sink)
    };
    drop(old);
}

/// Whether a message of this level would go anywhere.
pub fn enabled(level: Level) -> bool {
    level as u8 <= MAX_LEVEL.load(Ordering::Relaxed)
}

/// Hands a message to the sink, if one wants it.
pub fn emit(level: Level, target: &'static str, message: &str) {
    if !enabled(level) {
        return;
    }
    let sink = SINK.read().unwrap_or_else(PoisonError::into_inner).clone();
    if let Some(sink) = sink {
        sink.log(level, target, message);
    }
}
