//! One measured process, or the server that it is measured against: `benches/run.py` starts them,
//! and `benches/README.md` says what the numbers are.
//!
//!     library serve flood ITEM_BYTES FRAMES SUBSCRIPTIONS
//!     library serve paced ITEM_BYTES FRAMES RATE
//!     library serve answers
//!     library serve drops SUBSCRIPTIONS
//!     library serve rows ROWS ITEM_BYTES
//!     library ours|peer WORK URL …
//!
//! A server prints its URL first; a measured process prints its result, as one line of JSON.

mod allocations;
mod clock;
mod latencies;
mod ours;
mod peer;
mod server;
mod throughput;
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

#[global_allocator]
static ALLOCATOR: allocations::Counting = allocations::Counting;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let number = |text: &str| text.parse::<u64>().expect("a number");
    let result = match args[..] {
        ["serve", "flood", item, frames, subscriptions] => {
            let uids = number(subscriptions) as usize;
            server::flood(number(item) as usize, number(frames), uids)
        }
        ["serve", "paced", item, frames, rate] => {
            server::paced(number(item) as usize, number(frames), number(rate))
        }
        ["serve", "answers"] => server::answers(),
        ["serve", "drops", subscriptions] => server::drops(number(subscriptions)),
        ["serve", "rows", rows, item] => server::rows(number(rows), number(item) as usize),
        ["ours", "flood", url, frames, subscriptions] => {
            ours::flood(url, number(frames), number(subscriptions))
        }
        ["ours", "paced", url, frames, delivery @ ("thread" | "poll")] => {
            ours::paced(url, number(frames) as usize, delivery == "poll")
        }
        ["ours", "back", url, subscriptions] => ours::come_back(url, number(subscriptions)),
        ["ours", "memory", url, subscriptions] => ours::memory(url, number(subscriptions)),
        ["ours", "idle", url, seconds] => ours::idle(url, number(seconds)),
        ["ours", "live-open", url, rows] => ours::live::open(url, number(rows)),
        ["ours", "live-memory", url, rows] => ours::live::memory(url, number(rows)),
        ["ours", "live-gap", url, rows] => ours::live::gap(url, number(rows)),
        ["ours", "live-burst", url, rows] => ours::live::burst(url, number(rows)),
        ["ours", "live-many", url, collections] => ours::live::many(url, number(collections)),
        ["ours", "live-change", _url, rows] => ours::live::change(number(rows)),
        ["peer", "live-open", url, parsed @ ("raw" | "value")] => {
            peer::read_all(url, parsed == "value")
        }
        ["peer", "flood", url, frames] => peer::flood(url, number(frames)),
        ["peer", "paced", url, frames] => peer::paced(url, number(frames) as usize),
        ["peer", "back", url, subscriptions] => peer::come_back(url, number(subscriptions)),
        // `cargo bench` runs it so.
        _ => return println!("`make bench` measures; benches/README.md says what"),
    };
    println!("{result}");
}
