//! The peer: a client as an application would write it without the library, in the fastest ordinary
//! way.

use std::collections::HashMap;
use std::time::Instant;

use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio_tungstenite::tungstenite::Message;

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    event: Option<&'a str>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    uid: Option<&'a str>,
}

type Callback<'a> = Box<dyn FnMut(&str, &str) + 'a>;

pub fn events_per_second(url: &str, frames: u64) -> f64 {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(run(url, frames))
}

async fn run(url: &str, frames: u64) -> f64 {
    let (mut link, _) = tokio_tungstenite::connect_async(url).await.expect("a link");
    let read = r#"{"type":"items","action":"read","collection":"posts","uid":"r"}"#;
    link.send(Message::text(
        r#"{"type":"subscribe","collection":"posts","uid":"s"}"#,
    ))
    .await
    .expect("sent");
    link.send(Message::text(read)).await.expect("sent");
    let mut seen = 0_u64;
    let mut bytes = 0;
    let mut callbacks: HashMap<&str, Callback> = HashMap::new();
    callbacks.insert("s", Box::new(|_, data| bytes += data.len()));
    let mut began = None;
    while seen < frames {
        let message = link.next().await.expect("more").expect("a frame");
        let Ok(text) = message.to_text() else {
            continue;
        };
        let Ok(envelope) = serde_json::from_str::<Envelope<'_>>(text) else {
            continue;
        };
        let (Some(event), Some(data)) = (envelope.event, envelope.data) else {
            continue;
        };
        if envelope.kind != "subscription" || event == "init" {
            continue;
        }
        if let Some(callback) = envelope.uid.and_then(|uid| callbacks.get_mut(uid)) {
            callback(event, data.get());
            began.get_or_insert_with(Instant::now);
            seen += 1;
        }
    }
    let seconds = began.expect("at least one").elapsed().as_secs_f64();
    drop(callbacks);
    assert!(bytes > 0);
    frames as f64 / seconds
}
