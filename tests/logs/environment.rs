//! The environment variables. The library reads them once, so each test starts processes
//! of its own.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::{env, fs};

use serde_json::json;

use super::cc::{compile_in, compiler, links, root, succeeds};
use super::listening::*;
use super::scripted_server::ScriptedServer;
use super::test_client::*;
use directus_realtime::ffi::*;

const VARIABLE: &str = "DRT_LOG";

/// One of the programs below. They are ignored tests of this executable.
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
#[ignore = "run as a process by the tests in this file"]
fn program_without_a_log_function() {
    let strict = |server: &ScriptedServer| {
        let options = Options::new(&server.url())
            .token("str1ct-s3cret")
            .with(fast);
        options.with(|o| o.auth_mode = DRT_AUTH_STRICT).open()
    };
    let server = ScriptedServer::new();
    let client = strict(&server);
    client.start();
    server.handshake().refuse("502 Bad Gateway");
    let mut link = server.handshake().upgrade();
    link.send(&json!({"type": "from-the-future", "data": "s3cret"}));
    eventually("the link", || client.state() == DRT_STATE_CONNECTED);
    link.hang_up();
    client.wait_for_report(DRT_STATE_BACKOFF);
    assert_eq!(client.close(), DRT_OK);
    let server = ScriptedServer::new();
    let client = strict(&server);
    client.start();
    server.handshake().refuse("401 Unauthorized");
    client.wait_for_report(DRT_STATE_FAILED);
    assert_eq!(client.close(), DRT_OK);
    let server = ScriptedServer::new();
    let client = Options::new(&server.url())
        .text("email", "me@example.com")
        .text("password", "p4ss-s3cret")
        .with(fast)
        .open();
    client.start();
    server.ready();
    assert_eq!(client.close(), DRT_OK);
}

