//! The least of a Directus server that a client believes, and then as many
//! frames as the socket takes.

use std::io::{BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::frame;
use crate::scripted_server::{Handshake, ScriptedServer, answer_to};

/// `rate`: the messages that a link may send in a second, as Directus counts them; 0 is
/// no limit.
pub fn serve(item: usize, frames: u64, rate: u64) {
    let server = ScriptedServer::new();
    println!("{}", server.url());
    // One after the other: a client that connects again has left before.
    loop {
        let handshake = Handshake::try_read(server.accept()).expect("a request");
        let socket = handshake.upgrade().socket;
        answer(socket, item, frames, Limiter::new(rate));
    }
}

/// Answers until the client has gone.
fn answer(mut socket: TcpStream, item: usize, frames: u64, mut limiter: Limiter) {
    let mut uid = String::new();
    let mut incoming = BufReader::new(socket.try_clone().expect("another descriptor"));
    loop {
        let request: Value = match frame::read(&mut incoming) {
            Ok((frame::TEXT, payload)) => serde_json::from_slice(&payload).expect("JSON"),
            Ok((frame::PING | frame::PONG, _)) => continue,
            Ok(_) => {
                let _ = socket.write_all(&frame::encode(frame::CLOSE, true, &[]));
                return;
            }
            Err(_) => return,
        };
        if let Some(left) = limiter.refuses(&request) {
            let message = format!("Too many messages, retry after {}ms.", left.as_millis());
            let error = json!({"code": "REQUESTS_EXCEEDED", "message": message});
            send(
                &mut socket,
                &json!({"type": "server", "status": "error", "error": error}),
            );
            continue;
        }
        if let Some(answer) = answer_to(&request) {
            send(&mut socket, &answer);
        }
        match request["type"].as_str() {
            Some("subscribe") => uid = request["uid"].as_str().unwrap_or_default().to_owned(),
            Some("items") if frames > 0 => send_events(&mut socket, item, frames, &uid),
            _ => {}
        }
    }
}

/// Counts in windows of a second, each from a message on.
struct Limiter {
    rate: u64,
    window: Instant,
    used: u64,
}

impl Limiter {
    fn new(rate: u64) -> Limiter {
        Limiter {
            rate,
            window: Instant::now(),
            used: 0,
        }
    }

    /// For how long a message comes too early. The first one, who it is, is not counted.
    fn refuses(&mut self, request: &Value) -> Option<Duration> {
        const WINDOW: Duration = Duration::from_secs(1);
        if self.rate == 0 || request["type"] == "auth" {
            return None;
        }
        let now = Instant::now();
        if now - self.window >= WINDOW {
            (self.window, self.used) = (now, 0);
        }
        self.used += 1;
        (self.used > self.rate).then(|| self.window + WINDOW - now)
    }
}

fn send(socket: &mut TcpStream, message: &Value) {
    let text = message.to_string();
    // The client may have gone.
    let _ = socket.write_all(&frame::encode(frame::TEXT, true, text.as_bytes()));
}

/// Sends frames of one item each, in large writes.
fn send_events(socket: &mut TcpStream, item: usize, frames: u64, uid: &str) {
    const BLOCK: u64 = 500;
    let title = "x".repeat(item.saturating_sub(60));
    let text = format!(
        r#"{{"type":"subscription","event":"update","data":[{{"id":1234,"status":"published","title":"{title}"}}],"uid":"{uid}"}}"#
    );
    let block = frame::encode(frame::TEXT, true, text.as_bytes()).repeat(BLOCK as usize);
    for _ in 0..frames / BLOCK {
        if socket.write_all(&block).is_err() {
            return;
        }
    }
    // Until the client has gone.
    let _ = socket.read(&mut [0; 64]);
}
