//! An application that is slower than the server: `mirror.c`, in a process of its own, so
//! that its memory can be measured.

use std::io::{self, Write};
use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::mirror::{Mirror, Settings, keyed};
use super::support::frame;
use super::support::log::WAIT_TIMEOUT;
use super::support::scripted_server::{ScriptedServer, answer_to, event};
use super::{report, setting};

/// Events a second: a little more than are required, as none is sent while a snapshot is
/// read.
const OFFERED: u64 = 5_500;
const LEAST_SENT: u64 = 5_000;
const QUEUE_BYTES: u64 = 1 << 20;
const HEARTBEAT: Duration = Duration::from_millis(500);
/// How long a ping may wait for its pong, besides the time that the machine stood still.
const ANSWERED_WITHIN: Duration = Duration::from_secs(2);
/// How much memory may grow: by the queue, and by what allocators keep.
const GROWTH: u64 = QUEUE_BYTES + (6 << 20);
const TICK: Duration = Duration::from_millis(20);

#[test]
fn i6_a_slow_application_keeps_its_link_and_its_memory_budget() {
    let server = ScriptedServer::new();
    let url = server.url();
    let table = Table::default();
    thread::scope(|scope| {
        scope.spawn(|| serve(&server, &table));
        let mut settings = Settings::of(&url, "posts");
        settings.heartbeat = Duration::from_secs(25);
        settings.queue_bytes = QUEUE_BYTES;
        // A tenth of the events' rate.
        settings.sleep = Duration::from_millis(2);
        let mut mirror = Mirror::start(&settings);
        let seconds = setting("DRT_FAULT_SECONDS", 60);
        let most = watch(&mut mirror, &table, Duration::from_secs(seconds));

        // The server sends nothing more, so the last version must arrive.
        table.over.store(true, Ordering::SeqCst);
        mirror.agrees_with(|| keyed(table.rows(), "id"), "the server is silent");
        let counts = mirror.counts();
        counts.are_in_order();
        for name in ["resyncs", "overflows"] {
            assert!(counts.get(name) > 0, "{name}: {counts}");
        }
        assert_eq!(counts.get("reconnects"), 0, "{counts}");
        report(&format!("the slow application: {most}; {counts}"));
    });
}

/// Watches the application for that time, and checks the limits. Returns a summary.
fn watch(mirror: &mut Mirror, table: &Table, time: Duration) -> String {
    let overflows = |mirror: &mut Mirror| mirror.counts().get("overflows");
    let deadline = Instant::now() + WAIT_TIMEOUT;
    while overflows(mirror) == 0 {
        assert!(Instant::now() < deadline, "nothing overflows");
        thread::sleep(TICK);
    }
    // The longest time by which this thread's sleep was exceeded: how busy the machine is.
    let (mut stall, mut memory, mut queued) = (Duration::ZERO, 0, 0);
    let before = mirror.resident_bytes();
    let (began, sent, pongs) = (Instant::now(), table.sent(), table.pongs());
    while began.elapsed() < time {
        let counts = mirror.counts();
        let (bytes, events) = (counts.get("queued_bytes"), counts.get("queued_events"));
        assert!(bytes <= QUEUE_BYTES || events <= 1, "{counts}");
        queued = queued.max(bytes);
        memory = memory.max(mirror.resident_bytes());
        let asleep = Instant::now();
        thread::sleep(TICK);
        stall = stall.max(asleep.elapsed() - TICK);
    }
    let grown = memory.saturating_sub(before);
    assert!(grown < GROWTH, "{grown} bytes more than at first");
    let seconds = began.elapsed().as_secs_f64();
    let rate = (table.sent() - sent) as f64 / seconds;
    assert!(rate >= LEAST_SENT as f64, "only {rate:.0} events a second");
    let pongs = table.pongs() - pongs;
    let least = (seconds / (HEARTBEAT + ANSWERED_WITHIN + stall).as_secs_f64()) as u64;
    assert!(pongs >= least, "{pongs} pongs in {seconds:.0} s");
    let longest = table.longest();
    assert!(
        longest < ANSWERED_WITHIN + stall,
        "a ping was answered after {longest:?}; the machine stood still for {stall:?}"
    );
    format!(
        "{rate:.0} events a second for {seconds:.0} s, {pongs} pings answered within {longest:?}, \
         at most {queued} bytes waiting, {grown} bytes of memory more than at first"
    )
}

