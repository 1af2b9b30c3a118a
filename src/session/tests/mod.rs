//! The session under virtual time, with the server's part spoken by the test.

mod attribution;
mod connection;
mod deletes;
mod fairness;
mod gaps;
mod lost_creates;
mod rate_limit;
mod rechecks;
mod refusals;
mod requests;
mod send_queue;
mod settling;
mod snapshots;
mod subscriptions;
mod world;
