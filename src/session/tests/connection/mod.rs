//! Links, credentials, heartbeats: the tests of `session/connection/`.

mod credentials;
mod expiry;
mod keyring;
mod links;
mod losses;
mod refusals;
mod restart;
