//! Compiles the programs of `tests/c/` and `tests/cpp/` against the shared library and
//! runs them, with valgrind as well where it is installed.

#[path = "cpp/harness.rs"]
mod cpp;
#[path = "support/mod.rs"]
mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, thread};

use serde_json::json;
use support::cc::{WARNINGS, compile_in, compiler, library, links, root, succeeds};
use support::log::WAIT_TIMEOUT;
use support::scripted_server::ScriptedServer;
use support::server::{ADMIN, Server};
use support::tls::{Ending, TlsFront};

fn scratch(name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("c").join(name);
    fs::create_dir_all(&directory).expect("a directory");
    directory
}

fn is_installed(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok()
}

/// The path of a program's source.
fn find(source: &str) -> PathBuf {
    let places = ["tests/c", "tests/cpp"].map(|place| root().join(place).join(source));
    let there = places.into_iter().find(|place| place.exists());
    there.unwrap_or_else(|| panic!("there is no program {source}"))
}

/// Compiles a program in a directory of its own, as tests run concurrently.
fn compile(source: &str, compiler: Command, standard: &str) -> (PathBuf, PathBuf) {
    compile_in(&scratch(source), &find(source), compiler, standard)
}

fn run(source: &str) {
    run_with(source, "--leak-check=full", |_| Vec::new());
}

/// Compiles and runs a program, without valgrind.
fn run_bare(source: &str, arguments: impl Fn(&Path) -> Vec<String>) -> (PathBuf, PathBuf) {
    let (program, libraries) = if source.ends_with(".cpp") {
        compile(source, compiler("CXX", "c++"), "-std=c++17")
    } else {
        compile(source, compiler("CC", "cc"), "-std=c11")
    };
    let run = &mut Command::new(&program);
    succeeds(
        run.args(arguments(&libraries))
            .env("LD_LIBRARY_PATH", &libraries),
    );
    (program, libraries)
}

/// Runs a program with arguments, which may depend on the directory of the library.
fn run_with(source: &str, leak_check: &str, arguments: impl Fn(&Path) -> Vec<String>) {
    let (program, libraries) = run_bare(source, &arguments);
    let arguments = arguments(&libraries);
    if !is_installed("valgrind") {
        eprintln!("valgrind is not installed: {source} was run without it");
        return;
    }
    succeeds(
        Command::new("valgrind")
            .args(["--quiet", "--error-exitcode=99", leak_check])
            // Otherwise a busy thread keeps all others from running for minutes.
            .arg("--fair-sched=yes")
            .args([
                "--errors-for-leak-kinds=definite",
                "--show-leak-kinds=definite",
            ])
            .arg(&program)
            .args(&arguments)
            .env("LD_LIBRARY_PATH", &libraries),
    );
}

#[test]
fn the_header_compiles_without_warnings_as_c99_and_cpp17() {
    let (c, libraries) = compile("init_macros.c", compiler("CC", "cc"), "-std=c99");
    succeeds(Command::new(c).env("LD_LIBRARY_PATH", &libraries));
    let (cpp, libraries) = compile("init_macros.cpp", compiler("CXX", "c++"), "-std=c++17");
    succeeds(Command::new(cpp).env("LD_LIBRARY_PATH", &libraries));
    if is_installed("clang") {
        compile("init_macros.c", Command::new("clang"), "-std=c99");
    }
}

#[test]
fn the_headers_compile_after_the_macros_of_qt_x11_and_windows() {
    let (c, libraries) = compile("behind_macros.c", compiler("CC", "cc"), "-std=c99");
    succeeds(Command::new(c).env("LD_LIBRARY_PATH", &libraries));
    let (cpp, libraries) = compile("behind_macros.cpp", compiler("CXX", "c++"), "-std=c++17");
    succeeds(Command::new(cpp).env("LD_LIBRARY_PATH", &libraries));
    if is_installed("clang") {
        compile("behind_macros.c", Command::new("clang"), "-std=c99");
        compile("behind_macros.cpp", Command::new("clang++"), "-std=c++17");
    }
}

#[test]
fn struct_layouts_match_the_published_abi() {
    compile("layout.c", compiler("CC", "cc"), "-std=c11");
}

#[test]
fn i8_misuse_returns_an_error_code_and_a_message() {
    run("misuse.c");
}

/// Runs a program with the URL of a server that refuses every subscription, and every request of a
/// type other than `silent`.
fn run_refused(source: &str) {
    let server = ScriptedServer::new();
    let url = server.url();
    thread::spawn(move || {
        // The program runs once more, with valgrind.
        for _ in 0..2 {
            let mut link = server.ready();
            while let Ok(message) = link.try_next() {
                match message["type"].as_str() {
                    Some(kind @ ("items" | "subscribe")) => link.send(&json!({
                        "type": kind,
                        "status": "error",
                        "error": {"code": "FORBIDDEN", "message": "not for you"},
                        "uid": message["uid"],
                    })),
                    Some("silent") => {}
                    _ => link.answer(&message),
                }
            }
        }
    });
    run_with(source, "--leak-check=full", |_| vec![url.clone()]);
}

#[test]
fn an_error_info_names_the_argument_and_has_the_servers_error() {
    run_refused("errors.c");
}

#[test]
fn i4_every_registration_is_released_once() {
    run("releases.c");
}

#[test]
fn blocking_calls_are_refused_inside_a_callback() {
    run("callbacks.c");
}

