//! What the tests of the C ABI share. Each test program uses a part of it.

#![allow(dead_code)]

pub mod cc;
pub mod frame;
pub mod log;
pub mod peer;
pub mod seen;
pub mod server;
pub mod sut;
pub mod tls;
pub mod wish;
