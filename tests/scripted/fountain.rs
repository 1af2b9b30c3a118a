//! A server that pours events at every subscription that it has, as fast as they are
//! taken, numbered for each from 0.

use std::io::Write;
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use serde_json::json;

use super::frame;
use super::peer::{Link, answer_to, event};

/// Runs until the other side leaves.
pub struct Fountain {
    threads: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Basin {
    /// (wire uid, events so far)
    wires: Mutex<Vec<(String, u64)>>,
}

impl Fountain {
    pub fn start(mut link: Link) -> Fountain {
        let basin = Arc::new(Basin::default());
        let out = Arc::new(Mutex::new(link.socket.try_clone().unwrap()));
        let (also, pouring) = (Arc::clone(&basin), Arc::clone(&out));
        let reader = thread::spawn(move || {
            while let Ok(message) = link.try_next() {
                let wire = message["uid"].as_str().unwrap_or_default().to_owned();
                match message["type"].as_str() {
                    // Registered, and then confirmed, as by the real one.
                    Some("subscribe") => basin.wires.lock().unwrap().push((wire, 0)),
                    Some("unsubscribe") => {
                        basin.wires.lock().unwrap().retain(|(of, _)| *of != wire);
                    }
                    _ => {}
                }
                let answer = answer_to(&message).map(|answer| answer.to_string());
                if answer.is_some_and(|answer| say(&out, &answer).is_err()) {
                    break;
                }
            }
            basin.wires.lock().unwrap().clear();
        });
        let pourer = thread::spawn(move || pour(&also, &pouring));
        Fountain {
            threads: vec![reader, pourer],
        }
    }

    /// To be called when the client is closed.
    pub fn ends(self) {
        for thread in self.threads {
            thread.join().unwrap();
        }
    }
}

fn pour(basin: &Basin, out: &Mutex<TcpStream>) {
    loop {
        let texts: Vec<String> = basin
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
        // An empty text notices the end, too.
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
