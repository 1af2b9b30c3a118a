//! Reads a WebSocket to its end. The fuzz target `frames` has it, too.

use std::task::{Context, Poll, Waker};

use tokio_tungstenite::tungstenite::{Error, Message};

use super::Received;

/// The messages until the end, and the error, if there is one.
pub fn read(
    mut next: impl FnMut(&mut Context<'_>) -> Poll<Option<Result<Message, Error>>>,
) -> Vec<String> {
    let mut cx = Context::from_waker(Waker::noop());
    let mut seen = Vec::new();
    loop {
        match next(&mut cx) {
            Poll::Pending => {}
            Poll::Ready(Some(Ok(message))) => seen.push(format!("{message:?}")),
            Poll::Ready(Some(Err(error))) => {
                seen.push(format!("{error:?}"));
                return seen;
            }
            Poll::Ready(None) => return seen,
        }
    }
}

/// The message as tungstenite alone gives it.
pub fn message(received: Received) -> Message {
    match received {
        Received::Text(frame) => Message::text(frame.as_str()),
        Received::Other(message) => message,
    }
}
