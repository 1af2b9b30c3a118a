//! The log. Messages go to the sink that the application has set; without one, to the fallback that
//! the environment asks for; otherwise nowhere.
//!
//! Emitting takes no lock, so that a sink may call back into the library and a forked child never
//! finds a lock that is held. No code logs while it holds a lock of the library.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use arc_swap::ArcSwapOption;
use once_cell::race::OnceBox;

/// How important a message is. `Off` is a maximum only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Level {
    /// Nothing is logged.
    Off = 0,
    /// Something failed that the application should know of.
    Error,
    /// Something is wrong, and handled.
    Warn,
    /// The life of links: connected, lost, authenticated.
    Info,
    /// What the library does and why.
    Debug,
    /// Every frame's type and length.
    Trace,
}

impl Level {
    /// All of them, the most important first.
    pub const ALL: [Level; 6] = [
        Level::Off,
        Level::Error,
        Level::Warn,
        Level::Info,
        Level::Debug,
        Level::Trace,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Level::Off => "off",
            Level::Error => "error",
            Level::Warn => "warn",
            Level::Info => "info",
            Level::Debug => "debug",
            Level::Trace => "trace",
        }
    }

    /// The level of that name, in any case.
    pub fn from_name(name: &str) -> Option<Level> {
        let is_named = |level: &Level| level.name().eq_ignore_ascii_case(name);
        Level::ALL.into_iter().find(is_named)
    }
}

/// Receives log messages on any thread of the library or the application.
pub trait Sink: Send + Sync {
    /// Takes one message. `target` names the module that logs it.
    fn log(&self, level: Level, target: &'static str, message: &str);
}

/// A sink and the levels that it wants.
struct Wanted {
    max_level: Level,
    sink: Box<dyn Sink>,
}

/// A copy of the sink's level, which is cheap to read.
static MAX_LEVEL: AtomicU8 = AtomicU8::new(Level::Off as u8);
static WANTED: ArcSwapOption<Wanted> = ArcSwapOption::const_empty();
/// Takes the messages while there is no sink.
static FALLBACK: OnceBox<Wanted> = OnceBox::new();

/// Sets the sink for all times in which the application has set none. Only the first
/// call counts; it belongs before the first [`set_sink`].
pub fn set_fallback(max_level: Level, sink: Box<dyn Sink>) {
    let is_first = FALLBACK.set(Box::new(Wanted { max_level, sink })).is_ok();
    if is_first && WANTED.load().is_none() {
        MAX_LEVEL.store(max_level as u8, Ordering::Relaxed);
    }
}

/// Replaces the sink; the old one is dropped when its last call has returned. `None`
/// leaves the messages to the fallback.
pub fn set_sink(max_level: Level, sink: Option<Box<dyn Sink>>) {
    let level = match (&sink, FALLBACK.get()) {
        (Some(_), _) => max_level,
        (None, Some(fallback)) => fallback.max_level,
        (None, None) => Level::Off,
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
    // The sink may have been replaced since the level was read.
    let wanted = WANTED.load_full();
    let wanted = wanted.as_deref().or_else(|| FALLBACK.get());
    if let Some(wanted) = wanted.filter(|wanted| level <= wanted.max_level) {
        wanted.sink.log(level, target, message);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;

    /// Notices messages above its level.
    struct Only(Level, Arc<AtomicBool>);

    impl Sink for Only {
        fn log(&self, level: Level, target: &'static str, _: &str) {
            if target == "test of the log" && level > self.0 {
                self.1.store(true, Ordering::Relaxed);
            }
        }
    }

    #[test]
    fn a_log_sink_never_gets_a_level_that_only_the_previous_sink_wanted() {
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
