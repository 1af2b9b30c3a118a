//! Why there is no link any more, for what was not answered on it or cannot wait for the next.

use crate::error::Status;

/// See the module. With a reason, where there is one.
#[derive(Clone, Copy)]
pub(super) enum LinkEnd<'a> {
    /// The link was lost, or given up because of what came over it.
    Lost(&'a str),
    /// The application wants another link.
    Reconnect,
    /// The application wants none.
    Disconnect,
    /// The client has failed.
    Failed(&'a str),
    /// The client is closed.
    Closed,
}

impl LinkEnd<'_> {
    /// With which status requests end.
    pub(super) fn status(self) -> Status {
        match self {
            LinkEnd::Closed => Status::Closed,
            _ => Status::NotConnected,
        }
    }

    /// For a sentence: "the link was lost".
    pub(super) fn clause(self) -> &'static str {
        match self {
            LinkEnd::Lost(_) => "the link was lost",
            LinkEnd::Reconnect => "the application reconnected",
            LinkEnd::Disconnect => "the application disconnected",
            LinkEnd::Failed(_) => "the client failed",
            LinkEnd::Closed => "the client was closed",
        }
    }

    /// Why a request is over.
    pub(super) fn sentence(self, was_sent: bool) -> String {
        let clause = self.clause();
        let before = if was_sent {
            "the server answered"
        } else {
            "the request was sent"
        };
        match self {
            LinkEnd::Lost(reason) | LinkEnd::Failed(reason) => {
                format!("{clause} before {before}: {reason}")
            }
            _ => format!("{clause} before {before}"),
        }
    }
}
