//! The scripted server as a program, for the tests of the other languages: a server that
//! does what a real one cannot be made to do. A module for each language starts it and
//! speaks with it.
//!
//!     scripted_server [SCRIPT]
//!
//! `SCRIPT` is JSON (see `script.rs`) and says what the server answers by itself. Without
//! one it lets every client in and answers as a Directus with empty collections does.
//!
//! It speaks JSON, one object on a line. On stdout it reports, `LINK` being the number of
//! a connection, from 1:
//!
//! | line | meaning |
//! | --- | --- |
//! | `{"port":8055}` | it listens; the first line |
//! | `{"link":LINK,"event":"opened"}` | an upgrade was accepted |
//! | `{"link":LINK,"event":"message","text":"{…}"}` | what a client has sent; answered before, unless withheld |
//! | `{"link":LINK,"event":"closed"}` | the connection has ended |
//! | `{"done":ID}` | a command was carried out, as far as its link was there |
//!
//! From stdin it takes commands, each with an `id` of the test's choice, and the number of
//! a link. Without one the newest link is meant, for `load` the newest one that has
//! subscribed to the collection:
//!
//! | command | meaning |
//! | --- | --- |
//! | `{"id":ID,"do":"send","link":LINK,"text":"{…}"}` | sends one text frame |
//! | `{"id":ID,"do":"load","link":LINK,"collection":"…","first":0,"count":9,"item":{…}}` | sends creates of numbered items to the newest subscription, as fast as they are taken |
//! | `{"id":ID,"do":"close","link":LINK}` | sends a close frame behind the rest, and ends the connection |
//! | `{"id":ID,"do":"drop","link":LINK}` | ends the connection at once, without a close frame |
//!
//! It ends with its stdin, so that no test leaves it behind.

mod link;
mod load;
mod script;
// The Rust tests play the same server themselves.
#[allow(dead_code)]
#[path = "../support/frame.rs"]
mod frame;
#[allow(dead_code)]
#[path = "../support/log.rs"]
mod log;
#[allow(dead_code)]
#[path = "../support/scripted_server.rs"]
mod scripted_server;

use std::collections::BTreeMap;
use std::io::{self, BufRead, Write};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use serde::Deserialize;
use serde_json::{Value, json};

use link::{Link, Outgoing};
use load::Load;
use script::Script;
use scripted_server::ScriptedServer;

/// The open links, by number.
type Links = Arc<Mutex<BTreeMap<u64, Link>>>;

#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
enum Command {
    Send { text: String },
    Load(Load),
    Close,
    Drop,
}

#[derive(Deserialize)]
struct Request {
    id: u64,
    link: Option<u64>,
    #[serde(flatten)]
    command: Command,
}

fn main() {
    let script = std::env::args()
        .nth(1)
        .map_or_else(Script::default, |text| {
            serde_json::from_str(&text).expect("a script")
        });
    let server = ScriptedServer::on_port(script.port);
    let (reports, reported) = channel();
    thread::spawn(move || print(&reported));
    report(&reports, json!({"port": server.port}));
    let links = Links::default();
    let (script, of) = (Arc::new(script), Arc::clone(&links));
    let from_links = reports.clone();
    thread::spawn(move || accept(&server, &script, &of, &from_links));
    for line in io::stdin().lock().lines() {
        let line = line.expect("a line of UTF-8");
        let request: Request = serde_json::from_str(&line).expect("a command");
        carry_out(request, &links, &reports);
    }
}

/// Prints reports on a thread of its own: a test that does not read them must not keep the
/// server from answering.
fn print(reported: &Receiver<Value>) {
    for line in reported {
        // The test may have ended.
        if writeln!(io::stdout(), "{line}").is_err() {
            return;
        }
    }
}

fn report(reports: &Sender<Value>, line: Value) {
    // The printing thread ends first when the test has gone.
    let _ = reports.send(line);
}

fn accept(server: &ScriptedServer, script: &Arc<Script>, links: &Links, reports: &Sender<Value>) {
    for number in 1.. {
        let socket = server.accept();
        let (script, links, reports) = (Arc::clone(script), Arc::clone(links), reports.clone());
        thread::spawn(move || link::serve(number, socket, &script, &links, &reports));
    }
}

/// Does what is asked of a link; nothing where it has ended.
fn carry_out(request: Request, links: &Links, reports: &Sender<Value>) {
    let done = json!({"done": request.id});
    let links = links.lock().unwrap();
    let mut newest_first = links
        .iter()
        .rev()
        .filter(|(number, _)| request.link.is_none_or(|wanted| wanted == **number))
        .map(|(_, link)| link);
    let sent = match request.command {
        Command::Send { text } => newest_first.next().map(|link| (link, Outgoing::Text(text))),
        Command::Load(load) => newest_first
            .find_map(|link| Some((link, link.uid(&load.collection)?)))
            .map(|(link, uid)| (link, Outgoing::Load(uid, load))),
        Command::Close => newest_first.next().map(|link| (link, Outgoing::Close)),
        Command::Drop => {
            newest_first.next().inspect(|link| link.drop_connection());
            None
        }
    };
    match sent {
        Some((link, outgoing)) => link.send(outgoing, Some(done)),
        None => report(reports, done),
    }
}
