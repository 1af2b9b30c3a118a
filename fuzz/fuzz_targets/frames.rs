//! Any bytes after the upgrade, in any pieces: the WebSocket of a link gives the messages and the
//! error that tungstenite alone gives.
#![no_main]

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use arbitrary::Arbitrary;
use directus_realtime::driver::websocket::{Gate, Received, WebSocket};
use futures_util::Stream;
use libfuzzer_sys::fuzz_target;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use reading::{message, read};

#[path = "../../src/driver/websocket/tests/reading.rs"]
mod reading;

const MOST: usize = 300;

#[derive(Arbitrary, Debug)]
enum Piece {
    Bytes(Vec<u8>),
    /// A text message, so that there are some.
    Text(String),
    Pause,
}

/// A socket that gives the pieces, and takes what is written.
struct Script(VecDeque<Option<Vec<u8>>>);

impl Script {
    fn new(pieces: &[Piece]) -> Script {
        let pieces = pieces.iter().map(|piece| match piece {
            Piece::Bytes(bytes) => Some(bytes.clone()),
            Piece::Text(text) if text.len() < 126 => {
                let head = [0x81, text.len() as u8];
                Some([&head[..], text.as_bytes()].concat())
            }
            Piece::Text(_) | Piece::Pause => None,
        });
        Script(
            pieces
                .filter(|piece| piece.as_ref().is_none_or(|p| !p.is_empty()))
                .collect(),
        )
    }
}

impl AsyncRead for Script {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut piece = match self.0.pop_front() {
            Some(Some(piece)) => piece,
            Some(None) => return Poll::Pending,
            None => return Poll::Ready(Ok(())),
        };
        let rest = piece.split_off(piece.len().min(out.remaining()));
        if !rest.is_empty() {
            self.0.push_front(Some(rest));
        }
        out.put_slice(&piece);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Script {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

fn open<S: AsyncRead + AsyncWrite + Unpin>(stream: S) -> WebSocketStream<S> {
    let config = WebSocketConfig::default()
        .max_message_size(Some(MOST))
        .max_frame_size(Some(MOST));
    let opened = pin!(WebSocketStream::from_raw_socket(
        stream,
        Role::Client,
        Some(config)
    ));
    match opened.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(socket) => socket,
        Poll::Pending => unreachable!("there is no handshake"),
    }
}

fuzz_target!(|pieces: Vec<Piece>| {
    let mut theirs = open(Script::new(&pieces));
    let expected = read(|cx| Pin::new(&mut theirs).poll_next(cx));
    let mut gate = Gate::new(Script::new(&pieces));
    gate.open(0);
    let mut ours = WebSocket::new(open(gate), MOST);
    let seen = read(|cx| {
        let next = ours.poll_next(cx);
        next.map(|next| next.map(|received| received.map(message)))
    });
    assert_eq!(seen, expected);
});
