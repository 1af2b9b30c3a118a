//! Gives the shared library the soname that `docs` and packagers rely on.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let target_os = std::env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    // cargo-c passes a soname of its own, from the same version.
    if target_os == "linux" && std::env::var_os("CARGO_C_BUILD").is_none() {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libdirectus_realtime.so.0");
    }
}
