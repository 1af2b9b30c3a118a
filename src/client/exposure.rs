//! A credential that goes over the network in the clear is worth a word in the
//! log, once for a client.

use std::sync::atomic::{AtomicBool, Ordering};

use super::ClientOptions;
use crate::log::{self, Level};
use crate::protocol::endpoint::Endpoint;

/// Headers that are credentials.
const CREDENTIALS: [&str; 2] = ["authorization:", "cookie:"];

/// The replicas that anybody on the way can listen to.
pub(super) struct Exposure {
    urls: Vec<String>,
    told: AtomicBool,
}

impl Exposure {
    /// Looks at what the client begins with.
    pub fn of(endpoints: &[Endpoint], options: &ClientOptions) -> Exposure {
        let open: Vec<&Endpoint> = endpoints
            .iter()
            .filter(|endpoint| !endpoint.tls && !endpoint.is_loopback())
            .collect();
        let exposure = Exposure {
            urls: open.iter().map(|endpoint| endpoint.url()).collect(),
            told: AtomicBool::new(false),
        };
        let has_credentials = options.access_token.is_some()
            || options.password.is_some()
            || options.refresh_token.is_some()
            || has_credentials(options.headers.as_deref().unwrap_or_default())
            || open.iter().any(|endpoint| endpoint.has_token());
        if has_credentials {
            exposure.tell();
        }
        exposure
    }

    /// There is a credential, from now on if not before.
    pub fn tell(&self) {
        if self.told.swap(true, Ordering::Relaxed) {
            return;
        }
        for url in &self.urls {
            let text = format!(
                "credentials go to {url} unencrypted: anybody on the way can read them; use wss://"
            );
            log::emit(Level::Warn, super::TARGET, &text);
        }
    }
}

fn has_credentials(headers: &str) -> bool {
    headers.lines().any(|line| {
        let line = line.trim_start().to_ascii_lowercase();
        CREDENTIALS.iter().any(|name| line.starts_with(name))
    })
}
