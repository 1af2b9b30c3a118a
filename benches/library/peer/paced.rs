//! A bare reader: it counts frames, and reads the stamp where it knows that it is.

use futures_util::StreamExt;
use serde_json::Value;

use super::{connect, run, subscribe};
use crate::latencies::{Latencies, STAMP};

/// What follows the stamp.
const TAIL: usize = r#""}],"uid":"s"}"#.len();
/// Answers to requests are shorter than events.
const SHORTEST: usize = 150;

pub fn paced(url: &str, frames: usize) -> Value {
    let mut latencies = Latencies::new(frames);
    run(async {
        let mut link = connect(url).await;
        subscribe(&mut link).await;
        let mut is_over = false;
        while !is_over {
            let message = link.next().await.expect("more").expect("a frame");
            let data = message.into_data();
            if data.len() > SHORTEST {
                let end = data.len() - TAIL;
                is_over = latencies.add(&data[end - STAMP..end]);
            }
        }
    });
    latencies.report()
}
