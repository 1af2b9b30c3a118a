//! The session under virtual time, with the server's part spoken by the test.

mod anonymous;
mod credentials;
mod fairness;
mod gaps;
mod limits;
mod links;
mod refusals;
mod requests;
mod send_queue;
mod subscriptions;
mod system;
mod world;
