//! Warns once per client if credentials go over the network unencrypted.

use std::sync::atomic::{AtomicBool, Ordering};

use super::ClientOptions;
use crate::log::{self, Level};
use crate::protocol::endpoint::Endpoint;

/// Headers that carry credentials.
const CREDENTIALS: [&str; 2] = ["authorization:", "cookie:"];

/// The replicas whose connections are not encrypted and leave this machine.
pub(super) struct CleartextWarning {
    urls: Vec<String>,
    emitted: AtomicBool,
}

impl CleartextWarning {
    /// Emits the warning at once if the options contain credentials.
    pub fn of(endpoints: &[Endpoint], options: &ClientOptions) -> CleartextWarning {
        let open: Vec<&Endpoint> = endpoints
            .iter()
            .filter(|endpoint| !endpoint.tls && !endpoint.is_loopback())
            .collect();
        let cleartext_warning = CleartextWarning {
            urls: open.iter().map(|endpoint| endpoint.url()).collect(),
            emitted: AtomicBool::new(false),
        };
        let has_credentials = options.access_token.is_some()
            || options.password.is_some()
            || options.refresh_token.is_some()
            || has_credentials(options.headers.as_deref().unwrap_or_default())
            || open.iter().any(|endpoint| endpoint.has_token());
        if has_credentials {
            cleartext_warning.emit();
        }
        cleartext_warning
    }

    /// Emits the warning if it was not emitted before: the client has credentials now.
    pub fn emit(&self) {
        if self.emitted.swap(true, Ordering::Relaxed) {
            return;
        }
        for url in &self.urls {
            let text = format!(
                "credentials go to {url} unencrypted, so others on the network can read them: use wss://"
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
