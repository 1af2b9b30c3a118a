//! Runs the programs of `tests/cpp/`, and compiles the C++ header with every compiler.

use std::path::Path;
use std::process::Command;

use super::support::server::{ADMIN, Server};
use super::{WARNINGS, compile, compiler, find, is_installed, library, links, root};
use super::{run_refused, run_with, scratch, succeeds};

/// The programs that are written in C++17.
const PROGRAMS: [&str; 6] = [
    "live.cpp",
    "ends.cpp",
    "errors.cpp",
    "exceptions.cpp",
    "surface.cpp",
    "drain.cpp",
];

fn arguments(_: &Path) -> Vec<String> {
    vec![Server::shared().url.clone(), ADMIN.into()]
}

fn run_on_a_server(source: &str) {
    run_with(source, "--leak-check=full", arguments);
}

#[test]
fn the_cpp_wrapper_works_on_a_real_server() {
    run_on_a_server("live.cpp");
}

#[test]
fn i4_in_cpp_an_ended_registration_runs_no_more_callbacks() {
    run_on_a_server("ends.cpp");
}

#[test]
fn an_error_in_cpp_names_the_argument_and_has_the_servers_error() {
    run_refused("errors.cpp");
}

#[test]
fn cpp_exceptions_never_cross_the_c_abi() {
    run_on_a_server("exceptions.cpp");
}

#[test]
fn the_cpp_wrapper_accepts_and_returns_the_applications_types() {
    run_on_a_server("surface.cpp");
}

#[test]
fn drained_events_in_cpp_identify_their_subscription() {
    run_on_a_server("drain.cpp");
}

#[test]
fn the_cpp_wrapper_works_with_cpp20_designated_initialisers_and_jthread() {
    let (program, libraries) = compile("cpp20.cpp", compiler("CXX", "c++"), "-std=c++20");
    succeeds(
        Command::new(program)
            .args(arguments(&libraries))
            .env("LD_LIBRARY_PATH", &libraries),
    );
}

#[test]
fn the_cpp_header_works_in_several_units_and_libraries_of_one_program() {
    let directory = scratch("units");
    let libraries = links(&directory);
    let build = |flags: &[&str], sources: &[&str], output: &Path| {
        let mut command = compiler("CXX", "c++");
        let sources = sources.iter().map(|name| find("units").join(name));
        command.args(WARNINGS).args(["-std=c++17", "-pthread"]);
        command.arg("-I").arg(root().join("include")).args(flags);
        command.args(sources).arg("-o").arg(output);
        command.arg("-L").arg(&libraries);
        command
    };
    let library = libraries.join("libunits.so");
    let hidden = ["-shared", "-fPIC", "-fvisibility=hidden"];
    succeeds(&mut build(&hidden, &["library.cpp"], &library));
    let program = directory.join("program");
    let mut linked = build(&[], &["main.cpp", "other.cpp"], &program);
    succeeds(linked.args(["-lunits", "-ldirectus_realtime"]));
    succeeds(Command::new(program).env("LD_LIBRARY_PATH", &libraries));
}

#[test]
fn i8_the_cpp_wrapper_passes_the_address_and_undefined_sanitizers() {
    let directory = scratch("sanitized");
    let libraries = links(&directory);
    for source in ["ends.cpp", "exceptions.cpp"] {
        let program = directory.join(source.trim_end_matches(".cpp"));
        succeeds(
            compiler("CXX", "c++")
                .args(WARNINGS)
                .args(["-std=c++17", "-g", "-O1", "-pthread"])
                .args(["-fsanitize=address,undefined", "-fno-sanitize-recover=all"])
                .arg("-I")
                .arg(root().join("include"))
                .arg(find(source))
                .arg(library())
                .arg("-o")
                .arg(&program),
        );
        succeeds(
            Command::new(&program)
                .args(arguments(&libraries))
                .env("LD_LIBRARY_PATH", &libraries),
        );
    }
}

/// A compiler command that only checks a program.
fn check_syntax(mut compiler: Command, standard: &str, source: &Path) -> Command {
    compiler.args(WARNINGS).args([standard, "-fsyntax-only"]);
    compiler.arg("-I").arg(root().join("include")).arg(source);
    compiler
}

#[test]
fn the_cpp_header_compiles_without_warnings_with_every_standard_and_compiler() {
    assert!(
        is_installed("clang++"),
        "clang++ is not installed, with which the C++ header has to be tested: run `tests/deps.sh tests`"
    );
    for compiler in ["c++", "clang++"] {
        for standard in ["-std=c++17", "-std=c++20"] {
            for source in PROGRAMS {
                let source = find(source);
                succeeds(&mut check_syntax(Command::new(compiler), standard, &source));
            }
        }
        let source = find("cpp20.cpp");
        succeeds(&mut check_syntax(
            Command::new(compiler),
            "-std=c++20",
            &source,
        ));
    }
}

#[test]
fn the_cpp_header_names_its_requirements_where_they_are_missing() {
    for (flags, wanted) in [
        (["-std=c++14", "-w"], "needs C++17 or newer"),
        (["-std=c++17", "-fno-exceptions"], "needs exceptions"),
    ] {
        let source = find("units/other.cpp");
        let mut command = check_syntax(compiler("CXX", "c++"), flags[0], &source);
        let output = command.arg(flags[1]).output().expect("a compiler");
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(
            !output.status.success() && complaint.contains(wanted),
            "{complaint}"
        );
    }
}
