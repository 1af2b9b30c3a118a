//! Two servers on one database: when one dies, the client goes to the other.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::mirror::{Mirror, Wanted};
use super::proxy::Proxy;
use super::support::log::eventually;
use super::support::server::{Server, V12};
use super::writers::{WRITERS, rows, write_once};
use super::{seed, setting, tell};

struct Cluster {
    nodes: [Server; 2],
    /// In front of each, to see who is where.
    doors: [Proxy; 2],
    seed: u64,
}

impl Cluster {
    /// The node that the client is on.
    fn present(&self) -> usize {
        eventually("the client is on one node", || {
            self.doors[0].is_used() != self.doors[1].is_used()
        });
        usize::from(self.doors[1].is_used())
    }

    /// Changes items on these nodes at once until `meanwhile` is over.
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
fn i7_when_a_node_dies_the_client_moves_to_the_other_and_its_copy_is_right() {
    let seed = seed();
    let nodes = Server::cluster(V12, &[]);
    let doors = [&nodes[0], &nodes[1]].map(|node| Proxy::start(node.port, seed));
    let url = format!("{},{}", doors[0].url(), doors[1].url());
    let cluster = Cluster { nodes, doors, seed };
    let mut wanted = Wanted::of(&url, "posts");
    // A node that is slow, as the other one is starting, is no reason to move.
    wanted.heartbeat = Duration::from_secs(25);
    let mut mirror = Mirror::start(&wanted);
    for round in 0..setting("DRT_FAULT_FAILOVERS", 4) {
        let dies = cluster.present();
        let (dying, other) = (&cluster.nodes[dies], &cluster.nodes[1 - dies]);
        let at = |when: &str| format!("{when}, round {round} (DRT_FAULT_SEED={seed})");
        cluster.write_on(&[0, 1], 2 * round, || {
            a_while();
            dying.tell("kill");
            eventually("the client is on the other node", || {
                cluster.doors[1 - dies].is_used()
            });
            a_while();
        });
        mirror.agrees_with(|| rows(other), &at("after the kill"));
        dying.tell("start");
        // The client stays where it is, and is told of both.
        for node in [dying, other] {
            node.create("posts", json!({"title": "on either"}));
            mirror.agrees_with(|| rows(node), &at("after a write on each node"));
        }
        cluster.write_on(&[0, 1], 2 * round + 1, a_while);
        mirror.agrees_with(|| rows(dying), &at("after writing on both"));
        assert_eq!(cluster.present(), 1 - dies, "{}", at("nobody moves back"));
        mirror.counts().are_in_order();
    }

    // A node dies that the client is not on. What it has written without having told of
    // it, no other node can know: so nobody writes there.
    let before = mirror.counts();
    let lives = cluster.present();
    cluster.write_on(&[lives], u64::MAX >> 8, || {
        a_while();
        cluster.nodes[1 - lives].tell("kill");
        a_while();
    });
    mirror.agrees_with(|| rows(&cluster.nodes[lives]), "beside a dead node");
    let counts = mirror.counts();
    counts.are_in_order();
    assert_eq!(counts.get("reconnects"), before.get("reconnects"));
    tell(&format!("the C program's mirror of a cluster: {counts}"));
}
