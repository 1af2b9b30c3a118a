//! The C ABI: checks pointers, looks handles up, catches panics and converts values. No logic. There
//! is one file per object of the header, which cbindgen generates from here.
//!
//! Types have their C names. Enumerations are integers, because an unknown value from C must be an
//! error and not undefined behaviour.

#![allow(non_camel_case_types)]
#![allow(clippy::missing_safety_doc)] // The contracts are in the header's own words.

mod callback;
mod client;
mod close;
mod delivery;
mod environment;
mod events;
mod handle;
mod index;
mod last_error;
mod live;
mod live_rows;
mod log;
mod options;
mod out_struct;
mod panic;
#[cfg(unix)]
mod process;
#[cfg(not(unix))]
#[path = "process_none.rs"]
mod process;
mod request;
mod scope;
mod stats;
mod status;
mod strings;
mod subscription;
mod table;
mod types;

pub use callback::drt_release_fn;
pub use client::*;
pub use close::*;
pub use delivery::*;
pub use events::*;
pub use index::*;
pub use last_error::*;
pub use live::*;
pub use live_rows::*;
pub use log::*;
pub use options::*;
pub use request::*;
pub use scope::*;
pub use stats::*;
pub use status::*;
pub use subscription::*;
pub use types::*;
