//! Subscriptions that come back: sends the same messages as the library, at most eight of them
//! unanswered, and knows nothing else. What the answers bring in one read is answered in one write.

use futures_util::{FutureExt, SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use super::{Link, connect, run};
use crate::clock;

/// As many as the library has.
const IN_FLIGHT: u64 = 8;

pub fn come_back(url: &str, subscriptions: u64) -> Value {
    run(async {
        let mut link = subscribe_all(url, subscriptions).await;
        let before = clock::processor();
        // The server drops the link.
        while let Some(Ok(_)) = link.next().await {}
        let _link = subscribe_all(url, subscriptions).await;
        let used = clock::processor() - before;
        json!({"cpu_seconds": used as f64 / 1e9})
    })
}

async fn subscribe_all(url: &str, subscriptions: u64) -> Link {
    let mut link = connect(url).await;
    let auth = r#"{"type":"auth","access_token":"t"}"#;
    link.send(Message::text(auth)).await.expect("sent");
    link.next().await.expect("an answer").expect("an answer");
    let mut next = 0;
    while next < subscriptions.min(IN_FLIGHT) {
        link.feed(subscribe(next)).await.expect("taken");
        next += 1;
    }
    let mut reads = 0;
    while reads < subscriptions {
        link.flush().await.expect("sent");
        let mut message = link.next().await;
        // All that came with it.
        while let Some(answer) = message {
            let answer = answer.expect("an answer");
            let text = answer.to_text().expect("text");
            if text.starts_with(r#"{"type":"items""#) {
                reads += 1;
                if next < subscriptions {
                    link.feed(subscribe(next)).await.expect("taken");
                    next += 1;
                }
            } else {
                link.feed(read(uid_of(text))).await.expect("taken");
            }
            message = link.next().now_or_never().flatten();
        }
    }
    link
}

fn uid_of(text: &str) -> &str {
    let at = text.rfind(r#""uid":""#).expect("a uid") + 7;
    &text[at..text.len() - 2]
}

fn subscribe(n: u64) -> Message {
    Message::text(format!(
        r#"{{"type":"subscribe","collection":"posts","uid":"{n:x}"}}"#
    ))
}

fn read(uid: &str) -> Message {
    Message::text(format!(
        r#"{{"type":"items","action":"read","collection":"posts","uid":"{uid}"}}"#
    ))
}
