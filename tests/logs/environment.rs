//! The environment: read once for a process, so each test has processes of its own.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::{env, fs};

use serde_json::json;

use super::cc::{compile_in, compiler, links, root, succeeds};
use super::listening::*;
use super::peer::Peer;
use super::sut::*;
use directus_realtime::ffi::*;

const VARIABLE: &str = "DRT_LOG";

/// One of the programs below, which are tests that nothing else runs.
fn program(name: &str) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--ignored", "--exact", "--nocapture"]);
    command.arg(format!("environment::{name}"));
    command.env_remove(VARIABLE);
    command
}

fn stderr(program: &mut Command) -> String {
    let Output { stdout, stderr, .. } = succeeds(program);
    let stdout = String::from_utf8(stdout).unwrap();
    assert!(stdout.contains("1 passed"), "{stdout}");
    String::from_utf8(stderr).unwrap()
}

fn run(name: &str, setting: Option<&str>) -> String {
    let mut program = program(name);
    if let Some(setting) = setting {
        program.env(VARIABLE, setting);
    }
    stderr(&mut program)
}

#[test]
#[ignore = "a program of the tests in this file"]
fn a_program_without_a_log_function() {
    let strict = |peer: &Peer| {
        let options = Options::new(&peer.url()).token("str1ct-s3cret").with(fast);
        options.with(|o| o.auth_mode = DRT_AUTH_STRICT).open()
    };
    let peer = Peer::new();
    let client = strict(&peer);
    client.start();
    peer.caller().refuse("502 Bad Gateway");
    let mut link = peer.caller().upgrade();
    link.send(&json!({"type": "from-the-future", "data": "s3cret"}));
    eventually("the link", || client.state() == DRT_STATE_CONNECTED);
    link.hang_up();
    client.told(DRT_STATE_BACKOFF);
    assert_eq!(client.close(), DRT_OK);
    let peer = Peer::new();
    let client = strict(&peer);
    client.start();
    peer.caller().refuse("401 Unauthorized");
    client.told(DRT_STATE_FAILED);
    assert_eq!(client.close(), DRT_OK);
    let peer = Peer::new();
    let client = Options::new(&peer.url())
        .text("email", "me@example.com")
        .text("password", "p4ss-s3cret")
        .with(fast)
        .open();
    client.start();
    peer.ready();
    assert_eq!(client.close(), DRT_OK);
}

#[test]
#[ignore = "a program of the tests in this file"]
fn a_program_with_a_log_function_for_a_while() {
    let say = |token: &str| {
        let url = format!("ws://{token}.example/");
        drop(Options::new(&url).token("t").open());
    };
    say("before");
    let lines = listen(DRT_LOG_WARN);
    say("meanwhile");
    assert_eq!(lines.len(), 1, "{:?}", lines.all());
    assert_eq!(set(DRT_LOG_OFF, None, std::ptr::null_mut(), None), DRT_OK);
    say("afterwards");
    // SAFETY: no other thread of this program reads the environment.
    unsafe { env::set_var(VARIABLE, "off") };
    say("later");
}

#[test]
#[ignore = "a program of the tests in this file"]
fn a_program_that_needs_root_certificates() {
    let (status, message) = Options::new("https://localhost")
        .token("t")
        .try_open()
        .err()
        .unwrap();
    assert_eq!(status, DRT_ERR_TLS);
    eprintln!("{message}");
}

#[test]
fn a_variable_that_leads_to_no_root_certificates_is_named() {
    for (variable, other) in [
        ("SSL_CERT_FILE", "SSL_CERT_DIR"),
        ("SSL_CERT_DIR", "SSL_CERT_FILE"),
    ] {
        let mut program = program("a_program_that_needs_root_certificates");
        program.env(variable, "/no/such").env_remove(other);
        let told = stderr(&mut program);
        assert!(
            told.contains(&format!("{variable}=/no/such in the environment")),
            "{told}"
        );
        assert!(
            told.contains("No such file") && told.contains("unset"),
            "{told}"
        );
        assert!(!told.contains(other), "{told}");
    }
}

#[test]
#[ignore = "a program of the tests in this file"]
fn a_program_with_and_without_a_proxy() {
    for url in ["ws://127.0.0.1:1", "ws://localhost", "wss://far.example"] {
        drop(Options::new(url).token("t").open());
    }
    let by_option = Options::new("wss://near.example").text("proxy", "http://squid.example:1");
    drop(by_option.token("t").open());
}

