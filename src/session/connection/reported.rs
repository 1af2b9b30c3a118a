//! The state of the client as the application and the log know it.

use std::time::Duration;

use crate::error::Status;
use crate::handover::State;
use crate::log::Level;

/// See the module.
#[derive(Debug)]
pub struct ReportedState {
    state: State,
    reason: Status,
    message: String,
    /// Why attempts fail, as the log was last warned since the client was connected.
    warned: String,
    state_entries: [u64; 7],
}

/// A state that was entered, and is to be reported.
#[derive(Debug)]
pub struct Entry {
    /// How important it is for the log.
    pub level: Level,
    /// Why it was entered.
    pub message: String,
}

impl ReportedState {
    /// The client has not been asked for anything yet.
    pub fn new() -> ReportedState {
        ReportedState {
            state: State::Idle,
            reason: Status::Ok,
            message: "the application has not asked to connect".into(),
            warned: String::new(),
            state_entries: [0; 7],
        }
    }

    /// Enters a state, unless it is the present one. With `wait`, the next attempt to
    /// connect is made after so long.
    pub fn enter(
        &mut self,
        state: State,
        reason: Status,
        message: String,
        wait: Option<Duration>,
    ) -> Option<Entry> {
        if self.state == state {
            return None;
        }
        let level = self.level_of(state, &message);
        let message = match wait {
            Some(wait) => format!("{message}; next attempt in {:.1} s", wait.as_secs_f32()),
            None => message,
        };
        self.state = state;
        self.state_entries[state as usize] += 1;
        self.reason = reason;
        self.message = message.clone();
        Some(Entry { level, message })
    }

    /// How important a change of state is. Attempts that fail for the same reason, one
    /// after the other, are worth one warning.
    fn level_of(&mut self, state: State, message: &str) -> Level {
        match state {
            State::Failed => Level::Error,
            State::Backoff if self.warned == message => Level::Info,
            State::Backoff => {
                self.warned = message.to_owned();
                Level::Warn
            }
            State::Connected => {
                self.warned.clear();
                Level::Info
            }
            _ => Level::Info,
        }
    }

    /// The state.
    pub fn state(&self) -> State {
        self.state
    }

    /// Why it was entered.
    pub fn reason(&self) -> (Status, &str) {
        (self.reason, &self.message)
    }

    /// How often a state was entered.
    pub fn entries(&self, state: State) -> u64 {
        self.state_entries[state as usize]
    }
}
