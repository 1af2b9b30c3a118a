//! Measures what the library costs, beside a peer in the same run.
//!
//! `cargo bench` (or `make bench`) prints: events a second through a C callback
//! and through the nearest peer, a plain tokio-tungstenite loop with typed,
//! borrowed serde_json; how long a thousand subscriptions take to come back; the memory
//! of 10,000 subscriptions; wake-ups while idle. The server is a process of its own that
//! sends pre-built frames.

mod client;
mod counting;
mod peer;
mod server;
// The server that the tests script.
#[allow(dead_code)]
#[path = "../../tests/support/frame.rs"]
mod frame;
#[allow(dead_code)]
#[path = "../../tests/support/log.rs"]
mod log;
#[allow(dead_code)]
#[path = "../../tests/support/scripted_server.rs"]
mod scripted_server;

use std::process::{Child, Command, Stdio};
use std::time::Duration;

#[global_allocator]
static ALLOCATOR: counting::Counting = counting::Counting;

/// Frames per run; large items take longer.
const RUNS: [(usize, u64); 2] = [(200, 3_000_000), (2_000, 600_000)];
const REPEATS: usize = 5;

fn main() {
    let args: Vec<String> = std::env::args().collect();
    if let Some(at) = args.iter().position(|arg| arg == "--serve") {
        let number = |n: usize| args.get(at + n).and_then(|arg| arg.parse().ok());
        let (Some(item), Some(frames), Some(rate)) = (number(1), number(2), number(3)) else {
            panic!("--serve ITEM_BYTES FRAMES MESSAGES_A_SECOND");
        };
        return server::serve(item as usize, frames, rate);
    }
    for (item, frames) in RUNS {
        let mut rates: [Vec<f64>; 2] = Default::default();
        for _ in 0..REPEATS {
            let server = Server::start(item, frames);
            rates[0].push(client::events_per_second(&server.url, frames));
            let server = Server::start(item, frames);
            rates[1].push(peer::events_per_second(&server.url, frames));
        }
        let [ours, theirs] = rates.map(median);
        println!(
            "{item:>5} B items: {:.2} M events/s through a C callback, {:.2} M by a plain \
             tokio-tungstenite + serde_json loop: {:.2} times as many",
            ours / 1e6,
            theirs / 1e6,
            ours / theirs
        );
    }
    for rate in [0, 200] {
        let server = Server::start_limited(200, 0, rate);
        let seconds = client::seconds_to_come_back(&server.url, 1_000);
        let limit = match rate {
            0 => "a server without a rate limit".to_owned(),
            _ => format!("a limit of {rate} messages a second"),
        };
        println!("{seconds:>5.3} s for 1,000 exact subscriptions to come back, {limit}");
    }
    let server = Server::start(200, 0);
    let bytes = client::bytes_per_subscription(&server.url, 10_000);
    println!("{bytes:>5.0} bytes a subscription, of 10,000, beside what the application gave");
    let server = Server::start(200, 0);
    let wakes = client::wakes_while_idle(&server.url, Duration::from_secs(10));
    println!("{wakes:>5} wake-ups of the library's threads in ten idle seconds");
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The server process; it ends with this value.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn start(item: usize, frames: u64) -> Server {
        Server::start_limited(item, frames, 0)
    }

    fn start_limited(item: usize, frames: u64, rate: u64) -> Server {
        let program = std::env::current_exe().expect("a program has a path");
        let mut child = Command::new(program)
            .arg("--serve")
            .args([item as u64, frames, rate].map(|number| number.to_string()))
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("a pipe");
        std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut line)
            .expect("the server says its address");
        Server {
            child,
            url: line.trim().to_owned(),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
