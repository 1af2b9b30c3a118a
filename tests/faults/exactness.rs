//! Snapshots that miss nothing of what is written while they are read, and tell nothing
//! of it twice.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::mirror::{Rows, keyed};
use super::support::server::{Server, V12, text};
use super::support::sut::*;
use super::tell;

const WRITERS: usize = 4;
const CREATES: usize = 400;
const SUBSCRIPTIONS: usize = 50;
/// Each has a few of them, as each asks for a few at a time only.
const CLIENTS: usize = 10;
/// Many at once, so that reading takes its time; and then again, when many are told.
const AT_ONCE: usize = 25;
/// The server tells of twenty thousand items, on a machine that may be busy.
const A_LONG_TIME: Duration = Duration::from_secs(300);
const FIELDS: [&str; 2] = ["*", "author.*"];

/// What somebody knows who has folded the events of one subscription.
struct Copy {
    rows: Rows,
    told_twice: usize,
}

/// Makes subscriptions while items with authors are made: what is there in the end, and
/// what each subscription has told of it.
fn copies(server: &Server, title: &str, server_snapshot: bool) -> (Rows, Vec<Copy>) {
    let clients: Vec<Sut> = (0..CLIENTS).map(|_| Sut::admin(server)).collect();
    clients.iter().for_each(Sut::connect);
    let query = json!({"fields": FIELDS, "limit": -1, "filter": {"title": {"_eq": title}}});
    let made = AtomicUsize::new(0);
    let create = |author: &Value| {
        let post = json!({"title": title, "author": author["id"]});
        let post = server.create("posts", post);
        made.fetch_add(1, Ordering::SeqCst);
        post
    };
    let authors: Vec<Value> = (0..WRITERS)
        .map(|n| server.create("authors", json!({"name": format!("author {n}")})))
        .collect();
    let subs: Vec<Sub> = thread::scope(|scope| {
        for author in &authors {
            scope.spawn(|| (0..CREATES / WRITERS).for_each(|_| drop(create(author))));
        }
        (0..SUBSCRIPTIONS)
            .map(|n| {
                let due = (n / AT_ONCE * AT_ONCE + AT_ONCE / 2) * CREATES / SUBSCRIPTIONS;
                eventually_in(A_LONG_TIME, "so many are made", || {
                    made.load(Ordering::SeqCst) >= due
                });
                let mut wish = wish("posts").query(query.clone());
                wish.server_snapshot = server_snapshot;
                clients[n % CLIENTS].subscribe(wish)
            })
            .collect()
    });
    eventually_in(A_LONG_TIME, "all active", || {
        let active = clients.iter().map(|c| c.stats().active_subscriptions);
        active.sum::<u64>() == SUBSCRIPTIONS as u64
    });
    // The server may still be about to register what it has confirmed.
    thread::sleep(Duration::from_secs(1));
    // What comes behind this has told everything that was written before.
    let last = text(&create(&authors[0])["id"]);
    let is_last = |row: &Value| text(&row["id"]) == last;
    let tells = |event: &Seen| match event.data.as_array() {
        Some(rows) => rows.iter().any(is_last),
        None => is_last(&event.data),
    };
    let copies = subs.iter().map(|sub| {
        eventually_in(A_LONG_TIME, "the last item", || {
            sub.log.all().iter().any(tells)
        });
        let events = sub.log.all();
        let (rows, told_twice) = fold_and_count(&events, "id");
        Copy {
            rows: without_lists(rows),
            told_twice,
        }
    });
    let copies = copies.collect();
    let path = format!(
        "/items/posts?limit=-1&fields={}&filter[title][_eq]={title}",
        FIELDS.join(",")
    );
    let there = server.rest("GET", &path, None);
    let there = keyed(there.as_array().cloned().unwrap_or_default(), "id");
    assert_eq!(there.len(), CREATES + 1);
    (without_lists(there), copies)
}

/// An author's list of posts changes with each post that is made; only that post is told of.
fn without_lists(mut rows: Rows) -> Rows {
    for row in rows.values_mut() {
        row["author"]["posts"].take();
    }
    rows
}

#[test]
fn i7_exact_snapshots_miss_nothing_that_is_written_meanwhile_and_tell_nothing_twice() {
    let server = Server::start(V12, &[]);
    let (there, exact) = copies(&server, "exact", false);
    assert!(there.values().all(|row| row["author"]["name"].is_string()));
    for copy in &exact {
        assert_eq!(copy.rows.len(), there.len());
        assert!(
            copy.rows == there,
            "an item is another than in the database"
        );
        assert_eq!(copy.told_twice, 0, "of {}", there.len());
    }
    // How many the server's own miss is chance.
    let (there, own) = copies(&server, "own", true);
    let missed: usize = own.iter().map(|copy| there.len() - copy.rows.len()).sum();
    let holed = own.iter().filter(|copy| copy.rows.len() < there.len());
    let twice: usize = own.iter().map(|copy| copy.told_twice).sum();
    tell(&format!(
        "{SUBSCRIPTIONS} subscriptions made during {CREATES} creates: exact snapshots have missed \
         and repeated nothing; the server's own have missed {missed} items in {} subscriptions, \
         and {twice} items were told twice",
        holed.count()
    ));
}
