//! A careless program in C (`tests/careless`) against a server that is careless, too: no crash, no
//! hang, no late callback, and nothing left in the end.
//!
//! `DRT_CARELESS_SECONDS` and `DRT_CARELESS_SEED` say how long, and with which numbers.

#[path = "support/mod.rs"]
mod support;

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use std::{env, fs, thread};

use fastrand::Rng;
use serde_json::{Value, json};
use support::cc::{compile_in, compiler, root, succeeds};
use support::frame;
use support::scripted_server::{Handshake, Link, ScriptedServer, answer_to, event};

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|text| !text.is_empty())
}

fn seconds(default: f64) -> f64 {
    let given = variable("DRT_CARELESS_SECONDS");
    given.map_or(default, |seconds| seconds.parse().expect("a number"))
}

/// The seed that is given, or one that never changes and one that always does.
fn seeds() -> Vec<u64> {
    match variable("DRT_CARELESS_SEED") {
        Some(seed) => vec![seed.parse().expect("a number")],
        None => vec![1, u64::from(fastrand::u32(..))],
    }
}

fn sends(link: &mut Link, message: &Value) -> bool {
    let frame = frame::encode(frame::TEXT, true, message.to_string().as_bytes());
    link.socket.write_all(&frame).is_ok()
}

fn answer(message: &Value) -> Option<Value> {
    let mut answer = answer_to(message)?;
    if message["type"] == "items" {
        answer["data"] = json!([{"id": 1, "title": "one"}, {"id": 2, "title": "two"}]);
    }
    Some(answer)
}

fn refusal(message: &Value) -> Value {
    let error = json!({"code": "FORBIDDEN", "message": "not for you"});
    let (kind, uid) = (&message["type"], &message["uid"]);
    json!({"type": kind, "status": "error", "error": error, "uid": uid})
}

fn any_event(wire: &str, rng: &mut Rng) -> Value {
    let id = rng.u32(1..6);
    match rng.u32(..3) {
        0 => event(wire, "create", &json!([{ "id": id }])),
        1 => event(wire, "update", &json!([{"id": id, "title": rng.u32(..)}])),
        _ => event(wire, "delete", &json!([id])),
    }
}

/// Answers, and makes up events; now and then it refuses, is silent or hangs up.
fn serve(mut link: Link, mut rng: Rng) {
    let mut wires = Vec::new();
    while let Ok(message) = link.try_next() {
        if message["type"] == "subscribe" {
            wires.push(message["uid"].as_str().unwrap_or_default().to_owned());
        }
        let answer = match rng.u32(..100) {
            0 => return link.hang_up(),
            1 => return link.reset(),
            2 => None,
            3 => Some(refusal(&message)),
            _ => answer(&message),
        };
        let mut messages: Vec<Value> = answer.into_iter().collect();
        for _ in 0..rng.usize(..4) {
            let wire = rng.choice(&wires).cloned();
            messages.extend(wire.map(|wire| any_event(&wire, &mut rng)));
        }
        if !messages.iter().all(|message| sends(&mut link, message)) {
            return;
        }
    }
}

/// The URL of a server that ends with this process.
fn careless_server(seed: u64) -> String {
    let server = ScriptedServer::new();
    let url = server.url();
    thread::spawn(move || {
        let mut rng = Rng::with_seed(seed);
        loop {
            let socket = server.accept();
            let rng = rng.fork();
            thread::spawn(move || {
                let limit = Some(Duration::from_secs(60));
                let limited = socket.set_read_timeout(limit);
                let limited = limited.and_then(|()| socket.set_write_timeout(limit));
                // A client may be gone before its request is whole.
                let handshake = limited.and_then(|()| Handshake::try_read(socket));
                if let Ok(link) = handshake.and_then(Handshake::try_upgrade) {
                    serve(link, rng);
                }
            });
        }
    });
    url
}

fn compile(name: &str, flags: &[&str]) -> (PathBuf, PathBuf) {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let directory = directory.join("careless").join(name);
    fs::create_dir_all(&directory).expect("a directory");
    let mut compiler = compiler("CC", "cc");
    compiler.args(flags).arg("-D_DEFAULT_SOURCE");
    let source = root().join("tests/careless/careless.c");
    compile_in(&directory, &source, compiler, "-std=c11")
}

/// Runs the program for so many seconds with each seed, below a tool, if one is named.
fn run((program, libraries): &(PathBuf, PathBuf), tool: &[&str], seconds: f64, user_data: &str) {
    for seed in seeds() {
        let milliseconds = (seconds * 1000.0) as u64;
        let mut words: Vec<&OsStr> = tool.iter().map(OsStr::new).collect();
        words.push(program.as_os_str());
        let output = succeeds(
            Command::new(words[0])
                .args(&words[1..])
                .arg(careless_server(seed))
                .args([seed.to_string(), milliseconds.to_string()])
                .arg(user_data)
                .env("LD_LIBRARY_PATH", libraries),
        );
        print!("{}", String::from_utf8_lossy(&output.stdout));
    }
}

#[test]
fn i4_i8_a_careless_program_breaks_nothing() {
    run(&compile("plain", &[]), &[], seconds(2.0), "keep");
}

#[test]
fn i4_i8_a_careless_program_uses_no_freed_memory_and_leaves_none() {
    let flags = [
        "-fsanitize=address,undefined",
        "-fno-sanitize-recover=undefined",
    ];
    run(&compile("sanitized", &flags), &[], seconds(2.0), "free");
}

#[test]
fn i8_a_careless_program_reads_no_foreign_or_uninitialised_memory() {
    if Command::new("valgrind").arg("--version").output().is_err() {
        eprintln!("skipped: valgrind is not installed");
        return;
    }
    let valgrind = [
        "valgrind",
        "--quiet",
        "--error-exitcode=99",
        "--leak-check=full",
        // Otherwise a busy thread keeps all others from running for minutes.
        "--fair-sched=yes",
        "--errors-for-leak-kinds=definite",
        "--show-leak-kinds=definite",
    ];
    run(&compile("valgrind", &[]), &valgrind, seconds(4.0), "free");
}
