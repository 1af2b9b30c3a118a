//! A request of the application's, while its reply is awaited.

use std::fmt;
use std::time::Duration;

use crate::handover::ReplySink;
use crate::protocol::outgoing::CustomMessage;

/// See the module.
pub struct Request {
    /// Receives the reply. `None` for a message: the application does not wait for its
    /// reply, but it must not be taken for the reply to another one.
    pub sink: Option<Box<dyn ReplySink>>,
    /// What is sent, without the wire uid.
    pub message: CustomMessage,
    /// Its place in the send queue, while it waits there.
    pub ticket: u64,
    /// How long the application waits for the reply.
    pub timeout: Duration,
}

impl Request {
    /// Whether the application waits for the reply, for as long as it has said.
    pub fn is_awaited(&self) -> bool {
        self.sink.is_some()
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("kind", &self.message.kind())
            .finish_non_exhaustive()
    }
}
