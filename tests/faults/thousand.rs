//! A thousand subscriptions on one link, and a server that limits the rate.

use std::time::Instant;

use serde_json::json;

use super::proxy::Proxy;
use super::support::server::{ADMIN, Server, V12};
use super::support::sut::*;

const SUBSCRIPTIONS: u64 = 1_000;
/// Messages a second.
const RATE: u64 = 200;

#[test]
fn i1_a_thousand_subscriptions_come_back_as_fast_as_the_server_allows() {
    let points = RATE.to_string();
    let server = Server::start(
        V12,
        &[
            ("RATE_LIMITER_ENABLED", "true"),
            ("RATE_LIMITER_POINTS", &points),
            ("RATE_LIMITER_DURATION", "1"),
        ],
    );
    let proxy = Proxy::start(server.port, 0);
    let client = Options::new(&proxy.url()).token(ADMIN).with(fast).open();
    let subs: Vec<Sub> = (0..SUBSCRIPTIONS)
        .map(|_| {
            let mut wish = wish("posts").query(json!({"limit": 1}));
            // One message each.
            wish.server_snapshot = true;
            client.subscribe(wish)
        })
        .collect();
    let all_active = || client.stats().active_subscriptions == SUBSCRIPTIONS;
    eventually("all active", all_active);
    let (began, before) = (Instant::now(), client.stats().frames_out);
    proxy.reset();
    eventually("the link is lost", || {
        client.stats().active_subscriptions == 0
    });
    eventually("all back", all_active);
    let took = began.elapsed();
    for sub in &subs {
        sub.log
            .until("its resync", |events| events.iter().any(Seen::is_resync));
        assert!(
            !sub.log.all().iter().any(Seen::is_error),
            "{:?}",
            sub.log.all()
        );
    }
    // No faster than it allows: next to nothing was sent in vain.
    let sent = client.stats().frames_out - before;
    assert!(
        sent < SUBSCRIPTIONS * 5 / 4,
        "{sent} messages for {SUBSCRIPTIONS}"
    );
    println!(
        "{SUBSCRIPTIONS} subscriptions came back in {:.1} s, at {RATE} messages a second",
        took.as_secs_f32()
    );
}
