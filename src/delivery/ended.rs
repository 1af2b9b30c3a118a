//! A registration that is over, on its way to its release.

use super::consumer::release;
use super::{EventSink, Registration, ReplySink, StateSink, TokenSink};

/// See the module.
pub(super) enum Ended {
    Event(Box<dyn EventSink>),
    State(Box<dyn StateSink>),
    Token(Box<dyn TokenSink>),
    Reply(Box<dyn ReplySink>),
}

impl Ended {
    /// Drops it without its release function. Returns its user data, for a row that says so.
    pub fn into_row(self) -> u64 {
        fn row<S: Registration + ?Sized>(mut sink: Box<S>) -> u64 {
            let user_data = sink.user_data();
            sink.release_as_row();
            release(sink);
            user_data
        }
        match self {
            Ended::Event(sink) => row(sink),
            Ended::State(sink) => row(sink),
            Ended::Token(sink) => row(sink),
            Ended::Reply(sink) => row(sink),
        }
    }
}
