//! The session under virtual time, with the server's part spoken by the test.

mod anonymous;
mod away;
mod credentials;
mod deletes;
mod expiry;
mod fairness;
mod gaps;
mod idle;
mod keyring;
mod links;
mod outage;
mod rate_limit;
mod refusals;
mod requests;
mod send_queue;
mod settling;
mod snapshots;
mod subscriptions;
mod system;
mod world;
