//! The C ABI: pointer checks, the handle table, the panic barrier, conversions.
//! No logic. A file per object of the header, which cbindgen makes from here.
//!
//! Types bear their C names. What C calls an enumeration is an integer here: a
//! value that we do not know must be an error, not undefined behaviour.

#![allow(non_camel_case_types)]
#![allow(clippy::missing_safety_doc)] // The contracts are in the header's own words.

mod barrier;
mod callback;
mod client;
mod delivery;
mod environment;
mod events;
mod handle;
mod log;
mod options;
mod process;
mod request;
mod scope;
mod status;
mod strings;
mod subscription;
mod table;
mod types;

pub use callback::drt_release_fn;
pub use client::*;
pub use delivery::*;
pub use events::*;
pub use log::*;
pub use options::*;
pub use request::*;
pub use scope::*;
pub use status::*;
pub use subscription::*;
pub use types::*;
