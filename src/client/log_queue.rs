//! The log lines of one client, emitted in the order in which its session wrote them.
//!
//! A log function is called without the client's lock. So that a thread which was
//! interrupted there is not overtaken by the next one, one thread emits at a time;
//! the others leave their lines to it.

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

    /// What was pushed since the last call. None ends the turn of this thread.
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
    fn lines_that_come_while_a_thread_emits_are_left_to_that_thread() {
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
        assert!(queue.begin(), "the turn was not over");
    }
}