#[test]
fn threads_are_isolated_and_none_remains_after_the_last_close() {
    run("threads.c");
}

#[test]
fn a_forked_child_gets_stale_handles_and_may_open_new_clients() {
    // In a child, the memory of the parent's threads is unreachable, as the threads are gone.
    run_with("fork.c", "--leak-check=no", |_| Vec::new());
}

#[test]
fn a_fork_does_not_disturb_the_parents_link() {
    run_with("live_fork.c", "--leak-check=no", |_| {
        vec![Server::shared().url.clone(), ADMIN.into()]
    });
}

#[test]
fn clients_share_one_thread_and_the_library_can_be_unloaded_after_the_last() {
    // What the library keeps for its next client is lost when its statics are unloaded.
    run_with("unload.c", "--leak-check=no", |libraries| {
        let library = libraries.join("libdirectus_realtime.so.0");
        let library = library.to_str().expect("a plain path").to_owned();
        vec![library, Server::shared().url.clone(), ADMIN.into()]
    });
}

/// Breaks each link once it is usable and used.
fn break_links(server: &ScriptedServer) {
    while server.has_connection_within(WAIT_TIMEOUT) {
        let mut link = server.link();
        let mut heard = 0;
        while let Some(message) = link.try_next().ok().filter(|_| heard < 3) {
            link.answer(&message);
            heard += 1;
        }
        link.hang_up();
    }
}

#[test]
fn i8_a_broken_tls_link_raises_no_signal() {
    for ending in [Ending::Reset, Ending::Killed] {
        let server = ScriptedServer::new();
        let front = TlsFront::breaking(server.port, ending);
        // The thread ends when no client connects any more.
        thread::spawn(move || break_links(&server));
        // Not with valgrind, which reports false errors in the assembly of TLS's ciphers.
        run_bare("broken_links.c", |_| {
            vec![front.url(), front.ca_file().to_owned()]
        });
    }
}

#[test]
fn the_library_leaves_signals_to_the_program() {
    // Not with valgrind, which changes the signal masks.
    run_bare("signals.c", |_| Vec::new());
}

#[test]
fn callbacks_run_with_as_much_stack_as_main() {
    // Not with valgrind, which takes large frames for another stack.
    run_bare("deep.c", |_| Vec::new());
}

#[test]
fn i8_a_failure_to_start_threads_is_reported_without_a_panic() {
    let (program, libraries) = compile("no_threads.c", compiler("CC", "cc"), "-std=c11");
    let run = &mut Command::new(&program);
    let output = succeeds(run.env("LD_LIBRARY_PATH", &libraries));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.is_empty(), "{errors}");
}

#[test]
fn a_garbage_collector_can_stop_the_callback_thread_by_signals() {
    let mut compiler = compiler("CC", "cc");
    compiler.args(["-D_DEFAULT_SOURCE", "-Wl,--no-as-needed", "-lgc"]);
    let (program, libraries) = compile("boehm.c", compiler, "-std=c11");
    succeeds(Command::new(program).env("LD_LIBRARY_PATH", &libraries));
}

#[test]
fn mono_can_collect_garbage_while_the_callback_thread_is_attached() {
    let directory = scratch("Collect.cs");
    let libraries = links(&directory);
    let program = directory.join("collect.exe");
    let out = format!("-out:{}", program.display());
    let source = root().join("tests/mono/Collect.cs");
    succeeds(Command::new("mcs").arg("-warnaserror").arg(out).arg(source));
    let run = &mut Command::new("timeout");
    run.arg("240").arg("mono").arg(program);
    succeeds(run.env("LD_LIBRARY_PATH", &libraries));
}

#[test]
fn poll_delivery_runs_callbacks_inside_dispatch_and_drain() {
    run("poll.c");
}

#[test]
fn everything_comes_as_rows_and_a_close_need_not_block() {
    run("rows.c");
}

#[test]
fn the_library_exports_exactly_what_the_header_declares() {
    let listed = succeeds(
        Command::new("nm")
            .args(["-D", "--defined-only"])
            .arg(library()),
    );
    let listed = String::from_utf8_lossy(&listed.stdout);
    let mut exported: Vec<&str> = listed
        .lines()
        .filter_map(|line| line.split_whitespace().nth(2))
        .collect();
    exported.sort_unstable();
    let header = fs::read_to_string(root().join("include/directus_realtime.h")).expect("a header");
    let mut declared: Vec<&str> = header
        .lines()
        .filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()))
        .filter(|line| !line.starts_with("typedef"))
        // Inline functions, which the library does not export.
        .filter(|line| !line.starts_with("static inline"))
        .filter_map(|line| line.split('(').next()?.rsplit([' ', '*']).next())
        .filter(|name| name.starts_with("drt_"))
        .collect();
    declared.sort_unstable();
    assert!(declared.len() > 30, "{declared:?}");
    assert_eq!(exported, declared);
    let published: Vec<&str> = include_str!("c/symbols.txt").lines().collect();
    assert!(
        published.iter().all(|name| exported.contains(name)),
        "programs that are compiled already are linked with what is not exported any more: \
         published {published:?}, exported {exported:?}"
    );
    assert_eq!(
        exported, published,
        "add what is new to tests/c/symbols.txt: from then on it is published"
    );
    let dynamic = succeeds(Command::new("readelf").arg("-d").arg(library()));
    let dynamic = String::from_utf8_lossy(&dynamic.stdout);
    assert!(dynamic.contains("[libdirectus_realtime.so.0]"), "{dynamic}");
}
