//! How many instructions an event costs, from the socket to the C callback, in the library as it is
//! released: callgrind counts them, so that a busy machine does not matter. More than 10 % above
//! what is recorded in `recorded.json` is a failure.
//!
//! `DRT_RECORD_INSTRUCTIONS=1 cargo test --test instructions` writes the file anew.

#[path = "../support/mod.rs"]
mod support;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use std::{env, fs, thread};

use serde_json::{Map, Value, json};
use support::cc::{compile_with, compiler, release, root};
use support::frame;
use support::scripted_server::ScriptedServer;

/// Growth that fails, in percent.
const TOLERANCE: u64 = 10;
/// A paced event comes so long after the one before, when the library waits again. If it came sooner,
/// another thread might read it, by chance.
const PACE: Duration = Duration::from_millis(1);

#[derive(Clone, Copy)]
struct Work {
    name: &'static str,
    /// The server sends an event when the one before it was delivered.
    paced: bool,
    kind: &'static str,
    item_bytes: usize,
    /// What costs of two runs of so many events is compared, so that the start does not count.
    events: [usize; 2],
}

/// Paced creates, each of another item, are all looked at, as the library does by default; in a
/// flood it does not settle rows, as it then looks at as many as come within a time.
const WORK: [Work; 3] = [
    Work {
        name: "flood of 200 B",
        paced: false,
        kind: "update",
        item_bytes: 200,
        events: [20_000, 60_000],
    },
    Work {
        name: "flood of 2 kB",
        paced: false,
        kind: "update",
        item_bytes: 2_000,
        events: [10_000, 30_000],
    },
    Work {
        name: "paced, 200 B",
        paced: true,
        kind: "create",
        item_bytes: 200,
        events: [500, 2_500],
    },
];

#[test]
fn an_event_costs_no_more_instructions_than_recorded() {
    if Command::new("valgrind").arg("--version").output().is_err() {
        eprintln!("skipped: valgrind is not installed");
        return;
    }
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("instructions");
    let libraries = release();
    let source = root().join("tests/instructions/count.c");
    let program = compile_with(
        &directory,
        &source,
        compiler("CC", "cc"),
        "-std=c11",
        libraries,
    );
    let measured: Vec<(&str, u64)> = WORK
        .iter()
        .map(|work| {
            (
                work.name,
                instructions_per_event(&program, libraries, *work),
            )
        })
        .collect();
    let file = root().join("tests/instructions/recorded.json");
    if env::var_os("DRT_RECORD_INSTRUCTIONS").is_some() {
        let recorded: Map<String, Value> = measured
            .iter()
            .map(|(name, count)| ((*name).to_owned(), json!(count)))
            .collect();
        let text = serde_json::to_string_pretty(&recorded).expect("JSON");
        fs::write(file, text + "\n").expect("the file is written");
        return;
    }
    let recorded: Value = serde_json::from_slice(&fs::read(file).expect("the record")).unwrap();
    let too_many: Vec<String> = measured
        .iter()
        .filter_map(|(name, count)| {
            let before = recorded[name].as_u64().expect("every work is recorded");
            eprintln!("{name}: {count} instructions an event, {before} recorded");
            (count * 100 > before * (100 + TOLERANCE))
                .then(|| format!("{name}: {count} instead of {before}"))
        })
        .collect();
    assert!(too_many.is_empty(), "{too_many:?}");
}

fn instructions_per_event(program: &Path, libraries: &Path, work: Work) -> u64 {
    let [few, many] = work.events;
    let [less, more] = work
        .events
        .map(|events| run(program, libraries, work, events));
    more.saturating_sub(less) / (many - few) as u64
}

/// Runs the program under callgrind, and returns how many instructions it has executed.
fn run(program: &Path, libraries: &Path, work: Work, events: usize) -> u64 {
    let server = ScriptedServer::new();
    let mode = if work.paced { "paced" } else { "flood" };
    let log: PathBuf = program.with_file_name("callgrind.log");
    let mut child = Command::new("valgrind")
        .args([
            "--tool=callgrind",
            "--callgrind-out-file=/dev/null",
            "--fair-sched=try",
        ])
        .arg(format!("--log-file={}", log.display()))
        .arg(program)
        .args([&server.url(), &events.to_string(), mode])
        .env("LD_LIBRARY_PATH", libraries)
        .stdout(Stdio::piped())
        .spawn()
        .expect("valgrind starts");
    let mut acknowledged = child.stdout.take().expect("a pipe");
    let mut link = server.ready();
    let wire = link.confirm_subscribe_and_read();
    let padding = "x".repeat(work.item_bytes.saturating_sub(60));
    let frame_of = |id: usize| {
        let text = format!(
            r#"{{"type":"subscription","event":"{}","data":[{{"id":{id},"status":"published","title":"{padding}"}}],"uid":"{wire}"}}"#,
            work.kind
        );
        frame::encode(frame::TEXT, true, text.as_bytes())
    };
    if work.paced {
        for n in 0..events {
            thread::sleep(PACE);
            link.raw(&frame_of(100_000 + n));
            acknowledged.read_exact(&mut [0]).expect("one more event");
        }
    } else {
        const BLOCK: usize = 500;
        let block = frame_of(1234).repeat(BLOCK);
        (0..events / BLOCK).for_each(|_| link.raw(&block));
    }
    link.until_closed();
    assert!(child.wait().expect("an end").success());
    let log = fs::read_to_string(log).expect("valgrind's log");
    let collected = log
        .lines()
        .find_map(|line| line.split_once("Collected :"))
        .and_then(|(_, count)| count.trim().parse().ok());
    collected.unwrap_or_else(|| panic!("no count: {log}"))
}
