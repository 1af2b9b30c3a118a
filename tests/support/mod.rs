//! Shared by the Rust tests of the C ABI. Each test program uses a part of it.

#![allow(dead_code)]

pub mod cc;
pub mod frame;
pub mod log;
pub mod scripted_server;
pub mod seen;
pub mod server;
pub mod subscription;
pub mod test_client;
pub mod tls;
