//! As many events as come, each parsed as far as a callback needs it, without copying: typed and
//! borrowed.

use std::collections::HashMap;

use futures_util::StreamExt;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::{connect, run, subscribe};
use crate::throughput::Throughput;

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    event: Option<&'a str>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    uid: Option<&'a str>,
}

type Callback<'a> = Box<dyn FnMut(&str, &str) -> bool + 'a>;

pub fn flood(url: &str, frames: u64) -> Value {
    let mut throughput = Throughput::new(frames);
    run(async {
        let mut link = connect(url).await;
        subscribe(&mut link).await;
        let mut callbacks: HashMap<&str, Callback> = HashMap::new();
        callbacks.insert("s", Box::new(|_, data| throughput.add(data.len())));
        let mut is_over = false;
        while !is_over {
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
                is_over = callback(event, data.get());
            }
        }
    });
    throughput.report()
}
