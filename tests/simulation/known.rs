//! Known limitations. The checks leave them out; with `DRT_SIM_KNOWN=1` they do not.

use std::env;
use std::sync::LazyLock;

use crate::schedule::Setting;

static ALL: LazyLock<bool> = LazyLock::new(|| env::var_os("DRT_SIM_KNOWN").is_some());

/// Where a server of 11.x never answers a subscribe, and withholds an event meanwhile, the
/// event's error is attributed to the subscribe, and not reported.
pub fn loses_errors(setting: &Setting) -> bool {
    setting.old_server && !*ALL
}
