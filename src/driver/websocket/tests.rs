//! Compares the WebSocket with tungstenite alone, on every kind of frames, whole and damaged, in
//! every kind of pieces.

use std::collections::VecDeque;
use std::task::Waker;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use tokio::io::ReadBuf;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use self::reading::{message, read};
use super::*;

mod reading;

const MOST: usize = 70_000;

/// A socket that gives what was received in these pieces, with pauses, and keeps what is written.
#[derive(Default)]
struct Script {
    pieces: VecDeque<Vec<u8>>,
    pauses: bool,
    paused: bool,
    written: Vec<u8>,
    fails: bool,
}

impl AsyncRead for Script {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.paused = self.pauses && !self.paused;
        if self.paused {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let Some(mut piece) = self.pieces.pop_front() else {
            return Poll::Ready(match self.fails {
                true => Err(io::Error::other("broken")),
                false => Ok(()),
            });
        };
        let rest = piece.split_off(piece.len().min(out.remaining()));
        if !rest.is_empty() {
            self.pieces.push_front(rest);
        }
        out.put_slice(&piece);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Script {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.written.extend(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .max_message_size(Some(MOST))
        .max_frame_size(Some(MOST))
}

/// The frames that were written, unmasked.
fn written(bytes: &[u8]) -> Vec<Vec<u8>> {
    let (mut frames, mut bytes) = (Vec::new(), bytes);
    while let [first, length, a, b, c, d, rest @ ..] = bytes {
        let (payload, rest) = rest.split_at(usize::from(length & 0x7f));
        let mask = [a, b, c, d].into_iter().cycle();
        let unmasked = payload.iter().zip(mask).map(|(byte, mask)| byte ^ mask);
        frames.push(std::iter::once(*first).chain(unmasked).collect());
        bytes = rest;
    }
    frames
}

fn ours(script: Script) -> (Vec<String>, Vec<Vec<u8>>) {
    let mut gate = Gate::new(script);
    gate.open(0);
    let raw = WebSocketStream::from_raw_socket(gate, Role::Client, Some(config()));
    let mut socket = WebSocket::new(block_on(raw), MOST);
    let seen = read(|cx| {
        let next = socket.poll_next(cx);
        next.map(|next| next.map(|received| received.map(message)))
    });
    let out = written(&socket.tungstenite.get_mut().stream().written);
    (seen, out)
}

fn theirs(script: Script) -> (Vec<String>, Vec<Vec<u8>>) {
    let mut socket = block_on(WebSocketStream::from_raw_socket(
        script,
        Role::Client,
        Some(config()),
    ));
    let seen = read(|cx| Pin::new(&mut socket).poll_next(cx));
    let out = written(&socket.get_mut().written);
    (seen, out)
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    match std::pin::pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it waits for nothing"),
    }
}

fn frame(first: u8, masked: bool, payload: &[u8]) -> Vec<u8> {
    let mask = if masked { 0x80 } else { 0 };
    let mut bytes = vec![first];
    match payload.len() {
        len @ 0..126 => bytes.push(mask | len as u8),
        len @ 126..65536 => {
            bytes.push(mask | 126);
            bytes.extend((len as u16).to_be_bytes());
        }
        len => {
            bytes.push(mask | 127);
            bytes.extend((len as u64).to_be_bytes());
        }
    }
    if masked {
        bytes.extend([0; 4]);
    }
    bytes.extend(payload);
    bytes
}

fn any_frame() -> impl Strategy<Value = Vec<u8>> {
    let payload = prop_oneof![
        8 => "[a-zß€]{0,40}".prop_map(String::into_bytes),
        4 => (100..400_usize).prop_map(|len| vec![b'x'; len]),
        1 => (60_000..72_000_usize).prop_map(|len| vec![b'y'; len]),
        1 => vec(any::<u8>(), 0..20),
        // A close frame's.
        1 => Just(b"\x03\xe8bye".to_vec()),
    ];
    let first = prop_oneof![
        12 => Just(0x81),
        4 => select(vec![0x01, 0x00, 0x80, 0x82, 0x02, 0x89, 0x8a]),
        1 => select(vec![0x88, 0x09, 0x83, 0x8b, 0xc1, 0x91]),
    ];
    (first, prop::bool::weighted(0.02), payload)
        .prop_map(|(first, masked, payload)| frame(first, masked, &payload))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn messages_errors_and_answers_are_those_of_tungstenite(
        frames in vec(any_frame(), 0..12),
        flips in vec((any::<Index>(), any::<u8>()), 0..2),
        cuts in vec(any::<Index>(), 0..12),
        truncated in prop::option::weighted(0.3, any::<Index>()),
        pauses: bool,
        fails: bool,
    ) {
        let mut bytes = frames.concat();
        for (at, byte) in &flips {
            if !bytes.is_empty() {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
        }
        bytes.truncate(truncated.map_or(bytes.len(), |at| at.index(bytes.len() + 1)));
        let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        ends.push(bytes.len());
        ends.sort_unstable();
        ends.dedup();
        let mut start = 0;
        let pieces = ends.iter().map(|end| {
            let piece = bytes[start..*end].to_vec();
            start = *end;
            piece
        });
        let pieces: VecDeque<_> = pieces.filter(|piece| !piece.is_empty()).collect();
        let script = || Script { pieces: pieces.clone(), pauses, fails, ..Script::default() };
        prop_assert_eq!(ours(script()), theirs(script()));
    }
}

#[test]
fn the_answer_to_the_upgrade_ends_with_an_empty_line_in_every_form_and_piece() {
    for (answer, rest) in [
        ("HTTP/1.1 101 x\r\na: b\r\n\r\n", "\u{1}\n\n"),
        ("HTTP/1.1 101 x\n\n", "\n"),
        ("HTTP/1.1 101 x\r\n\n", "abc"),
        ("HTTP/1.1 101 x\n\r\n", ""),
        ("HTTP/1.1 101 \r\r\na\r\n\r\n", "x"),
    ] {
        for size in 1..=answer.len() + rest.len() {
            let bytes = [answer, rest].concat().into_bytes();
            let mut gate = Gate::new(Script {
                pieces: bytes.chunks(size).map(<[u8]>::to_vec).collect(),
                ..Script::default()
            });
            let mut seen = Vec::new();
            let mut cx = Context::from_waker(Waker::noop());
            let mut space = [0; 7];
            let mut out = ReadBuf::new(&mut space);
            while let Poll::Ready(Ok(())) = Pin::new(&mut gate).poll_read(&mut cx, &mut out) {
                seen.extend(out.filled());
                out.clear();
            }
            assert_eq!(String::from_utf8(seen).unwrap(), answer, "pieces of {size}");
        }
    }
}

#[test]
fn a_frame_that_comes_with_the_answer_to_the_upgrade_is_received() {
    let answer = b"HTTP/1.1 101 Switching Protocols\r\n\r\n";
    let bytes = [&answer[..], &frame(0x81, false, b"early")].concat();
    let mut gate = Gate::new(Script {
        pieces: [bytes].into(),
        ..Script::default()
    });
    let mut space = [0; 100];
    let mut out = ReadBuf::new(&mut space);
    let mut cx = Context::from_waker(Waker::noop());
    assert!(Pin::new(&mut gate).poll_read(&mut cx, &mut out).is_ready());
    assert_eq!(out.filled(), answer);
    let raw = WebSocketStream::from_raw_socket(gate, Role::Client, Some(config()));
    let mut socket = WebSocket::new(block_on(raw), MOST);
    let first = socket.poll_next(&mut cx);
    assert!(
        matches!(&first, Poll::Ready(Some(Ok(Received::Text(frame)))) if frame.as_str() == "early"),
        "{first:?}"
    );
}
