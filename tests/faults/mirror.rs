//! `mirror.c`: an application, in a process of its own, that keeps a copy.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::support::cc;
use super::support::log::WAIT_TIMEOUT;
use super::support::server::{ADMIN, text};

pub type Rows = BTreeMap<String, Value>;

/// The program's arguments.
pub struct Settings<'a> {
    pub url: &'a str,
    pub collection: &'a str,
    pub key: &'a str,
    pub heartbeat: Duration,
    pub queue_bytes: u64,
    /// How long it sleeps after each event.
    pub sleep: Duration,
}

impl Settings<'_> {
    /// A fast application with a short heartbeat.
    pub fn of<'a>(url: &'a str, collection: &'a str) -> Settings<'a> {
        Settings {
            url,
            collection,
            key: "id",
            heartbeat: Duration::from_secs(2),
            queue_bytes: 0,
            sleep: Duration::ZERO,
        }
    }
}

/// What the compiler needs for jansson, with which the program reads JSON.
fn jansson() -> Vec<String> {
    let mut command = Command::new("pkg-config");
    let output = cc::succeeds(command.args(["--cflags", "--libs", "jansson"]));
    let flags = String::from_utf8(output.stdout).expect("flags are text");
    flags.split_whitespace().map(str::to_owned).collect()
}

/// The running program. It ends with this value.
pub struct Mirror {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    key: String,
}

impl Mirror {
    /// Compiles and starts it; it has its first INIT when this returns.
    pub fn start(settings: &Settings) -> Mirror {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("mirror-{}-{number}", std::process::id());
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let source = cc::root().join("tests/faults/mirror.c");
        let mut compiler = cc::compiler("CC", "cc");
        // Before the source, where linkers may take a library for one that nothing needs.
        compiler.arg("-Wl,--no-as-needed").args(jansson());
        let (program, libraries) = cc::compile_in(&directory, &source, compiler, "-std=c11");
        let mut child = Command::new(program)
            .args([settings.url, ADMIN, settings.collection, settings.key])
            .arg(settings.heartbeat.as_millis().to_string())
            .arg(settings.queue_bytes.to_string())
            .arg(settings.sleep.as_micros().to_string())
            .env("LD_LIBRARY_PATH", libraries)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let mut mirror = Mirror {
            child,
            stdin,
            stdout: BufReader::new(stdout.expect("a pipe")),
            key: settings.key.to_owned(),
        };
        mirror.counts();
        // The program and its library are loaded, so their files can go.
        fs::remove_dir_all(directory).expect("a directory of our own");
        let deadline = Instant::now() + WAIT_TIMEOUT;
        while mirror.counts().get("events") == 0 {
            assert!(Instant::now() < deadline, "no INIT comes");
            thread::sleep(Duration::from_millis(5));
        }
        mirror
    }

    fn line(&mut self) -> Value {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("a pipe");
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("the mirror says {line:?}"))
    }

    fn ask(&mut self, command: &str) -> Value {
        let stdin = self.stdin.as_mut().expect("still open");
        writeln!(stdin, "{command}").expect("it listens");
        self.line()
    }

    /// What it has counted so far.
    pub fn counts(&mut self) -> Counts {
        Counts(self.ask("counts"))
    }

    /// The copy that it has.
    pub fn copy(&mut self) -> Rows {
        let items = self.ask("copy")["items"].as_u64().expect("a number");
        let rows = (0..items).map(|_| self.line());
        let rows: Vec<Value> = rows.collect();
        keyed(rows, &self.key)
    }

    /// Waits until the copy agrees with `there`.
    #[track_caller]
    pub fn agrees_with(&mut self, there: impl Fn() -> Rows, when: &str) {
        let deadline = Instant::now() + 2 * WAIT_TIMEOUT;
        loop {
            let (here, there) = (self.copy(), there());
            if here == there {
                return;
            }
            if Instant::now() > deadline {
                let differ = |one: &Rows, other: &Rows| -> Vec<Value> {
                    let rows = one.iter().filter(|(key, row)| other.get(*key) != Some(row));
                    rows.map(|(_, row)| row.clone()).collect()
                };
                let (extra, missing) = (differ(&here, &there), differ(&there, &here));
                let counts = self.counts().0;
                panic!("{when}: has {extra:?}, should have {missing:?}; {counts}");
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    pub fn resident_bytes(&self) -> u64 {
        let statm = format!("/proc/{}/statm", self.child.id());
        let statm = fs::read_to_string(statm).expect("it runs");
        let pages = statm.split(' ').nth(1).expect("the second number");
        pages.parse::<u64>().expect("a number") * 4096
    }
}

impl Drop for Mirror {
    fn drop(&mut self) {
        self.stdin = None;
        let ended = self.child.wait();
        if !thread::panicking() {
            assert!(ended.expect("a child").success(), "the mirror has failed");
        }
    }
}

/// What the program has counted.
pub struct Counts(Value);

impl Counts {
    pub fn get(&self, name: &str) -> u64 {
        self.0[name]
            .as_u64()
            .unwrap_or_else(|| panic!("{name} is not in {}", self.0))
    }

    /// Checks that nothing was out of order (I2), repeated, lost without a RESYNC (I3), or came
    /// without its item.
    #[track_caller]
    pub fn are_in_order(&self) {
        for name in ["repeated", "holes", "unmarked", "without_item"] {
            assert_eq!(self.get(name), 0, "{name}: {}", self.0);
        }
    }
}

impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

pub fn keyed(rows: Vec<Value>, key: &str) -> Rows {
    let keyed = rows.into_iter().map(|row| (text(&row[key]), row));
    keyed.collect()
}
