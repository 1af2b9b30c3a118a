//! Generates `include/directus_realtime.h` from `src/ffi/`, and fails when the checked-in
//! header differs; `make header` writes it.
//!
//! cbindgen puts all constants first, then all types, then all functions. For readers the
//! header is grouped by object instead: each source file becomes a section, in its order.
//!
//! `include/directus_realtime.cdef` is the header for languages that read declarations and have no
//! preprocessor (LuaJIT, PHP, cffi): without comments, with the constants as enumerators.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

/// (title, files in `src/ffi/`)
const SECTIONS: [(&str, &[&str]); 10] = [
    ("Results, errors, version", &["status.rs", "last_error.rs"]),
    ("Handles and callbacks", &["types.rs", "callback.rs"]),
    ("Log", &["log.rs"]),
    ("Options", &["options.rs"]),
    ("Client", &["client.rs", "close.rs", "stats.rs"]),
    ("Scopes", &["scope.rs"]),
    (
        "Events and subscriptions",
        &["events.rs", "subscription.rs"],
    ),
    ("Messages", &["request.rs"]),
    ("Live collections", &["live_rows.rs", "live.rs"]),
    ("Poll delivery", &["delivery.rs", "index.rs"]),
];

/// (struct, macro that initialises it)
const INITS: [(&str, &str); 5] = [
    ("drt_client_options", "DRT_CLIENT_OPTIONS_INIT"),
    ("drt_error_info", "DRT_ERROR_INFO_INIT"),
    ("drt_live_options", "DRT_LIVE_OPTIONS_INIT"),
    ("drt_stats", "DRT_STATS_INIT"),
    ("drt_subscription_options", "DRT_SUBSCRIPTION_OPTIONS_INIT"),
];

/// (struct, inline code that follows it and is no function of the library)
const INLINES: [(&str, &str); 1] = [(
    "drt_event",
    "
/**
 * Whether an item was created, updated or deleted, for callbacks that need nothing else. False
 * for an ERROR, and for the INIT that comes before any change and after each gap:
 *
 *     if (!drt_event_is_change(event)) return;
 */
static inline bool drt_event_is_change(const drt_event *event) {
    return event->kind == DRT_EVENT_CREATE || event->kind == DRT_EVENT_UPDATE ||
           event->kind == DRT_EVENT_DELETE;
}
",
)];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).into()
}

#[test]
fn the_checked_in_headers_match_the_source() {
    let header = header();
    assert!(header.is_ascii(), "compilers disagree about anything else");
    compare("directus_realtime.h", &header);
    compare("directus_realtime.cdef", &declarations(&header));
}

fn compare(name: &str, text: &str) {
    let path = root().join("include").join(name);
    if std::env::var_os("DRT_UPDATE_HEADER").is_some() {
        fs::write(&path, text).expect("the header can be written");
    }
    let checked_in = fs::read_to_string(&path).unwrap_or_default();
    let differs = text
        .lines()
        .zip(checked_in.lines())
        .position(|(new, old)| new != old);
    assert!(
        text == checked_in,
        "include/{name} is stale from line {} on: run `make header`",
        differs.unwrap_or(text.lines().count().min(checked_in.lines().count())) + 1
    );
}

/// The header without comments, inline functions and preprocessor: constants are enumerators.
fn declarations(header: &str) -> String {
    let mut text = String::from(
        "/* Generated from directus_realtime.h by `make header`; edits here are overwritten. */\n",
    );
    let mut code = header.to_owned();
    while let Some((before, rest)) = code.split_once("/*") {
        let (_, after) = rest.split_once("*/").expect("an end");
        code = format!("{before}{after}");
    }
    let (_, code) = code
        .split_once("extern \"C\" {\n#endif\n")
        .expect("a begin");
    let (code, _) = code.split_once("#ifdef __cplusplus").expect("an end");
    let mut constants = Vec::new();
    let flush = |text: &mut String, constants: &mut Vec<String>| {
        if !constants.is_empty() {
            let _ = writeln!(text, "\nenum {{\n    {}\n}};", constants.join(",\n    "));
            constants.clear();
        }
    };
    for entry in code.replace("\\\n", " ").split("\n\n").map(str::trim) {
        let is_constant = |line: &str| line.starts_with("#define ") && !line.contains('{');
        let lines = || entry.lines().map(str::trim).filter(|line| !line.is_empty());
        constants.extend(lines().filter(|line| is_constant(line)).map(|line| {
            let (name, value) = line["#define ".len()..].split_once(' ').expect("a value");
            format!("{name} = {}", value.trim_matches(['(', ')']))
        }));
        if entry.is_empty() || lines().all(|line| line.starts_with('#')) {
            continue;
        }
        flush(&mut text, &mut constants);
        if !entry.starts_with("static inline") {
            let kept: Vec<&str> = entry.lines().filter(|l| !l.trim().is_empty()).collect();
            let _ = writeln!(text, "\n{}", kept.join("\n"));
        }
    }
    flush(&mut text, &mut constants);
    text
}

