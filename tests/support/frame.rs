//! WebSocket frames, encoded and decoded by hand, so that tests can send invalid ones.

use std::io::{self, Read};

pub const CONTINUATION: u8 = 0;
pub const TEXT: u8 = 1;
pub const BINARY: u8 = 2;
pub const CLOSE: u8 = 8;
pub const PING: u8 = 9;
pub const PONG: u8 = 10;

/// A server's frame. `last`: the FIN bit.
pub fn encode(opcode: u8, last: bool, payload: &[u8]) -> Vec<u8> {
    let mut frame = head(opcode, last, payload.len() as u64);
    frame.extend_from_slice(payload);
    frame
}

/// The header of a server's frame, for a payload of that length.
pub fn head(opcode: u8, last: bool, len: u64) -> Vec<u8> {
    let mut head = vec![opcode | if last { 0x80 } else { 0 }];
    match len {
        0..=125 => head.push(len as u8),
        126..=0xFFFF => {
            head.push(126);
            head.extend_from_slice(&(len as u16).to_be_bytes());
        }
        _ => {
            head.push(127);
            head.extend_from_slice(&len.to_be_bytes());
        }
    }
    head
}

/// Reads a client's frame: its opcode and payload. A client's frames are masked,
/// and this library never fragments.
pub fn read(socket: &mut impl Read) -> io::Result<(u8, Vec<u8>)> {
    let mut head = [0; 2];
    socket.read_exact(&mut head)?;
    assert_eq!(head[0] & 0xF0, 0x80, "one whole frame, no extension");
    assert_eq!(head[1] & 0x80, 0x80, "a client masks its frames");
    let len = match head[1] & 0x7F {
        126 => {
            let mut len = [0; 2];
            socket.read_exact(&mut len)?;
            u16::from_be_bytes(len).into()
        }
        127 => {
            let mut len = [0; 8];
            socket.read_exact(&mut len)?;
            u64::from_be_bytes(len)
        }
        len => u64::from(len),
    };
    let mut mask = [0; 4];
    socket.read_exact(&mut mask)?;
    let mut payload = vec![0; len as usize];
    socket.read_exact(&mut payload)?;
    for (byte, mask) in payload.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= mask;
    }
    Ok((head[0] & 0x0F, payload))
}
