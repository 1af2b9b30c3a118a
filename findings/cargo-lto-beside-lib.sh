#!/usr/bin/env bash
# Cargo 1.95.0: `lto = "fat"` does nothing for a C library whose package is a Rust library, too.
#
# One would guess   that a profile with `lto = "fat"` optimizes the `cdylib` of a package with
#                   `crate-type = ["lib", "cdylib"]` across its crates, as it does that of one with `["cdylib"]`.
# What happens      The compiler gets no `-C lto` at all, and nothing says so: no warning, no note. With the `lib` left out,
#                   or by `cargo rustc --crate-type cdylib`, it gets `-C lto`.
# Why               One call of the compiler makes all of a target's crate types, and a `lib` cannot be made with LTO
#                   (rustc: "lto can only be run for executables, cdylibs and static library outputs"). So Cargo leaves it
#                   out for the whole target (cargo's source, core/compiler/lto.rs).
# Who is affected   Rust libraries with a C ABI that are tested or documented as Rust, too: measure, or build what is
#                   shipped by `cargo rustc --lib --release --crate-type cdylib`.
# Seen              29 November 2026, cargo 1.95.0 (f2d3ce0bd 2026-03-21), itoa 1.0.15:
#                     lib and cdylib: -C lto 0 times
#                     cdylib alone: -C lto 1 times
#                     lib and cdylib, by cargo rustc --crate-type cdylib: -C lto 1 times
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
unset CARGO_TARGET_DIR RUSTFLAGS

package() {
    mkdir -p "$1/src"
    cat > "$1/Cargo.toml" <<TOML
[package]
name = "shown"
version = "1.0.0"
edition = "2021"

[workspace]

[lib]
crate-type = [$2]

[dependencies]
itoa = "=1.0.15"

[profile.release]
lto = "fat"
TOML
    cat > "$1/src/lib.rs" <<'RUST'
#[no_mangle]
pub extern "C" fn length(number: u64) -> usize {
    itoa::Buffer::new().format(number).len()
}
RUST
}

# How often the compiler was told to optimize across crates.
lto() {
    (cd "$1" && shift && cargo "$@" --release --verbose 2>&1 | grep -- '--crate-name shown' |
        grep -c -- ' -C lto' || true)
}

cargo --version
package both '"lib", "cdylib"'
package alone '"cdylib"'
cp -r both chosen
seen="lib and cdylib: -C lto $(lto both build) times
cdylib alone: -C lto $(lto alone build) times
lib and cdylib, by cargo rustc --crate-type cdylib: -C lto $(lto chosen rustc --lib --crate-type cdylib) times"
expected="lib and cdylib: -C lto 0 times
cdylib alone: -C lto 1 times
lib and cdylib, by cargo rustc --crate-type cdylib: -C lto 1 times"
echo "$seen"
[[ $seen == "$expected" ]] || { echo "this is not what was recorded" >&2 && exit 1; }
