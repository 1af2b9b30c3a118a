//! One connection: a thread reads and answers, another one writes.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use serde_json::{Value, json};

use super::load::Load;
use super::script::{Answer, Script};
use super::scripted_server::Handshake;
use super::{Links, frame, report};

pub enum Outgoing {
    Text(String),
    /// Events for a wire uid.
    Load(String, Load),
    /// A close frame, and the end of what this side sends.
    Close,
}

/// The sending side of an open connection.
pub struct Link {
    /// What is to be written, and what is reported when it is.
    outbox: Sender<(Outgoing, Option<Value>)>,
    /// The wire uid of the newest subscription, by collection.
    uids: HashMap<String, String>,
    socket: TcpStream,
}

impl Link {
    /// The wire uid of the newest subscription to a collection.
    pub fn uid(&self, collection: &str) -> Option<String> {
        self.uids.get(collection).cloned()
    }

    fn note_subscription(&mut self, message: &Value) {
        let texts = [&message["type"], &message["collection"], &message["uid"]].map(Value::as_str);
        if let [Some("subscribe"), Some(collection), Some(uid)] = texts {
            self.uids.insert(collection.to_owned(), uid.to_owned());
        }
    }

    /// Sends behind what is on its way already; never waits for the client to read.
    pub fn send(&self, outgoing: Outgoing, done: Option<Value>) {
        self.outbox
            .send((outgoing, done))
            .expect("the writer lives as long as the link");
    }

    pub fn drop_connection(&self) {
        // The client may have ended it already.
        let _ = self.socket.shutdown(Shutdown::Both);
    }
}

/// Upgrades or refuses a connection, and serves it until it ends.
pub fn serve(
    number: u64,
    socket: TcpStream,
    script: &Script,
    links: &Links,
    reports: &Sender<Value>,
) {
    let Ok(handshake) = Handshake::try_read(socket) else {
        return;
    };
    if let Some(text) = &script.refuse {
        return handshake.answer(text);
    }
    let socket = handshake.upgrade().socket;
    let (outbox, outgoing) = channel();
    let (writing, written) = (socket.try_clone().unwrap(), reports.clone());
    thread::spawn(move || write(writing, &outgoing, &written));
    let reading = socket.try_clone().unwrap();
    let link = Link {
        outbox,
        uids: HashMap::new(),
        socket,
    };
    links.lock().unwrap().insert(number, link);
    report(reports, json!({"link": number, "event": "opened"}));
    // However it ends, it has ended.
    let _ = read(number, reading, script, links, reports);
    links.lock().unwrap().remove(&number);
    report(reports, json!({"link": number, "event": "closed"}));
}

/// Answers and reports messages until the client has gone.
fn read(
    number: u64,
    mut socket: TcpStream,
    script: &Script,
    links: &Links,
    reports: &Sender<Value>,
) -> io::Result<()> {
    let send = |outgoing| links.lock().unwrap()[&number].send(outgoing, None);
    loop {
        let (opcode, payload) = frame::read(&mut socket)?;
        match opcode {
            frame::TEXT => {}
            frame::CLOSE => break,
            _ => continue,
        }
        let text = String::from_utf8(payload).map_err(io::Error::other)?;
        let message = serde_json::from_str(&text)?;
        // Before it is answered: the test may go on then.
        links
            .lock()
            .unwrap()
            .get_mut(&number)
            .unwrap()
            .note_subscription(&message);
        match script.answer(&message) {
            Answer::Text(answer) => send(Outgoing::Text(answer)),
            Answer::Last(answer) => {
                send(Outgoing::Text(answer));
                send(Outgoing::Close);
            }
            Answer::Nothing => {}
        }
        report(
            reports,
            json!({"link": number, "event": "message", "text": text}),
        );
    }
    if !script.withholds("close") {
        send(Outgoing::Close);
    }
    // The client ends the connection when it has the answer, or is tired of waiting for it.
    while socket.read(&mut [0; 4096])? > 0 {}
    Ok(())
}

/// Writes until the link is removed; skips what a client that has gone would have got.
fn write(
    mut socket: TcpStream,
    outgoing: &Receiver<(Outgoing, Option<Value>)>,
    reports: &Sender<Value>,
) {
    for (outgoing, done) in outgoing {
        let text = |text: &str| frame::encode(frame::TEXT, true, text.as_bytes());
        let _ = match outgoing {
            Outgoing::Text(message) => socket.write_all(&text(&message)),
            Outgoing::Load(uid, load) => load
                .blocks(&uid)
                .try_for_each(|block| socket.write_all(&block)),
            Outgoing::Close => socket
                .write_all(&frame::encode(frame::CLOSE, true, &[]))
                .and_then(|()| socket.shutdown(Shutdown::Write)),
        };
        if let Some(done) = done {
            report(reports, done);
        }
    }
}
