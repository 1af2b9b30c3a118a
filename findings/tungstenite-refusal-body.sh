#!/usr/bin/env bash
# tungstenite 0.30.0: the body of a refused upgrade is what came in the same read as the headers.
#
# One would guess   that `Error::Http(response)` carries either the whole body, as its Content-Length says, or none.
# What happens      It carries the part that was read together with the end of the headers. A proxy that sends headers
#                   and body in one segment gives a whole text, one that sends them apart gives a part of it or an
#                   empty one. The Content-Length header in the same response says how much was announced.
# Why               The client's handshake ends at the empty line; what is left in its buffer becomes the body
#                   (`tail` in src/handshake/client.rs). Nothing more is read from the stream.
# Who is affected   Whoever shows or parses the text of a refusal (a proxy's 502, JSON with a reason): it works in
#                   tests on loopback and is cut at random elsewhere. Never decide by it.
# Seen              28 November 2026, the same 26 announced bytes each time:
#                     in one segment: 26 of 26 bytes, "upstream is gone for today"
#                     headers first: 0 of 26 bytes, ""
#                     in the middle: 8 of 26 bytes, "upstream"
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

cat > Cargo.toml <<'TOML'
[package]
name = "probe"
version = "0.0.0"
edition = "2021"

[dependencies]
tungstenite = { version = "=0.30.0", default-features = false, features = ["handshake"] }
TOML
mkdir src
cat > src/main.rs <<'RUST'
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{channel, Receiver};
use std::thread;
use std::time::Duration;
use tungstenite::{client, Error, HandshakeError};

const BODY: &str = "upstream is gone for today";

/// Refuses one upgrade; `together` bytes of the body go with the headers, the rest once the client has given up
/// on it, or after five seconds.
fn refuse(listener: TcpListener, together: usize, given_up: Receiver<()>) {
    let (mut stream, _) = listener.accept().unwrap();
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        request.push(byte[0]);
    }
    let length = BODY.len();
    let head = format!("HTTP/1.1 503 Service Unavailable\r\nContent-Length: {length}\r\n\r\n");
    stream.set_nodelay(true).unwrap();
    stream.write_all(format!("{head}{}", &BODY[..together]).as_bytes()).unwrap();
    let _ = given_up.recv_timeout(Duration::from_secs(5));
    // The client may be gone by now.
    let _ = stream.write_all(&BODY.as_bytes()[together..]);
}

fn body_of_refusal(together: usize) -> Vec<u8> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (give_up, given_up) = channel();
    let server = thread::spawn(move || refuse(listener, together, given_up));
    let stream = TcpStream::connect(address).unwrap();
    let body = match client(format!("ws://{address}/"), stream) {
        Err(HandshakeError::Failure(Error::Http(response))) => {
            assert_eq!(response.status(), 503);
            assert_eq!(response.headers()["content-length"], BODY.len().to_string());
            response.into_body().unwrap_or_default()
        }
        other => panic!("no refusal: {:?}", other.map(|_| ())),
    };
    give_up.send(()).unwrap_or_default();
    server.join().unwrap();
    body
}

fn main() {
    let mut changed = false;
    for (how, together) in [("in one segment", BODY.len()), ("headers first", 0), ("in the middle", 8)] {
        let body = body_of_refusal(together);
        let text = String::from_utf8_lossy(&body);
        println!("{how}: {} of {} bytes, {text:?}", body.len(), BODY.len());
        if body != BODY.as_bytes()[..together] {
            eprintln!("CHANGED: {how}, {together} bytes came with the headers, {} were given", body.len());
            changed = true;
        }
    }
    std::process::exit(changed.into());
}
RUST
cargo run --quiet
echo "as recorded: the body of a refusal is what came with its headers"
