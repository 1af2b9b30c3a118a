//! Where log messages go: nowhere, until the application sets a sink.
//!
//! Emitting takes no lock, so that a sink may call back into the library, and a
//! forked child cannot meet one that is held. Nobody logs while holding a lock of
//! the library.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use arc_swap::ArcSwapOption;

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
static SINK: ArcSwapOption<Box<dyn Sink>> = ArcSwapOption::const_empty();

/// Replaces the sink; the old one is dropped when its last call has returned.
pub fn set_sink(max_level: Level, sink: Option<Box<dyn Sink>>) {
    let level = if sink.is_some() {
        max_level
    } else {
        Level::Off
    };
    MAX_LEVEL.store(level as u8, Ordering::Relaxed);
    drop(SINK.swap(sink.map(Arc::new)));
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
    if let Some(sink) = SINK.load_full() {
        sink.log(level, target, message);
    }
}
