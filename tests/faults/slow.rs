//! An application that is slower than the server: `mirror.c`, in a process of its own,
//! whose memory is its own as well.

use std::io::{self, Write};
use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::mirror::{Mirror, Wanted, keyed};
use super::support::frame;
use super::support::log::PATIENCE;
use super::support::peer::{Peer, answer_to, event};
use super::{setting, tell};

/// Events a second; a little more than is asked for, as none is told while a snapshot is
/// read.
const OFFERED: u64 = 5_500;
const LEAST_TOLD: u64 = 5_000;
const QUEUE_BYTES: u64 = 1 << 20;
const HEARTBEAT: Duration = Duration::from_millis(500);
/// How long a ping may wait for its pong, where the machine does not stand still.
const ANSWERED_WITHIN: Duration = Duration::from_secs(2);
/// What memory may grow by: what may wait, and what allocators keep.
const GROWTH: u64 = QUEUE_BYTES + (6 << 20);
const TICK: Duration = Duration::from_millis(20);

#[test]
fn i6_a_slow_application_costs_neither_the_link_nor_memory_and_comes_right() {
    let peer = Peer::new();
    let url = peer.url();
    let table = Table::default();
    thread::scope(|scope| {
        scope.spawn(|| serve(&peer, &table));
        let mut wanted = Wanted::of(&url, "posts");
        wanted.heartbeat = Duration::from_secs(25);
        wanted.queue_bytes = QUEUE_BYTES;
        // A tenth of what comes.
        wanted.sleep = Duration::from_millis(2);
        let mut mirror = Mirror::start(&wanted);
        let seconds = setting("DRT_FAULT_SECONDS", 60);
        let most = watch(&mut mirror, &table, Duration::from_secs(seconds));

        // The server falls silent: what was written last has to arrive.
        table.over.store(true, Ordering::SeqCst);
        mirror.agrees_with(|| keyed(table.rows(), "id"), "the server is silent");
        let counts = mirror.counts();
        counts.are_in_order();
        for name in ["resyncs", "overflows"] {
            assert!(counts.get(name) > 0, "{name}: {counts}");
        }
        assert_eq!(counts.get("reconnects"), 0, "{counts}");
        tell(&format!("the slow application: {most}; {counts}"));
    });
}

/// Lets time pass, and holds everything to its limits. Tells how far it went.
fn watch(mirror: &mut Mirror, table: &Table, time: Duration) -> String {
    let overflows = |mirror: &mut Mirror| mirror.counts().get("overflows");
    let deadline = Instant::now() + PATIENCE;
    while overflows(mirror) == 0 {
        assert!(Instant::now() < deadline, "nothing overflows");
        thread::sleep(TICK);
    }
    // The longest time that this machine has kept somebody waiting for no reason.
    let (mut stall, mut memory, mut queued) = (Duration::ZERO, 0, 0);
    let before = mirror.resident_bytes();
    let (began, told, pongs) = (Instant::now(), table.told(), table.pongs());
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
    let rate = (table.told() - told) as f64 / seconds;
    assert!(rate >= LEAST_TOLD as f64, "only {rate:.0} events a second");
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

/// The one row that the server has, and what it did.
#[derive(Default)]
struct Table {
    version: AtomicU64,
    told: AtomicU64,
    pongs: AtomicU64,
    longest_ms: AtomicU64,
    over: AtomicBool,
}

impl Table {
    fn rows(&self) -> Vec<Value> {
        vec![json!({"id": 1, "n": self.version.load(Ordering::SeqCst)})]
    }

    fn told(&self) -> u64 {
        self.told.load(Ordering::SeqCst)
    }

    fn pongs(&self) -> u64 {
        self.pongs.load(Ordering::SeqCst)
    }

    fn longest(&self) -> Duration {
        Duration::from_millis(self.longest_ms.load(Ordering::SeqCst))
    }
}

/// Who is subscribed, and the socket.
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

    /// Writes the row anew, and tells of it.
    fn write(&mut self, table: &Table) -> io::Result<()> {
        table.version.fetch_add(1, Ordering::SeqCst);
        let rows = json!(table.rows());
        for wire in self.wires.clone() {
            self.say(&event(&wire, "update", &rows))?;
        }
        let told = u64::from(!self.wires.is_empty());
        table.told.fetch_add(told, Ordering::SeqCst);
        Ok(())
    }
}

/// Plays the server until the client leaves.
fn serve(peer: &Peer, table: &Table) {
    let mut link = peer.ready();
    let out = Mutex::new(Out {
        socket: link.socket.try_clone().unwrap(),
        wires: Vec::new(),
        pinged: None,
    });
    let left = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            // Ends by the other side's leaving.
            let _ = pour(&out, table, &left);
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
            // Registered, read and answered in one step.
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

/// Writes the row as often as said, and pings.
fn pour(out: &Mutex<Out>, table: &Table, left: &AtomicBool) -> io::Result<()> {
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
