//! The library as users get it: the release build, and programs linked with it as the
//! README says.

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use support::cc::{release, root, succeeds};

const LARGEST: u64 = 4 << 20;

fn printed(program: &str, options: &[&str], file: &Path) -> String {
    let output = succeeds(Command::new(program).args(options).arg(file));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn shared() -> PathBuf {
    release().join("libdirectus_realtime.so")
}

fn scratch(name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("artefact")
        .join(name);
    fs::create_dir_all(&directory).expect("a directory");
    directory
}

#[test]
fn the_library_needs_no_shared_library_missing_from_slim_images() {
    let dynamic = printed("readelf", &["-d"], &shared());
    let needed: Vec<&str> = dynamic
        .lines()
        .filter(|line| line.contains("(NEEDED)"))
        .collect();
    assert!(!needed.is_empty(), "{dynamic}");
    // All slim images have glibc, but not libgcc_s.so.1.
    for line in needed {
        let of_glibc = ["libc.so", "libm.so", "ld-linux"];
        assert!(of_glibc.iter().any(|name| line.contains(name)), "{line}");
    }
}

#[test]
fn only_the_headers_functions_are_exported() {
    let header = fs::read_to_string(root().join("include/directus_realtime.h")).expect("a header");
    let listed = printed("nm", &["-D", "--defined-only"], &shared());
    let exported: Vec<&str> = listed
        .lines()
        .filter_map(|line| line.split_whitespace().nth(2))
        .collect();
    assert!(exported.len() > 30, "{exported:?}");
    for name in exported {
        assert!(name.starts_with("drt_"), "{name}");
        assert!(
            header.contains(&format!("{name}(")),
            "{name} is not in the header"
        );
    }
}

#[test]
fn the_soname_has_the_major_version_and_only_system_libraries_are_needed() {
    let dynamic = printed("readelf", &["-dW"], &shared());
    assert!(
        dynamic.contains("soname: [libdirectus_realtime.so.0]"),
        "{dynamic}"
    );
    let needed: Vec<&str> = dynamic
        .lines()
        .filter(|line| line.contains("(NEEDED)"))
        .filter_map(|line| line.split('[').nth(1)?.split(']').next())
        .collect();
    let own = [
        "libc.so",
        "libm.so",
        "libgcc_s.so",
        "libdl.so",
        "libpthread.so",
        "librt.so",
        "ld-linux",
    ];
    for name in &needed {
        assert!(own.iter().any(|prefix| name.starts_with(prefix)), "{name}");
    }
    for unwanted in ["(RPATH)", "(RUNPATH)", "TEXTREL"] {
        assert!(!dynamic.contains(unwanted), "{dynamic}");
    }
}

#[test]
fn no_segment_of_the_library_is_writable_and_executable() {
    let headers = printed("readelf", &["-lW"], &shared());
    assert!(
        headers.contains("GNU_STACK") && headers.contains("GNU_RELRO"),
        "{headers}"
    );
    assert!(!headers.contains("RWE"), "{headers}");
}

#[test]
fn the_stripped_library_is_smaller_than_four_mebibytes() {
    let stripped = scratch("stripped").join("libdirectus_realtime.so");
    let strip = &mut Command::new("strip");
    succeeds(
        strip
            .arg("--strip-unneeded")
            .arg("-o")
            .arg(&stripped)
            .arg(shared()),
    );
    let bytes = fs::metadata(&stripped).expect("a file").len();
    assert!(bytes < LARGEST, "{bytes} bytes");
    assert!(bytes > LARGEST / 16, "implausibly small: {bytes} bytes");
}

/// The README's commands that link a program.
fn command_lines() -> Vec<String> {
    let readme = fs::read_to_string(root().join("README.md")).expect("a README");
    let lines: Vec<String> = readme
        .lines()
        .filter(|line| line.starts_with("cc program.c -Iinclude "))
        .map(str::to_owned)
        .collect();
    assert_eq!(lines.len(), 2, "one for each kind of library: {lines:?}");
    lines
}

fn link(line: &str, source: &str, name: &str) -> PathBuf {
    let program = scratch(name).join("program");
    let line = line.replace("program.c", source);
    let line = format!("{line} -pthread -o {}", program.display());
    release();
    succeeds(Command::new("sh").args(["-c", &line]).current_dir(root()));
    program
}

#[test]
fn a_program_linked_with_the_shared_library_by_the_readmes_command_runs() {
    let lines = command_lines();
    let line = lines
        .iter()
        .find(|line| line.contains("-ldirectus_realtime"));
    let program = link(line.expect("a line"), "tests/c/poll.c", "shared");
    succeeds(Command::new(&program).env_remove("LD_LIBRARY_PATH"));
    let needed = printed("readelf", &["-dW"], &program);
    assert!(needed.contains("[libdirectus_realtime.so.0]"), "{needed}");
}

#[test]
fn a_program_linked_with_the_static_library_by_the_readmes_command_runs_alone() {
    let lines = command_lines();
    let line = lines
        .iter()
        .find(|line| line.contains("libdirectus_realtime.a"));
    let program = link(line.expect("a line"), "tests/c/poll.c", "static");
    let needed = printed("readelf", &["-dW"], &program);
    assert!(!needed.contains("directus"), "{needed}");
    succeeds(Command::new(&program).env_remove("LD_LIBRARY_PATH"));
}

#[test]
fn the_readmes_first_program_compiles_without_warnings() {
    let readme = fs::read_to_string(root().join("README.md")).expect("a README");
    let (_, rest) = readme.split_once("```c\n").expect("a program in C");
    let (program, _) = rest.split_once("```").expect("its end");
    let directory = scratch("readme");
    let source = directory.join("program.c");
    fs::write(&source, program).expect("a file");
    let compiler = &mut Command::new(env::var_os("CC").unwrap_or_else(|| "cc".into()));
    let compiler = compiler.args([
        "-std=c11",
        "-Wall",
        "-Wextra",
        "-Wpedantic",
        "-Werror",
        "-c",
    ]);
    let compiler = compiler.arg("-I").arg(root().join("include"));
    succeeds(
        compiler
            .arg(&source)
            .arg("-o")
            .arg(directory.join("program.o")),
    );
}
