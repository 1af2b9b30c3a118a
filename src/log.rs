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
    /// Every frame's type and length.
    Trace,
}

/// Receives log messages on any thread of the library or the application.
pub trait Sink: Send + Sync {
    /// Takes one message. `target` names the room that speaks.
    fn log(&self, level: Level, target: &'static str, message: &str);
}

/// A sink and what it wants.
struct Wanted {
    max_level: Level,
    sink: Box<dyn Sink>,
}

/// A copy of the sink's level, for those who ask often.
static MAX_LEVEL: AtomicU8 = AtomicU8::new(Level::Off as u8);
static WANTED: ArcSwapOption<Wanted> = ArcSwapOption::const_empty();

/// Replaces the sink; the old one is dropped when its last call has returned.
pub fn set_sink(max_level: Level, sink: Option<Box<dyn Sink>>) {
    let level = if sink.is_some() {
        max_level
    } else {
        Level::Off
    };
    MAX_LEVEL.store(level as u8, Ordering::Relaxed);
    let wanted = sink.map(|sink| Wanted { max_level, sink });
    drop(WANTED.swap(wanted.map(Arc::new)));
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
    // The sink may be another one than when the level was looked at.
    let wanted = WANTED.load_full();
    if let Some(wanted) = wanted.filter(|wanted| level <= wanted.max_level) {
        wanted.sink.log(level, target, message);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;

    /// Looks only for messages that are beyond its level.
    struct Only(Level, Arc<AtomicBool>);

    impl Sink for Only {
        fn log(&self, level: Level, target: &'static str, _: &str) {
            if target == "test of the log" && level > self.0 {
                self.1.store(true, Ordering::Relaxed);
            }
        }
    }

    #[test]
    fn a_sink_never_gets_what_the_one_before_it_wanted() {
        let broken = Arc::new(AtomicBool::new(false));
        std::thread::scope(|threads| {
            let emitting = threads.spawn(|| {
                for _ in 0..300_000 {
                    emit(Level::Trace, "test of the log", "something");
                }
            });
            let mut levels = [Level::Trace, Level::Error].into_iter().cycle();
            while !emitting.is_finished() {
                let level = levels.next().unwrap_or(Level::Off);
                set_sink(level, Some(Box::new(Only(level, Arc::clone(&broken)))));
            }
        });
        set_sink(Level::Off, None);
        assert!(!broken.load(Ordering::Relaxed));
    }
}
