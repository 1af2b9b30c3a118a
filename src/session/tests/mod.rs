//! The session under virtual time, with the server's part spoken by the test.

mod links;
mod subscriptions;
mod world;
