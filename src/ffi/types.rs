//! What handles point to, for the compiler: nothing.

/// A client: a link to a Directus server and the subscriptions on it. A number
/// in pointer's clothing, made by `drt_client_new`, ended by `drt_client_close`.
pub struct drt_client {
    _opaque: [u8; 0],
}

/// A group of subscriptions that end together. A number in pointer's clothing,
/// made by `drt_scope_new`, ended by `drt_scope_close`.
pub struct drt_scope {
    _opaque: [u8; 0],
}

/// A subscription. A number in pointer's clothing that needs no freeing: it goes
/// stale when the subscription ends.
pub struct drt_subscription {
    _opaque: [u8; 0],
}
