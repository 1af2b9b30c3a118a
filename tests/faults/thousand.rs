//! A thousand subscriptions on one link, and a server that limits the rate.

use std::time::Instant;

use serde_json::json;

use super::proxy::Proxy;
use super::report;
use super::support::server::{ADMIN, Server, V12};
use super::support::test_client::*;

const SUBSCRIPTIONS: u64 = 1_000;
/// Messages a second.
const RATE: u64 = 200;

/// `messages`: how many messages each subscription needs.
fn restore_all(server: &Server, server_snapshot: bool, messages: u64) {
    let proxy = Proxy::start(server.port, 0);
    let client = Options::new(&proxy.url()).token(ADMIN).with(fast).open();
    let subs: Vec<Sub> = (0..SUBSCRIPTIONS)
        .map(|_| {
            let mut spec = subscription("posts").query(json!({"limit": 1}));
            spec.server_snapshot = server_snapshot;
            client.subscribe(spec)
        })
        .collect();
    let all_active = || client.stats().active_subscriptions == SUBSCRIPTIONS;
    eventually_in(3 * WAIT_TIMEOUT, "all active", all_active);
    let (began, before) = (Instant::now(), client.stats());
    proxy.reset();
    eventually("another link", || {
        client.stats().reconnects > before.reconnects
    });
    eventually_in(3 * WAIT_TIMEOUT, "all back", all_active);
    let (took, sent) = (
        began.elapsed(),
        client.stats().frames_out - before.frames_out,
    );
    for sub in &subs {
        sub.log
            .until("its resync", |events| events.iter().any(Seen::is_resync));
        let all = sub.log.all();
        assert!(!all.iter().any(Seen::is_error), "{all:?}");
        let again = all.iter().filter(|event| event.is_resync()).count();
        assert_eq!(again, 1, "{all:?}");
    }
    // No faster than the limit allows: one window's messages at once, and then `RATE` a
    // second. Few messages are repeated.
    let seconds = took.as_secs_f64();
    let most = (RATE as f64 * (seconds + 1.0)).ceil() as u64;
    assert!(sent <= most, "{sent} messages in {seconds:.1} s");
    let needed = SUBSCRIPTIONS * messages;
    assert!(sent < needed * 5 / 4, "{sent} messages for {needed}");
    report(&format!(
        "{SUBSCRIPTIONS} subscriptions came back in {seconds:.1} s, by {sent} messages at {RATE} \
         a second"
    ));
}

#[test]
fn i1_a_thousand_subscriptions_are_restored_at_the_servers_rate_limit() {
    let points = RATE.to_string();
    let limited = [
        ("RATE_LIMITER_ENABLED", "true"),
        ("RATE_LIMITER_POINTS", &points),
        ("RATE_LIMITER_DURATION", "1"),
    ];
    let server = Server::start(V12, &limited);
    // An exact snapshot takes a subscribe and a read.
    restore_all(&server, false, 2);
    restore_all(&server, true, 1);
}
