//! The session under virtual time, with the server's part spoken by the test.

mod links;
mod requests;
mod subscriptions;
mod world;
