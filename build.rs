//! Gives the shared library the soname that `docs` and packagers rely on, and the
//! unwinder of libgcc.

use std::path::PathBuf;
use std::{env, fs};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let target_os = env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    // cargo-c passes a soname of its own, from the same version.
    if target_os == "linux" && env::var_os("CARGO_C_BUILD").is_none() {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libdirectus_realtime.so.0");
    }
    if env::var("CARGO_CFG_TARGET_VENDOR").as_deref() == Ok("apple")
        && env::var_os("CARGO_C_BUILD").is_none()
    {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-install_name,@rpath/libdirectus_realtime.dylib");
    }
    if target_os == "linux" && env::var("CARGO_CFG_TARGET_ENV").as_deref() == Ok("gnu") {
        link_libgcc_statically();
    }
}

/// Rust's standard library asks for `-lgcc_s`. Slim images have no libgcc_s.so.1, so the
/// linker finds a script of that name, before the real one, which names the static
/// libraries that every gcc has beside it.
fn link_libgcc_statically() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let script = out.join("libgcc_s.so");
    fs::write(&script, "INPUT(-lgcc_eh -lgcc)\n").expect("OUT_DIR can be written to");
    println!("cargo:rustc-cdylib-link-arg=-L{}", out.display());
}
