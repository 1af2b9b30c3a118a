//! Any text as a frame: nothing panics, and what the fast scan recognises is what
//! the full parser reads.
#![no_main]

use directus_realtime::protocol::fast_path::recognise;
use directus_realtime::protocol::incoming::{Incoming, parse};
use directus_realtime::protocol::items;
use libfuzzer_sys::fuzz_target;
use serde::de::IgnoredAny;

fuzz_target!(|text: &str| {
    let parsed = parse(text);
    let mut ranges = Vec::new();
    let well_formed = items::elements(text, &mut ranges).is_ok();
    assert_eq!(well_formed, items::check(text));
    let is_json = serde_json::from_str::<IgnoredAny>(text).is_ok();
    // Only the scanner limits how deep values nest here.
    let nests = text.bytes().filter(|byte| b"[{".contains(byte)).count() > 100;
    assert!(well_formed == is_json || (is_json && nests), "{text:?}");
    if well_formed {
        for &(start, end) in &ranges {
            assert!(items::check(&text[start as usize..end as usize]));
        }
        let _ = items::first(text).map(|item| items::member(item, "id"));
    }
    let Some(fast) = recognise(text) else { return };
    // It looks at the ends only. Where what is between them is well-formed, both
    // have to read the same.
    if !items::check(fast.data) {
        return;
    }
    match parsed {
        Ok(Incoming::Change {
            change,
            data,
            meta: None,
            ..
        }) => assert_eq!((change, data), (fast.change, Some(fast.data))),
        Ok(_) => panic!("the fast scan saw a change in {text:?}"),
        Err(error) => panic!("{error:?}: {text:?}"),
    }
});
