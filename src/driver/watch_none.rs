//! Where the system has no epoll, the I/O thread alone reads the links. See `watch.rs`.

use std::io;
use std::sync::Arc;
use std::task::Context;
use std::time::Duration;

use super::open_link::OpenLink;

/// The sockets of one client.
#[derive(Default)]
pub struct Watch(());

impl Watch {
    /// Of a client without links.
    pub fn new() -> Arc<Watch> {
        Arc::default()
    }

    /// False: this is no way to wait.
    pub fn wait(&self, _: Option<Duration>, _: &dyn Fn()) -> bool {
        false
    }

    /// Nothing waits.
    pub fn wake(&self) {}

    pub(super) fn add(self: &Arc<Self>, _: &Arc<OpenLink>) -> io::Result<Watched> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// There is none.
pub(super) enum Watched {}

impl Watched {
    pub fn poll_changed(&self, _: &mut Context<'_>) -> bool {
        match *self {}
    }
}
