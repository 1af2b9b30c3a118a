//! The least of a Directus server that a client believes, and then as many
//! frames as the socket takes.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{Message, WebSocket, accept};

pub fn serve(item: usize, frames: u64) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    println!(
        "ws://{}/websocket",
        listener.local_addr().expect("an address")
    );
    let (socket, _) = listener.accept().expect("a client");
    socket.set_nodelay(true).expect("a socket option");
    let mut link = accept(socket).expect("a WebSocket handshake");
    let mut uid = String::new();
    loop {
        let Ok(message) = link.read() else { return };
        let Ok(text) = message.to_text() else {
            continue;
        };
        let Ok(request) = serde_json::from_str::<Value>(text) else {
            continue;
        };
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