fn header() -> String {
    let config = cbindgen::Config::from_file(root().join("cbindgen.toml")).expect("a config");
    let guard = config.include_guard.as_deref().expect("a guard");
    let prelude = config.header.as_deref().expect("a header").trim();
    let mut text = format!("{prelude}\n\n#ifndef {guard}\n#define {guard}\n\n");
    for include in &config.sys_includes {
        let _ = writeln!(text, "#include <{include}>");
    }
    text.push_str("\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n");
    for (title, files) in SECTIONS {
        let _ = write!(
            text,
            "\n/* ---- {title} {} */\n",
            "-".repeat(86 - title.len())
        );
        for file in files {
            text.push_str(&section(&config, file));
        }
    }
    let _ = write!(
        text,
        "\n#ifdef __cplusplus\n}}\n#endif\n\n#endif /* {guard} */\n"
    );
    text
}

/// The declarations of one file, in the order of its source.
fn section(config: &cbindgen::Config, file: &str) -> String {
    let path = root().join("src/ffi").join(file);
    let source = fs::read_to_string(&path).expect("a source file");
    let mut config = config.clone();
    (config.header, config.include_guard) = (None, None);
    config.sys_includes.clear();
    let bindings = cbindgen::Builder::new()
        .with_config(config)
        .with_src(&path)
        .generate();
    let mut raw = Vec::new();
    bindings.expect("bindings").write(&mut raw);
    let raw = String::from_utf8(raw).expect("text");
    let mut entries: Vec<(usize, &str)> = raw
        .split("\n\n")
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .map(|entry| (place(&source, name(entry)), entry))
        .collect();
    entries.sort_unstable();
    let mut text = String::new();
    let mut after_constant = false;
    for (_, entry) in entries {
        let constant = entry.contains("#define ");
        if !(constant && after_constant) {
            text.push('\n');
        }
        after_constant = constant;
        text.push_str(&polish(entry));
        text.push('\n');
        if let Some((_, inline)) = INLINES.iter().find(|(name_, _)| *name_ == name(entry)) {
            text.push_str(inline);
        }
        if let Some((_, init)) = INITS.iter().find(|(name_, _)| *name_ == name(entry)) {
            text.push_str(&initialiser(entry, init));
        }
    }
    text
}

/// The declaration without its comment.
fn declaration(entry: &str) -> &str {
    match entry.strip_prefix("/**") {
        Some(commented) => commented.split_once("*/").expect("an end").1.trim_start(),
        None => entry,
    }
}

/// The name that a declaration declares.
fn name(entry: &str) -> &str {
    let declaration = declaration(entry);
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if let Some(define) = declaration.strip_prefix("#define ") {
        return define.split(' ').next().expect("a name");
    }
    let names = || {
        declaration
            .split(|c| !is_name(c))
            .filter(|word| !word.is_empty())
    };
    if declaration.contains("(*") || !declaration.starts_with("typedef") {
        let found = |word: &&str| word.starts_with("drt_") && called(declaration, word);
        return names().find(found).expect("a name");
    }
    names().next_back().expect("a name")
}

/// Whether a name is followed by a list of parameters.
fn called(declaration: &str, word: &str) -> bool {
    declaration.contains(&format!("{word}(")) || declaration.contains(&format!("(*{word})"))
}

/// The position of its definition in the source.
fn place(source: &str, name: &str) -> usize {
    [
        format!("pub const {name}:"),
        format!("pub type {name} ="),
        format!("pub struct {name} {{"),
        format!("extern \"C\" fn {name}("),
    ]
    .iter()
    .find_map(|definition| source.find(definition))
    .unwrap_or_else(|| panic!("{name} is nowhere in the source"))
}

/// Puts short comments on one line and negative values in parentheses, and omits `struct`
/// before a name that is a typedef.
fn polish(entry: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in entry.lines() {
        if line.trim() == "*/" && lines.len() >= 2 && lines[lines.len() - 2].trim() == "/**" {
            let text = lines.pop().expect("two lines");
            let open = lines.pop().expect("two lines");
            let words = text.trim().trim_start_matches('*').trim();
            lines.push(format!("{} {words} */", open.trim_end()));
        } else if let Some((define, value)) = line.split_once(" -") {
            match define.strip_prefix("#define ") {
                Some(name) => lines.push(format!("#define {name} (-{value})")),
                None => lines.push(line.into()),
            }
        } else if line.starts_with("typedef struct") {
            lines.push(line.into());
        } else {
            lines.push(line.replace("struct drt_", "drt_"));
        }
    }
    lines.join("\n")
}

/// The macro that initialises every member of a struct.
fn initialiser(entry: &str, name: &str) -> String {
    let members = declaration(entry)
        .lines()
        .map(str::trim)
        .filter(|line| line.ends_with(';'));
    let values = members.filter(|line| !line.starts_with('}') && !line.starts_with('*'));
    let values: Vec<&str> = values
        .skip(1)
        .map(|member| match member {
            pointer if pointer.contains('*') => "NULL",
            truth if truth.starts_with("bool ") => "false",
            _ => "0",
        })
        .collect();
    let what = self::name(entry);
    let mut text = format!("\n/** Initialises a {what}. */\n#define {name} \\\n    {{ \\\n");
    let _ = writeln!(text, "        sizeof({what}), \\");
    for row in values.chunks(8) {
        let end = if row.as_ptr_range().end == values.as_ptr_range().end {
            ""
        } else {
            ","
        };
        let _ = writeln!(text, "        {}{end} \\", row.join(", "));
    }
    text.push_str("    }\n");
    text
}
