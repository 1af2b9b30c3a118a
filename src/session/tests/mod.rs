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
mod limits;
mod links;
mod outage;
mod refusals;
mod requests;
mod send_queue;
mod settling;
mod subscriptions;
mod system;
mod world;
