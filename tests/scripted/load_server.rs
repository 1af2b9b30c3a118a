//! A server that sends events to every subscription as fast as they are read. Each
//! subscription's events are numbered from 0.

use std::io::Write;
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use serde_json::json;

use super::frame;
use super::scripted_server::{Link, answer_to, event};

/// Runs until the client closes.
pub struct LoadServer {
    threads: Vec<JoinHandle<()>>,
}

/// The subscriptions that events go to.
#[derive(Default)]
struct Sink {
    /// (wire uid, events so far)
    wires: Mutex<Vec<(String, u64)>>,
}

impl LoadServer {
    pub fn start(mut link: Link) -> LoadServer {
        let sink = Arc::new(Sink::default());
        let out = Arc::new(Mutex::new(link.socket.try_clone().unwrap()));
        let (senders_sink, senders_out) = (Arc::clone(&sink), Arc::clone(&out));
        let reader = thread::spawn(move || {
            while let Ok(message) = link.try_next() {
                let wire = message["uid"].as_str().unwrap_or_default().to_owned();
                match message["type"].as_str() {
                    // Registered before it is confirmed, as Directus does it.
                    Some("subscribe") => sink.wires.lock().unwrap().push((wire, 0)),
                    Some("unsubscribe") => {
                        sink.wires.lock().unwrap().retain(|(of, _)| *of != wire);
                    }
                    _ => {}
                }
                let answer = answer_to(&message).map(|answer| answer.to_string());
                if answer.is_some_and(|answer| say(&out, &answer).is_err()) {
                    break;
                }
            }
            sink.wires.lock().unwrap().clear();
        });
        let sender = thread::spawn(move || send_events(&senders_sink, &senders_out));
        LoadServer {
            threads: vec![reader, sender],
        }
    }

    /// Waits for the threads. Call it once the client is closed.
    pub fn ends(self) {
        for thread in self.threads {
            thread.join().unwrap();
        }
    }
}

fn send_events(sink: &Sink, out: &Mutex<TcpStream>) {
    loop {
        let texts: Vec<String> = sink
            .wires
            .lock()
            .unwrap()
            .iter_mut()
            .map(|(wire, n)| {
                let text = event(wire, "update", &json!([{"id": 1, "n": *n}])).to_string();
                *n += 1;
                text
            })
            .collect();
        if texts.is_empty() {
            thread::sleep(std::time::Duration::from_millis(1));
        }
        // The ping fails once the client has closed, also when there are no events to send.
        let ping = json!({"type": "ping"}).to_string();
        for text in texts.iter().chain([&ping]) {
            if say(out, text).is_err() {
                return;
            }
        }
    }
}

fn say(out: &Mutex<TcpStream>, text: &str) -> std::io::Result<()> {
    let frame = frame::encode(frame::TEXT, true, text.as_bytes());
    out.lock().unwrap().write_all(&frame)
}
