//! The session under virtual time, with the server's part spoken by the test.

mod anonymous;
mod credentials;
mod fairness;
mod gaps;
mod links;
mod refusals;
mod requests;
mod subscriptions;
mod world;