#[test]
#[ignore = "run as a process by the tests in this file"]
fn program_with_a_log_function_for_a_while() {
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
#[ignore = "run as a process by the tests in this file"]
fn program_that_needs_root_certificates() {
    let (status, message) = Options::new("https://localhost")
        .token("t")
        .try_open()
        .err()
        .unwrap();
    assert_eq!(status, DRT_ERR_TLS);
    eprintln!("{message}");
}

#[test]
fn an_environment_variable_without_usable_root_certificates_is_named_in_the_error() {
    for (variable, other) in [
        ("SSL_CERT_FILE", "SSL_CERT_DIR"),
        ("SSL_CERT_DIR", "SSL_CERT_FILE"),
    ] {
        let mut program = program("program_that_needs_root_certificates");
        program.env(variable, "/no/such").env_remove(other);
        let output = stderr(&mut program);
        assert!(
            output.contains(&format!("{variable}=/no/such in the environment")),
            "{output}"
        );
        assert!(
            output.contains("No such file") && output.contains("unset"),
            "{output}"
        );
        assert!(!output.contains(other), "{output}");
    }
}

#[test]
#[ignore = "run as a process by the tests in this file"]
fn program_with_and_without_a_proxy() {
    for url in ["ws://127.0.0.1:1", "ws://localhost", "wss://far.example"] {
        drop(Options::new(url).token("t").open());
    }
    let by_option = Options::new("wss://near.example").text("proxy", "http://squid.example:1");
    drop(by_option.token("t").open());
}

#[test]
fn i9_unused_proxy_variables_are_logged_by_name_without_their_values() {
    let mut program = program("program_with_and_without_a_proxy");
    program.env(VARIABLE, "info");
    for name in ["HTTP_PROXY", "http_proxy", "https_proxy", "all_proxy"] {
        program.env_remove(name);
    }
    let output = stderr(program.env("HTTPS_PROXY", "").env("ALL_PROXY", ""));
    assert!(!output.contains("proxy"), "{output}");
    let of_squid = "http://me:s3cret@squid.example:3128";
    let output = stderr(program.env("HTTPS_PROXY", of_squid).env("ALL_PROXY", "x"));
    assert_eq!(output.matches("proxy variables").count(), 1, "{output}");
    let text = "INFO directus-realtime client: proxy variables are set and are not used \
                (HTTPS_PROXY, ALL_PROXY)";
    assert!(output.contains(text), "{output}");
    assert!(!output.contains("squid"), "{output}");
}

#[test]
#[ignore = "run as a process by the tests in this file"]
fn program_with_the_proxy_of_the_environment() {
    let server = ScriptedServer::new();
    // SAFETY: this process has no other thread yet that reads the environment.
    unsafe {
        let proxy = format!("http://me:pr0xy-s3cret@127.0.0.1:{}", server.port);
        env::set_var("ALL_PROXY", proxy);
    }
    let options = |url: &str| Options::new(url).token("t").text("proxy", "env").with(fast);
    drop(options("ws://near.example:8055,ws://other.example:8056").open());
    let client = options("wss://directus.example").open();
    client.start();
    let handshake = server.handshake();
    let connect = "CONNECT directus.example:443 HTTP/1.1\r\n";
    assert!(handshake.head.starts_with(connect), "{}", handshake.head);
    assert_eq!(handshake.header("Proxy-Authorization").len(), 1);
    // The variables are read once, when the client is made.
    // SAFETY: as above; the library's threads do not read it.
    unsafe { env::set_var("ALL_PROXY", "ftp://me:pr0xy-s3cret@squid.example") };
    drop(handshake);
    drop(server.handshake());
    let (status, error) = options("wss://directus.example").try_open().err().unwrap();
    assert_eq!(status, DRT_ERR_INVALID_ARGUMENT);
    assert!(
        error.contains("ALL_PROXY") && !error.contains("s3cret"),
        "{error}"
    );
}

#[test]
fn i9_the_proxy_of_the_environment_is_used_and_logged_without_its_password() {
    let mut program = program("program_with_the_proxy_of_the_environment");
    program
        .env(VARIABLE, "trace")
        .env("NO_PROXY", ".example:8055");
    for name in [
        "http_proxy",
        "HTTP_PROXY",
        "https_proxy",
        "HTTPS_PROXY",
        "all_proxy",
        "no_proxy",
    ] {
        program.env_remove(name);
    }
    let output = stderr(&mut program);
    for line in [
        "ws://near.example:8055/websocket is reached without a proxy (NO_PROXY)",
        "ws://other.example:8056/websocket is reached through the proxy 127.0.0.1:",
        "wss://directus.example/websocket is reached through the proxy 127.0.0.1:",
        " (ALL_PROXY)",
    ] {
        assert!(output.contains(line), "{line}: {output}");
    }
    assert!(!output.contains("s3cret"), "{output}");
}

#[test]
fn i9_drt_log_writes_each_level_to_stderr_without_secrets() {
    let names = ["error", "warn", "info", "debug", "trace"];
    for (most, level) in names.iter().enumerate() {
        let output = run("program_without_a_log_function", Some(level));
        for line in output.lines() {
            let mut words = line.split(' ');
            let time = words.next().unwrap();
            assert!(time.len() == 24 && time.ends_with('Z'), "{line}");
            let of = words.next().unwrap();
            let allowed = names[..=most].iter().any(|name| name.to_uppercase() == of);
            assert!(allowed, "{line}");
            assert_eq!(words.next(), Some("directus-realtime"), "{line}");
        }
        let has = |text: &str| output.contains(text);
        assert!(!has("s3cret"), "{output}");
        assert!(!has("access_token="), "{output}");
        let last = names[most].to_uppercase();
        assert!(has(&format!(" {last} directus-realtime ")), "{output}");
        assert!(has("session: failed: "), "{output}");
        assert_eq!(has("session: in backoff: "), most >= 1, "{output}");
        assert_eq!(has("session: connected: "), most >= 2, "{output}");
    }
}

#[test]
fn without_drt_log_nothing_is_written_to_stderr() {
    for setting in [None, Some(""), Some("off")] {
        assert_eq!(run("program_without_a_log_function", setting), "");
    }
}

#[test]
fn an_unknown_drt_log_value_is_reported_in_one_line() {
    let output = run("program_without_a_log_function", Some("loud"));
    assert_eq!(output.lines().count(), 1, "{output}");
    assert!(output.contains(r#"DRT_LOG="loud""#), "{output}");
    assert!(
        output.contains("off, error, warn, info, debug, trace"),
        "{output}"
    );
}

#[test]
fn a_log_function_replaces_stderr_while_it_is_set() {
    let output = run("program_with_a_log_function_for_a_while", Some("trace"));
    let has = |text: &str| output.contains(text);
    assert!(
        has("before.example") && has("afterwards.example"),
        "{output}"
    );
    assert!(has("later.example"), "read once: {output}");
    assert!(!has("meanwhile.example"), "{output}");
    let output = run("program_with_a_log_function_for_a_while", None);
    assert_eq!(output, "");
}

/// Runs `program` with the variable set, and returns what it wrote.
fn stderr_of(program: &Path) -> String {
    let mut command = Command::new(program);
    command.env(VARIABLE, "trace").stdout(Stdio::null());
    String::from_utf8(succeeds(&mut command).stderr).unwrap()
}

#[test]
fn a_setuid_program_ignores_drt_log() {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("logs");
    fs::create_dir_all(&directory).unwrap();
    // A setuid program ignores LD_LIBRARY_PATH, so the path is linked in.
    let mut linker = compiler("CC", "cc");
    linker.arg(format!("-Wl,-rpath,{}", links(&directory).display()));
    let source = root().join("tests/c/unencrypted.c");
    let (program, _) = compile_in(&directory, &source, linker, "-std=c11");
    assert!(stderr_of(&program).contains("unencrypted"));
    let given_away = std::os::unix::fs::chown(&program, Some(65534), None);
    fs::set_permissions(&program, fs::Permissions::from_mode(0o4755)).unwrap();
    if given_away.is_err() {
        eprintln!("not run: only root can give a program away");
        return;
    }
    assert_eq!(stderr_of(&program), "");
}
