//! Imports run one way: downwards between the layers of the library, and from the
//! session's router to its parts, which know neither it nor each other.

use std::fs;
use std::path::{Path, PathBuf};

/// The layers, from the lowest. Those in one line do not import each other.
const LAYERS: &[&[&str]] = &[
    &["error", "growth", "secret", "log", "threads"],
    &["log_stream", "protocol"],
    &["rows"],
    &["handover"],
    &["subscriptions"],
    &["session", "delivery", "driver", "live"],
    &["client"],
    &["ffi"],
];

/// What parts of the session may use of their siblings: a function, a plain value.
const SHARED: &[&str] = &["jitter", "request"];

/// The code of each source file below a directory, without tests and comments.
fn sources(directory: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).expect("the sources are there") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().expect("a name");
        if name == "tests" || name == "layers" {
            continue;
        }
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("a readable file");
            let code = text.split("#[cfg(test)]\nmod tests {").next();
            let lines = code.into_iter().flat_map(str::lines);
            let code = lines.filter(|line| !line.trim_start().starts_with("//"));
            found.push((path, code.collect::<Vec<_>>().join("\n")));
        }
    }
    found
}

/// The first component of a file's path below a directory: its module there.
fn module(path: &Path, below: &Path) -> String {
    let inside = path.strip_prefix(below).expect("it is below");
    let first = inside.iter().next().expect("it has a name");
    let name = Path::new(first).file_stem().expect("it has a name");
    name.to_string_lossy().into_owned()
}

/// The names that follow a path's beginning, such as `crate::`.
fn names_after<'a>(code: &'a str, beginning: &str) -> Vec<&'a str> {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    code.split(beginning)
        .skip(1)
        .map(|rest| rest.split(|c| !is_name(c)).next().unwrap_or_default())
        .filter(|name| !name.is_empty())
        .collect()
}

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

#[test]
fn a_layer_imports_only_lower_layers() {
    let src = src();
    let level = |name: &str| LAYERS.iter().position(|layers| layers.contains(&name));
    for (path, code) in sources(&src) {
        let own = module(&path, &src);
        if own == "lib" {
            continue;
        }
        let own_level = level(&own);
        assert!(own_level.is_some(), "{own} is in no layer");
        for name in names_after(&code, "crate::") {
            let is_lower = level(name) < own_level && level(name).is_some();
            let shown = path.display();
            assert!(name == own || is_lower, "{shown} imports crate::{name}");
        }
    }
}

#[test]
fn the_parts_of_the_session_know_neither_the_router_nor_each_other() {
    let session = src().join("session");
    let sources = sources(&session);
    let modules: Vec<String> = sources.iter().map(|(p, _)| module(p, &session)).collect();
    for (path, code) in &sources {
        let own = module(path, &session);
        if own == "router" || own == "mod" {
            continue;
        }
        let shown = path.display();
        for name in ["super::", "session::"]
            .iter()
            .flat_map(|beginning| names_after(code, beginning))
        {
            let is_sibling = modules.iter().any(|module| module == name);
            let is_shared = name == own || SHARED.contains(&name);
            assert!(!is_sibling || is_shared, "{shown} imports session::{name}");
        }
        let words = code.split(|c: char| !c.is_alphanumeric() && c != '_');
        let calls_back = words.into_iter().any(|word| word == "Session");
        assert!(!calls_back, "{shown} knows the session");
    }
}
