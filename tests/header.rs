//! The checked-in header is what cbindgen makes of the source.
//!
//! `make header` writes it (`DRT_UPDATE_HEADER=1`).

use std::path::Path;

/// The files of `src/ffi`, in the order in which the header speaks of them.
const SOURCES: [&str; 10] = [
    "status",
    "callback",
    "log",
    "options",
    "client",
    "scope",
    "events",
    "subscription",
    "request",
    "delivery",
];

#[test]
fn the_header_is_the_one_that_the_source_makes() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = root.join("include/directus_realtime.h");
    let config = cbindgen::Config::from_file(root.join("cbindgen.toml")).expect("cbindgen.toml");
    let mut builder = cbindgen::Builder::new().with_config(config);
    for name in SOURCES {
        builder = builder.with_src(root.join(format!("src/ffi/{name}.rs")));
    }
    let bindings = builder.generate().expect("cbindgen reads the source");
    let mut made = Vec::new();
    bindings.write(&mut made);
    let made = String::from_utf8(made).expect("text");
    if std::env::var_os("DRT_UPDATE_HEADER").is_some() {
        std::fs::write(&path, &made).expect("the header can be written");
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        there == made,
        "include/directus_realtime.h is stale: run `make header`"
    );
}