#[test]
fn proxy_variables_that_are_not_used_are_a_line_without_what_they_hold() {
    let mut program = program("a_program_with_and_without_a_proxy");
    program.env(VARIABLE, "info");
    for name in ["HTTP_PROXY", "http_proxy", "https_proxy", "all_proxy"] {
        program.env_remove(name);
    }
    let told = stderr(program.env("HTTPS_PROXY", "").env("ALL_PROXY", ""));
    assert!(!told.contains("proxy"), "{told}");
    let of_squid = "http://me:s3cret@squid.example:3128";
    let told = stderr(program.env("HTTPS_PROXY", of_squid).env("ALL_PROXY", "x"));
    assert_eq!(told.matches("proxy variables").count(), 1, "{told}");
    let text = "INFO directus-realtime client: proxy variables are set and are not used \
                (HTTPS_PROXY, ALL_PROXY)";
    assert!(told.contains(text), "{told}");
    assert!(!told.contains("squid"), "{told}");
}

#[test]
fn each_level_is_written_to_standard_error_and_no_secret() {
    let names = ["error", "warn", "info", "debug", "trace"];
    for (most, level) in names.iter().enumerate() {
        let told = run("a_program_without_a_log_function", Some(level));
        for line in told.lines() {
            let mut words = line.split(' ');
            let time = words.next().unwrap();
            assert!(time.len() == 24 && time.ends_with('Z'), "{line}");
            let of = words.next().unwrap();
            let allowed = names[..=most].iter().any(|name| name.to_uppercase() == of);
            assert!(allowed, "{line}");
            assert_eq!(words.next(), Some("directus-realtime"), "{line}");
        }
        let has = |text: &str| told.contains(text);
        assert!(!has("s3cret"), "{told}");
        assert!(!has("access_token="), "{told}");
        let last = names[most].to_uppercase();
        assert!(has(&format!(" {last} directus-realtime ")), "{told}");
        assert!(has("session: Failed: "), "{told}");
        assert_eq!(has("session: Backoff: "), most >= 1, "{told}");
        assert_eq!(has("session: Connected: "), most >= 2, "{told}");
    }
}

#[test]
fn nothing_is_written_without_the_variable_or_when_it_is_empty_or_off() {
    for setting in [None, Some(""), Some("off")] {
        assert_eq!(run("a_program_without_a_log_function", setting), "");
    }
}

#[test]
fn an_unknown_value_is_one_line_that_says_what_is_allowed() {
    let told = run("a_program_without_a_log_function", Some("loud"));
    assert_eq!(told.lines().count(), 1, "{told}");
    assert!(told.contains(r#"DRT_LOG="loud""#), "{told}");
    assert!(
        told.contains("off, error, warn, info, debug, trace"),
        "{told}"
    );
}

#[test]
fn a_log_function_takes_the_place_of_standard_error_while_it_is_set() {
    let told = run("a_program_with_a_log_function_for_a_while", Some("trace"));
    let has = |text: &str| told.contains(text);
    assert!(has("before.example") && has("afterwards.example"), "{told}");
    assert!(has("later.example"), "read once: {told}");
    assert!(!has("meanwhile.example"), "{told}");
    let told = run("a_program_with_a_log_function_for_a_while", None);
    assert_eq!(told, "");
}

/// Runs `program` with the variable set, and returns what it wrote.
fn stderr_of(program: &Path) -> String {
    let mut command = Command::new(program);
    command.env(VARIABLE, "trace").stdout(Stdio::null());
    String::from_utf8(succeeds(&mut command).stderr).unwrap()
}

#[test]
fn a_setuid_program_ignores_the_variable() {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("logs");
    fs::create_dir_all(&directory).unwrap();
    // A setuid program looks for libraries nowhere but where it was told to when it
    // was linked.
    let mut linker = compiler("CC", "cc");
    linker.arg(format!("-Wl,-rpath,{}", links(&directory).display()));
    let source = root().join("tests/c/unencrypted.c");
    let (program, _) = compile_in(&directory, &source, linker, "-std=c11");
    assert!(stderr_of(&program).contains("unencrypted"));
    let nobody = std::os::unix::fs::chown(&program, Some(65534), None);
    fs::set_permissions(&program, fs::Permissions::from_mode(0o4755)).unwrap();
    if nobody.is_err() {
        eprintln!("not run: only root can give a program away");
        return;
    }
    assert_eq!(stderr_of(&program), "");
}
