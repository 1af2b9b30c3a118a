//! All rows of a collection, read and parsed into a list.

use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio_tungstenite::connect_async_with_config;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use super::run;
use crate::clock;

#[derive(Deserialize)]
struct Answer<Row> {
    data: Vec<Row>,
}

/// Subscribes, reads all rows and parses them: each one as a text of its own, or as a value.
pub fn read_all(url: &str, as_values: bool) -> Value {
    run(async {
        let config = WebSocketConfig::default()
            .max_message_size(None)
            .max_frame_size(None);
        let connected = connect_async_with_config(url, Some(config), true).await;
        let (mut link, _) = connected.expect("a link");
        let auth = r#"{"type":"auth","access_token":"t"}"#;
        link.send(Message::text(auth)).await.expect("sent");
        link.next().await.expect("an answer").expect("an answer");
        let (begin, before) = (clock::monotonic(), clock::processor());
        for request in [
            r#"{"type":"subscribe","collection":"posts","query":{"limit":0},"uid":"s"}"#,
            r#"{"type":"items","action":"read","collection":"posts","query":{"limit":-1},"uid":"r"}"#,
        ] {
            link.send(Message::text(request)).await.expect("sent");
            let answer = link.next().await.expect("an answer").expect("an answer");
            let text = answer.to_text().expect("text");
            if !text.starts_with(r#"{"type":"items""#) {
                continue;
            }
            let rows = match as_values {
                true => count(serde_json::from_str::<Answer<Value>>(text)),
                false => count(serde_json::from_str::<Answer<Box<RawValue>>>(text)),
            };
            let (end, after) = (clock::monotonic(), clock::processor());
            let seconds = (end - begin) as f64 / 1e9;
            let _ = link.close(None).await;
            return json!({
                "rows": rows,
                "seconds": seconds,
                "cpu_seconds": (after - before) as f64 / 1e9,
            });
        }
        unreachable!("the second message is a read")
    })
}

/// How many rows there are. The list is still there when it returns.
fn count<Row>(answer: serde_json::Result<Answer<Row>>) -> usize {
    let answer = answer.expect("rows");
    let count = answer.data.len();
    // Freeing them is not measured: ours keeps them.
    std::mem::forget(answer);
    count
}
