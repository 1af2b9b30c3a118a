#!/usr/bin/env bash
# rustls 0.23.46 (rustls-webpki 0.103): a certificate that is itself in the root store is still refused as a server's.
#
# One would guess   that the certificate which `openssl req -x509` makes, given to a client as its only root, verifies the
#                   server that shows it: so do OpenSSL, curl and Python's `ssl`.
# What happens      rustls refuses the handshake. `openssl req -x509` marks what it makes as an authority (CA:TRUE), and
#                   an authority's certificate is never accepted as a server's, trusted or not. The same key and
#                   name with CA:FALSE is accepted. The error is no variant of `CertificateError` but
#                   `Other(OtherError(CaUsedAsEndEntity))`: it can be told from others by its text alone.
# Why               webpki checks the basic constraints of a certificate for the use it is put to before it looks for
#                   a path to a root (verify_cert.rs); OpenSSL takes a trusted self-signed certificate for the whole path.
# Who is affected   Test and in-house servers with the usual self-signed certificate: every other client connects. Make it with
#                   `-addext basicConstraints=critical,CA:FALSE`, or use an authority that issues a server's certificate.
# Seen              28 November 2026, OpenSSL 3.0.19 for comparison:
#                     CA:TRUE   OpenSSL: accepted   rustls: invalid peer certificate: Other(OtherError(CaUsedAsEndEntity))
#                     CA:FALSE  OpenSSL: accepted   rustls: accepted
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
rustls = { version = "=0.23.46", default-features = false, features = ["ring", "std"] }
rustls-webpki = { version = "=0.103.17", default-features = false, features = ["ring", "std"] }
TOML
mkdir src
cat > src/main.rs <<'RUST'
//! Client and server in one process: says what the client makes of the certificate in the folder.
use rustls::pki_types::{pem::PemObject, CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection};
use std::sync::Arc;

fn main() {
    let name = std::env::args().nth(1).unwrap();
    let certificate = CertificateDer::from_pem_file(format!("{name}.crt")).unwrap();
    let key = PrivateKeyDer::from_pem_file(format!("{name}.key")).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let mut server = ServerConnection::new(Arc::new(config)).unwrap();
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let host = ServerName::try_from("localhost").unwrap();
    let mut client = ClientConnection::new(Arc::new(config), host).unwrap();

    while client.is_handshaking() {
        let mut wire = Vec::new();
        client.write_tls(&mut wire).unwrap();
        server.read_tls(&mut wire.as_slice()).unwrap();
        server.process_new_packets().unwrap();
        let mut wire = Vec::new();
        server.write_tls(&mut wire).unwrap();
        client.read_tls(&mut wire.as_slice()).unwrap();
        if let Err(error) = client.process_new_packets() {
            println!("{error}");
            return;
        }
    }
    println!("accepted");
}
RUST
cargo build --quiet

cat > openssl.py <<'PY'
"""The same by OpenSSL, through Python's ssl."""
import ssl
import sys

name = sys.argv[1]
server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
server.load_cert_chain(f"{name}.crt", f"{name}.key")
client = ssl.create_default_context(cafile=f"{name}.crt")
to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
ends = [
    client.wrap_bio(to_client, to_server, server_hostname="localhost"),
    server.wrap_bio(to_server, to_client, server_side=True),
]
try:
    for end in ends * 3:
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            pass
    print("accepted" if ends[0].version() else "unfinished")
except ssl.SSLError as error:
    print(error)
PY

changed=0
expect() { # CONSTRAINT PROGRAM SEEN RECORDED
    echo "$1  $2: $3"
    [[ $3 == "$4" ]] || { echo "CHANGED: $1, $2 said: $4" >&2 && changed=1; }
}
openssl version
for constraint in CA:TRUE CA:FALSE; do
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 \
        -keyout server.key -out server.crt -subj /CN=localhost \
        -addext subjectAltName=DNS:localhost -addext "basicConstraints=critical,$constraint" 2> openssl.log
    expect "$constraint" OpenSSL "$(python3 openssl.py server)" accepted
    refusal='invalid peer certificate: Other(OtherError(CaUsedAsEndEntity))'
    [[ $constraint == CA:TRUE ]] && recorded=$refusal || recorded=accepted
    expect "$constraint" rustls "$(target/debug/probe server)" "$recorded"
done
exit "$changed"
