//! Two servers on one database: when one dies, the client goes to the other.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::mirror::{Mirror, Settings};
use super::proxy::Proxy;
use super::support::log::eventually;
use super::support::server::{Server, V12};
use super::writers::{WRITERS, rows, write_once};
use super::{report, seed, setting};

struct Cluster {
    nodes: [Server; 2],
    /// A proxy in front of each node shows which one the client uses.
    proxies: [Proxy; 2],
    seed: u64,
}

impl Cluster {
    /// The node that the client is connected to.
    fn used_node(&self) -> usize {
        eventually("the client is on one node", || {
            self.proxies[0].is_used() != self.proxies[1].is_used()
        });
        usize::from(self.proxies[1].is_used())
    }

    /// Writes on these nodes concurrently until `meanwhile` returns.
    fn write_on(&self, nodes: &[usize], round: u64, meanwhile: impl FnOnce()) {
        let keys: Vec<Value> = rows(&self.nodes[nodes[0]])
            .into_values()
            .map(|row| row["id"].clone())
            .collect();
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            for writer in 0..WRITERS as usize {
                let known = keys.iter().skip(writer).step_by(WRITERS as usize);
                let known = known.cloned().collect();
                let (node, stop) = (&self.nodes[nodes[writer % nodes.len()]], &stop);
                let seed = self.seed ^ (round << 8);
                scope.spawn(move || write_once(node, stop, writer as u64, seed, known));
            }
            meanwhile();
            stop.store(true, Ordering::SeqCst);
        });
    }
}

fn a_while() {
    thread::sleep(Duration::from_millis(700));
}

#[test]
fn i7_a_copy_agrees_after_failover_to_another_cluster_node() {
    let seed = seed();
    let nodes = Server::cluster(V12, &[]);
    let proxies = [&nodes[0], &nodes[1]].map(|node| Proxy::start(node.port, seed));
    let url = format!("{},{}", proxies[0].url(), proxies[1].url());
    let cluster = Cluster {
        nodes,
        proxies,
        seed,
    };
    let mut settings = Settings::of(&url, "posts");
    // A node that is slow while the other one starts must not count as dead.
    settings.heartbeat = Duration::from_secs(25);
    let mut mirror = Mirror::start(&settings);
    for round in 0..setting("DRT_FAULT_FAILOVERS", 4) {
        let dying_index = cluster.used_node();
        let (dying, other) = (&cluster.nodes[dying_index], &cluster.nodes[1 - dying_index]);
        let at = |when: &str| format!("{when}, round {round} (DRT_FAULT_SEED={seed})");
        cluster.write_on(&[0, 1], 2 * round, || {
            a_while();
            dying.control("kill");
            eventually("the client is on the other node", || {
                cluster.proxies[1 - dying_index].is_used()
            });
            a_while();
        });
        mirror.agrees_with(|| rows(other), &at("after the kill"));
        dying.control("start");
        // The client stays on its node, and gets the events of both.
        for node in [dying, other] {
            node.create("posts", json!({"title": "on either"}));
            mirror.agrees_with(|| rows(node), &at("after a write on each node"));
        }
        cluster.write_on(&[0, 1], 2 * round + 1, a_while);
        mirror.agrees_with(|| rows(dying), &at("after writing on both"));
        assert_eq!(
            cluster.used_node(),
            1 - dying_index,
            "{}",
            at("the client stays")
        );
        mirror.counts().are_in_order();
    }

    // A node dies that the client is not connected to. Writes that it has not announced yet
    // are unknown to the other node, so the test does not write there.
    let before = mirror.counts();
    let alive = cluster.used_node();
    cluster.write_on(&[alive], u64::MAX >> 8, || {
        a_while();
        cluster.nodes[1 - alive].control("kill");
        a_while();
    });
    mirror.agrees_with(|| rows(&cluster.nodes[alive]), "beside a dead node");
    let counts = mirror.counts();
    counts.are_in_order();
    assert_eq!(counts.get("reconnects"), before.get("reconnects"));
    report(&format!("the C program's mirror of a cluster: {counts}"));
}
