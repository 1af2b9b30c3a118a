//! The least of a Directus server that a client believes, and then as many
//! frames as the socket takes.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{Message, WebSocket, accept};

/// `rate`: the messages that a link may send in a second, as Directus counts them; 0 is
/// no limit.
pub fn serve(item: usize, frames: u64, rate: u64) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    println!(
        "ws://{}/websocket",
        listener.local_addr().expect("an address")
    );
    // One after the other: who connects anew has left before.
    for socket in listener.incoming() {
        let socket = socket.expect("a client");
        socket.set_nodelay(true).expect("a socket option");
        let link = accept(socket).expect("a WebSocket handshake");
        answer(link, item, frames, Limiter::new(rate));
    }
}

/// Answers until the client has gone.
fn answer(mut link: WebSocket<TcpStream>, item: usize, frames: u64, mut limiter: Limiter) {
    let mut uid = String::new();
    loop {
        let Ok(message) = link.read() else { return };
        let Ok(text) = message.to_text() else {
            continue;
        };
        let Ok(request) = serde_json::from_str::<Value>(text) else {
            continue;
        };
        if let Some(left) = limiter.refuses(&request) {
            let message = format!("Too many messages, retry after {}ms.", left.as_millis());
            let error = json!({"code": "REQUESTS_EXCEEDED", "message": message});
            say(
                &mut link,
                json!({"type": "server", "status": "error", "error": error}),
            );
            continue;
        }
        let of = &request["uid"];
        match request["type"].as_str() {
            Some("auth") => say(&mut link, json!({"type": "auth", "status": "ok"})),
            Some("ping") => say(&mut link, json!({"type": "pong"})),
            Some("subscribe") => {
                uid = of.as_str().unwrap_or_default().to_owned();
                let init = json!({"type": "subscription", "event": "init", "data": [], "uid": of});
                say(&mut link, init);
            }
            Some("unsubscribe") => {
                say(
                    &mut link,
                    json!({"type": "subscription", "event": "unsubscribe", "uid": of}),
                );
            }
            Some("items") => {
                say(&mut link, json!({"type": "items", "data": [], "uid": of}));
                if frames > 0 {
                    pour(link.get_mut(), item, frames, &uid);
                }
            }
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

fn say(link: &mut WebSocket<TcpStream>, message: Value) {
    let _ = link.send(Message::text(message.to_string()));
}

/// Sends frames of one item each, in large writes.
fn pour(socket: &mut TcpStream, item: usize, frames: u64, uid: &str) {
    const BLOCK: u64 = 500;
    let title = "x".repeat(item.saturating_sub(60));
    let text = format!(
        r#"{{"type":"subscription","event":"update","data":[{{"id":1234,"status":"published","title":"{title}"}}],"uid":"{uid}"}}"#
    );
    let mut frame = vec![0x81, 126];
    frame.extend((text.len() as u16).to_be_bytes());
    frame.extend(text.as_bytes());
    let block = frame.repeat(BLOCK as usize);
    for _ in 0..frames / BLOCK {
        if socket.write_all(&block).is_err() {
            return;
        }
    }
    // Until the client has gone.
    let _ = socket.read(&mut [0; 64]);
}
