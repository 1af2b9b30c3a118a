//! A thousand subscriptions on one link, and a server that limits the rate.

use std::time::Instant;

use serde_json::json;

use super::proxy::Proxy;
use super::support::server::{ADMIN, Server, V12};
use super::support::sut::*;
use super::tell;

const SUBSCRIPTIONS: u64 = 1_000;
/// Messages a second.
const RATE: u64 = 200;

/// `messages`: so many are needed for each subscription.
fn come_back(server: &Server, server_snapshot: bool, messages: u64) {
    let proxy = Proxy::start(server.port, 0);
    let client = Options::new(&proxy.url()).token(ADMIN).with(fast).open();
    let subs: Vec<Sub> = (0..SUBSCRIPTIONS)
        .map(|_| {
            let mut wish = wish("posts").query(json!({"limit": 1}));
            wish.server_snapshot = server_snapshot;
            client.subscribe(wish)
        })
        .collect();
    let all_active = || client.stats().active_subscriptions == SUBSCRIPTIONS;
    eventually("all active", all_active);
    let (began, before) = (Instant::now(), client.stats());
    proxy.reset();
    eventually("another link", || {
        client.stats().reconnects > before.reconnects
    });
    eventually("all back", all_active);
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
    // No faster than it allows: a window's messages at once, and so many a second; and
    // next to nothing was sent in vain.
    let seconds = took.as_secs_f64();
    let most = (RATE as f64 * (seconds + 1.0)).ceil() as u64;
    assert!(sent <= most, "{sent} messages in {seconds:.1} s");
    let needed = SUBSCRIPTIONS * messages;
    assert!(sent < needed * 5 / 4, "{sent} messages for {needed}");
    tell(&format!(
        "{SUBSCRIPTIONS} subscriptions came back in {seconds:.1} s, by {sent} messages at {RATE} \
         a second"
    ));
}

#[test]
fn i1_a_thousand_subscriptions_come_back_as_fast_as_the_server_allows() {
    let points = RATE.to_string();
    let limited = [
        ("RATE_LIMITER_ENABLED", "true"),
        ("RATE_LIMITER_POINTS", &points),
        ("RATE_LIMITER_DURATION", "1"),
    ];
    let server = Server::start(V12, &limited);
    // Each is subscribed, and then read.
    come_back(&server, false, 2);
    come_back(&server, true, 1);
}
