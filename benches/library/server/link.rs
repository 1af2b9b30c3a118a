//! One connection: requests, and their answers.

use std::io::{BufReader, Write};
use std::net::TcpStream;
use std::os::fd::AsRawFd;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use crate::frame;
use crate::scripted_server::{Handshake, ScriptedServer};

/// As much of a message as the answer depends on.
#[derive(Deserialize)]
pub struct Request {
    #[serde(rename = "type")]
    pub kind: String,
    pub uid: Option<String>,
}

pub struct Link {
    outgoing: TcpStream,
    incoming: BufReader<TcpStream>,
    /// Answers that are written once nothing more has been read.
    pub(super) answers: Vec<u8>,
}

impl Link {
    /// The next connection, upgraded.
    pub fn accept(server: &ScriptedServer) -> Link {
        let handshake = Handshake::try_read(server.accept()).expect("a request");
        let incoming = handshake.upgrade().socket;
        Link {
            outgoing: incoming.try_clone().expect("another descriptor"),
            incoming: BufReader::new(incoming),
            answers: Vec::new(),
        }
    }

    /// The next message; `None` once the client has gone.
    pub fn next(&mut self) -> Option<Request> {
        let text = self.next_text()?;
        Some(serde_json::from_slice(&text).expect("JSON"))
    }

    /// The next message, with all its members.
    pub fn next_message(&mut self) -> Option<Value> {
        let text = self.next_text()?;
        Some(serde_json::from_slice(&text).expect("JSON"))
    }

    /// Writes the answers. Whether a message comes in that time.
    pub fn has_more_within(&mut self, time: Duration) -> bool {
        self.flush();
        let mut poll = libc::pollfd {
            fd: self.outgoing.as_raw_fd(),
            events: libc::POLLIN,
            revents: 0,
        };
        let ms = time.as_millis() as libc::c_int + 1;
        // SAFETY: one pollfd, whose length is passed.
        !self.incoming.buffer().is_empty() || unsafe { libc::poll(&mut poll, 1, ms) } == 1
    }

    fn next_text(&mut self) -> Option<Vec<u8>> {
        loop {
            if self.incoming.buffer().is_empty() {
                self.flush();
            }
            match frame::read(&mut self.incoming).ok()? {
                (frame::TEXT, text) => return Some(text),
                (frame::PING | frame::PONG, _) => {}
                _ => {
                    self.write(&frame::encode(frame::CLOSE, true, &[]));
                    return None;
                }
            }
        }
    }

    /// Answers with empty snapshots, at once: the answers to all that one read has brought are one write.
    pub fn answer(&mut self, request: &Request) {
        let says = match &*request.kind {
            "auth" => r#""auth","status":"ok""#,
            "ping" => r#""pong""#,
            "subscribe" => r#""subscription","event":"init","data":[]"#,
            "unsubscribe" => r#""subscription","event":"unsubscribe""#,
            "items" => r#""items","data":[]"#,
            _ => return,
        };
        let uid = request.uid.as_ref();
        let uid = uid.map_or_else(String::new, |uid| format!(r#","uid":"{uid}""#));
        let text = format!(r#"{{"type":{says}{uid}}}"#);
        let frame = frame::encode(frame::TEXT, true, text.as_bytes());
        self.answers.extend(frame);
    }

    /// Writes the answers.
    pub fn flush(&mut self) {
        let answers = std::mem::take(&mut self.answers);
        self.write(&answers);
    }

    /// False where the client has gone.
    pub fn write(&mut self, bytes: &[u8]) -> bool {
        self.outgoing.write_all(bytes).is_ok()
    }
}
