//! Compiles C and C++ programs against the library that cargo has built with the tests.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::{env, fs};

pub const WARNINGS: [&str; 6] = [
    "-Wall",
    "-Wextra",
    "-Wpedantic",
    "-Wconversion",
    "-Wshadow",
    "-Werror",
];

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Cargo puts the library beside the test programs that it built with it.
pub fn library() -> PathBuf {
    let test = env::current_exe().expect("a path");
    let library = test.with_file_name("libdirectus_realtime.so");
    assert!(
        library.exists(),
        "{} is not built: run cargo build first",
        library.display()
    );
    library
}

/// A directory in which the library has the names that linkers and loaders look for.
pub fn links(directory: &Path) -> PathBuf {
    let libraries = directory.join("lib");
    fs::create_dir_all(&libraries).expect("a directory");
    for name in ["libdirectus_realtime.so", "libdirectus_realtime.so.0"] {
        let link = libraries.join(name);
        let _ = fs::remove_file(&link);
        std::os::unix::fs::symlink(library(), link).expect("a link");
    }
    libraries
}

/// The directory in which `make lib` leaves the libraries. It runs once per process.
pub fn release() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let cargo = format!("CARGO={}", env!("CARGO"));
        let target = root().join("target");
        let make = &mut Command::new("make");
        make.args(["lib", &cargo]).current_dir(root());
        succeeds(make.env("CARGO_TARGET_DIR", &target));
        target.join("release")
    })
}

pub fn succeeds(command: &mut Command) -> Output {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

pub fn compiler(variable: &str, default: &str) -> Command {
    Command::new(env::var_os(variable).unwrap_or_else(|| default.into()))
}

/// Compiles a program into a directory. Returns the program and the directory of its library.
pub fn compile_in(
    directory: &Path,
    source: &Path,
    compiler: Command,
    standard: &str,
) -> (PathBuf, PathBuf) {
    let libraries = links(directory);
    let program = compile_with(directory, source, compiler, standard, &libraries);
    (program, libraries)
}

/// Compiles a program into a directory, against the library in another one.
pub fn compile_with(
    directory: &Path,
    source: &Path,
    mut compiler: Command,
    standard: &str,
    libraries: &Path,
) -> PathBuf {
    fs::create_dir_all(directory).expect("a directory");
    let program = directory.join("program");
    succeeds(
        compiler
            .args(WARNINGS)
            .args([
                standard,
                "-g",
                "-O1",
                "-D_POSIX_C_SOURCE=200809L",
                "-pthread",
                "-o",
            ])
            .arg(&program)
            .arg("-I")
            .arg(root().join("include"))
            .arg(source)
            .arg("-L")
            .arg(libraries)
            .arg("-ldirectus_realtime"),
    );
    program
}