/// The one row that the server has, and counts of what it sent.
#[derive(Default)]
struct Table {
    version: AtomicU64,
    sent: AtomicU64,
    pongs: AtomicU64,
    longest_ms: AtomicU64,
    over: AtomicBool,
}

impl Table {
    fn rows(&self) -> Vec<Value> {
        vec![json!({"id": 1, "n": self.version.load(Ordering::SeqCst)})]
    }

    fn sent(&self) -> u64 {
        self.sent.load(Ordering::SeqCst)
    }

    fn pongs(&self) -> u64 {
        self.pongs.load(Ordering::SeqCst)
    }

    fn longest(&self) -> Duration {
        Duration::from_millis(self.longest_ms.load(Ordering::SeqCst))
    }
}

/// The socket, and the wire uids of the subscriptions.
struct Out {
    socket: TcpStream,
    wires: Vec<String>,
    pinged: Option<Instant>,
}

impl Out {
    fn say(&mut self, message: &Value) -> io::Result<()> {
        let text = message.to_string();
        let frame = frame::encode(frame::TEXT, true, text.as_bytes());
        self.socket.write_all(&frame)
    }

    /// Changes the row, and sends an update to every subscription.
    fn write(&mut self, table: &Table) -> io::Result<()> {
        table.version.fetch_add(1, Ordering::SeqCst);
        let rows = json!(table.rows());
        for wire in self.wires.clone() {
            self.say(&event(&wire, "update", &rows))?;
        }
        let sent = u64::from(!self.wires.is_empty());
        table.sent.fetch_add(sent, Ordering::SeqCst);
        Ok(())
    }
}

/// Plays the server until the client closes.
fn serve(server: &ScriptedServer, table: &Table) {
    let mut link = server.ready();
    let out = Mutex::new(Out {
        socket: link.socket.try_clone().unwrap(),
        wires: Vec::new(),
        pinged: None,
    });
    let left = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            // Ends with an error when the client closes.
            let _ = send_events(&out, table, &left);
        });
        while let Ok(message) = link.try_next() {
            let mut out = out.lock().unwrap();
            if message["type"] == "pong" {
                let waited = out.pinged.take().map(|since| since.elapsed());
                let waited = waited.unwrap_or_default().as_millis() as u64;
                table.longest_ms.fetch_max(waited, Ordering::SeqCst);
                table.pongs.fetch_add(1, Ordering::SeqCst);
                continue;
            }
            let Some(mut answer) = answer_to(&message) else {
                continue;
            };
            // All under one lock, so that no event comes between snapshot and registration.
            let uid = message["uid"].as_str().unwrap_or_default().to_owned();
            match message["type"].as_str() {
                Some("subscribe") => out.wires.push(uid),
                Some("unsubscribe") => out.wires.retain(|wire| *wire != uid),
                _ => {}
            }
            if answer.get("data").is_some() {
                answer["data"] = json!(table.rows());
            }
            if out.say(&answer).is_err() {
                break;
            }
        }
        left.store(true, Ordering::SeqCst);
    });
}

/// Changes the row `OFFERED` times a second, and pings.
fn send_events(out: &Mutex<Out>, table: &Table, left: &AtomicBool) -> io::Result<()> {
    let (began, mut last_ping) = (Instant::now(), Instant::now());
    let mut written = 0;
    while !left.load(Ordering::SeqCst) {
        let due = began.elapsed().as_millis() as u64 * OFFERED / 1000;
        while written < due && !table.over.load(Ordering::SeqCst) {
            out.lock().unwrap().write(table)?;
            written += 1;
        }
        let mut out = out.lock().unwrap();
        if last_ping.elapsed() > HEARTBEAT && out.pinged.is_none() {
            last_ping = Instant::now();
            out.pinged = Some(last_ping);
            out.say(&json!({"type": "ping"}))?;
        }
        drop(out);
        thread::sleep(Duration::from_millis(2));
    }
    Ok(())
}
