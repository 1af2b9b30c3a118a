//! Events in numbers.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::frame;

/// Frames in one write.
const BLOCK: u64 = 500;

/// Creates in a collection, each of one item that has an id, from `first` upwards, and
/// the fields of `item`.
#[derive(Deserialize)]
pub struct Load {
    pub collection: String,
    first: u64,
    count: u64,
    item: Map<String, Value>,
}

impl Load {
    /// The frames for a wire uid, some at a time.
    pub fn blocks(&self, uid: &str) -> impl Iterator<Item = Vec<u8>> {
        let uid = json!(uid);
        let fields: String = self
            .item
            .iter()
            .map(|(name, value)| format!(",{}:{value}", json!(name)))
            .collect();
        let frame = move |id: u64| {
            let text = format!(
                r#"{{"type":"subscription","event":"create","data":[{{"id":{id}{fields}}}],"uid":{uid}}}"#
            );
            frame::encode(frame::TEXT, true, text.as_bytes())
        };
        let end = self.first + self.count;
        (self.first..end).step_by(BLOCK as usize).map(move |first| {
            (first..end.min(first + BLOCK))
                .flat_map(&frame)
                .collect::<Vec<u8>>()
        })
    }
}
