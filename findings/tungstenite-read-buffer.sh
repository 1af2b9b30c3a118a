#!/usr/bin/env bash
# tungstenite 0.30.0: every read of the socket first fills what is free of the read buffer with zeros.
#
# One would guess   that the buffer is cleared once, when it is made, and that `read_buffer_size` costs memory alone: a
#                   larger one means fewer system calls.
# What happens      Each read hands the stream all the room that is left in the buffer, and sets all of it to zero just
#                   before, also what was handed over, and not used, the read before. With the default of 128 KiB, a
#                   message of 14 bytes that comes by itself costs 120 KiB of zeros on average.
# Why               What was read is split off the buffer, which is then extended with zeros to its full size for the
#                   next read (`read_in` in src/protocol/frame/mod.rs).
# Who is affected   Clients whose messages come one at a time, at thousands a second: the zeros are most of their
#                   processor time. Set `read_buffer_size` to a few KiB there, and keep the default for floods.
# Seen              30 November 2026:
#                     default: 1000 messages of 14 bytes, 1001 reads, 124072 bytes handed over each time, 100 % of them zeros
#                     4 KiB: 1000 messages of 14 bytes, 1001 reads, 2201 bytes handed over each time, 100 % of them zeros
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
tungstenite = { version = "=0.30.0", default-features = false }
TOML
mkdir src
cat > src/main.rs <<'RUST'
use std::io::{self, Read, Write};
use tungstenite::protocol::{Role, WebSocket, WebSocketConfig};

const MESSAGES: usize = 1_000;
const FRAME: &[u8] = b"\x81\x0chello, world";

/// Gives one frame a read, and leaves ones in all of the buffer.
#[derive(Default)]
struct Stream {
    reads: usize,
    /// Bytes of the buffers that were handed over, and how many of them were zeros.
    bytes: usize,
    zeros: usize,
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.bytes += buffer.len();
        self.zeros += buffer.iter().filter(|byte| **byte == 0).count();
        self.reads += 1;
        buffer.fill(0xff);
        if self.reads > MESSAGES {
            return Ok(0);
        }
        buffer[..FRAME.len()].copy_from_slice(FRAME);
        Ok(FRAME.len())
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn main() {
    let mut changed = false;
    let default = WebSocketConfig::default();
    for (name, config, least) in [
        ("default", default, 100 << 10),
        ("4 KiB", default.read_buffer_size(4 << 10), 2 << 10),
    ] {
        let mut socket = WebSocket::from_raw_socket(Stream::default(), Role::Client, Some(config));
        let mut messages = 0;
        while socket.read().is_ok() {
            messages += 1;
        }
        let stream = socket.get_ref();
        let (each, zeros) = (stream.bytes / stream.reads, stream.zeros);
        println!(
            "{name}: {messages} messages of {} bytes, {} reads, {each} bytes handed over each time, {} % of them zeros",
            FRAME.len(),
            stream.reads,
            100 * zeros / stream.bytes
        );
        if messages != MESSAGES || each < least || zeros < stream.bytes {
            eprintln!("CHANGED: at least {least} bytes were handed over at each read, all of them zeros");
            changed = true;
        }
    }
    std::process::exit(changed.into());
}
RUST
cargo run --quiet
echo "as recorded: what is free of the read buffer is zeroed before every read"
