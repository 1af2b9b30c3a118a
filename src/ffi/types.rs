//! The types that handles seem to point to. They are opaque and empty.

/// A client: a link to a Directus server and the subscriptions on it. An opaque integer handle
/// in a pointer type; never dereference it. Created by `drt_client_new`, released by
/// `drt_client_close`.
pub struct drt_client {
    _opaque: [u8; 0],
}

/// A group of subscriptions that end together. An opaque integer handle in a pointer type; never
/// dereference it. Created by `drt_scope_new`, released by `drt_scope_close`.
pub struct drt_scope {
    _opaque: [u8; 0],
}

/// A live collection: the rows of a query, held in memory and kept as the server has them. An opaque
/// integer handle in a pointer type; never dereference it. Created by `drt_live_open`, released by
/// `drt_live_close`; it also becomes stale when it is ended as a subscription.
pub struct drt_live {
    _opaque: [u8; 0],
}

/// A subscription. An opaque integer handle in a pointer type; never dereference it. It needs no
/// release: it becomes stale when the subscription ends.
pub struct drt_subscription {
    _opaque: [u8; 0],
}
