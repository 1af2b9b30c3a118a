//! The C ABI, a file per object of the header, and no logic: handles, pointers
//! and text are checked here, and [`crate::client`] does the rest.
//!
//! `include/directus_realtime.h` is made from these files, section by section,
//! by `tests/header.rs`; their doc comments are its documentation.

#![allow(non_camel_case_types)]
// What a caller must keep to is what the header asks of any program.
#![allow(clippy::missing_safety_doc)]

mod callback;
mod client;
mod delivery;
mod event;
mod guard;
mod handle;
mod log;
mod options;
mod out;
mod request;
mod scope;
mod status;
mod subscription;
mod subscription_options;
mod table;
mod text;
mod types;
mod versioned;

pub use client::*;
pub use delivery::*;
pub use event::*;
pub use log::*;
pub use options::*;
pub use request::*;
pub use scope::*;
pub use status::*;
pub use subscription::*;
pub use subscription_options::*;
pub use types::*;
