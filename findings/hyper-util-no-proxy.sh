#!/usr/bin/env bash
# hyper-util 0.1.21: `*` in NO_PROXY excepts host names, and no IP addresses.
#
# One would guess   that `NO_PROXY=*` means no proxy at all, as with curl, Python and Go.
# What happens      `Matcher` sends http://example.com/ directly, and http://192.0.2.7/ and http://[2001:db8::7]/ by the
#                   proxy. An address is excepted only where NO_PROXY has itself, or a network that it is in.
# Why               A host that parses as an address is compared with the list's addresses alone, and the star is kept
#                   among its domains (`NoProxy::contains` in src/client/proxy/matcher.rs).
# Who is affected   Programs that read the proxy from the environment by hyper-util, or by what is built on it: those that
#                   are told to use no proxy time out, or are refused, where the server is named by its address. Look
#                   for the star before asking the matcher.
# Seen              30 November 2026:
#                     NO_PROXY=*, example.com: directly
#                     NO_PROXY=*, 192.0.2.7: by the proxy
#                     NO_PROXY=*, [2001:db8::7]: by the proxy
#                     NO_PROXY=192.0.2.7, 192.0.2.7: directly
#                     NO_PROXY=192.0.2.0/24, 192.0.2.7: directly
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

cat > Cargo.toml <<'TOML'
[package]
name = "probe"
version = "0.0.0"
edition = "2021"

[dependencies]
hyper-util = { version = "=0.1.21", default-features = false, features = ["client-proxy"] }
http = "1"
TOML
mkdir src
cat > src/main.rs <<'RUST'
use hyper_util::client::proxy::matcher::Matcher;

fn main() {
    let mut changed = false;
    for (no_proxy, host, recorded) in [
        ("*", "example.com", false),
        ("*", "192.0.2.7", true),
        ("*", "[2001:db8::7]", true),
        ("192.0.2.7", "192.0.2.7", false),
        ("192.0.2.0/24", "192.0.2.7", false),
    ] {
        let matcher = Matcher::builder().http("http://proxy.example:3128").no(no_proxy).build();
        let uri: http::Uri = format!("http://{host}:8055/").parse().unwrap();
        let is_proxied = matcher.intercept(&uri).is_some();
        println!("NO_PROXY={no_proxy}, {host}: {}", if is_proxied { "by the proxy" } else { "directly" });
        if is_proxied != recorded {
            eprintln!("CHANGED: {host} with NO_PROXY={no_proxy}");
            changed = true;
        }
    }
    std::process::exit(changed.into());
}
RUST
cargo run --quiet
echo "as recorded: the star excepts names alone"
