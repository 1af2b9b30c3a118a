//! The log lines of one client, emitted in the order in which its session wrote them.
//!
//! Log functions are called without the client's lock. One thread emits at a time and the others
//! leave their lines to it: otherwise a thread that is interrupted between the lock and the log
//! function could be overtaken by the next one.

use crate::log::{self, Level};

/// See the module.
#[derive(Debug, Default)]
pub struct LogQueue {
    lines: Vec<(Level, String)>,
    is_emitting: bool,
}

impl LogQueue {
    pub fn push(&mut self, level: Level, line: String) {
        self.lines.push((level, line));
    }

    /// Whether this thread has lines to emit: then it calls [`LogQueue::next`] until
    /// that returns none.
    pub fn begin(&mut self) -> bool {
        !self.lines.is_empty() && !std::mem::replace(&mut self.is_emitting, true)
    }

    /// The lines that were pushed since the last call. After `None` another thread may emit.
    pub fn next(&mut self) -> Option<Vec<(Level, String)>> {
        self.is_emitting = !self.lines.is_empty();
        self.is_emitting.then(|| std::mem::take(&mut self.lines))
    }
}

/// Hands lines to the log.
pub fn emit(lines: Vec<(Level, String)>) {
    for (level, line) in lines {
        log::emit(level, "session", &line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(lines: Option<Vec<(Level, String)>>) -> Vec<String> {
        lines.into_iter().flatten().map(|(_, text)| text).collect()
    }

    #[test]
    fn lines_pushed_while_a_thread_emits_are_emitted_by_that_thread() {
        let mut queue = LogQueue::default();
        assert!(!queue.begin(), "there is nothing to emit");
        queue.push(Level::Info, "first".into());
        assert!(queue.begin());
        assert_eq!(texts(queue.next()), ["first"]);
        queue.push(Level::Info, "second".into());
        assert!(
            !queue.begin(),
            "another thread would overtake the first line"
        );
        assert_eq!(texts(queue.next()), ["second"]);
        assert_eq!(queue.next(), None);
        queue.push(Level::Info, "third".into());
        assert!(queue.begin(), "the thread had not stopped emitting");
    }
}
