//! What the library is known not to withstand yet. Each is left out of the schedules
//! until it does; `DRT_SIM_KNOWN=1` leaves nothing out.

use std::env;
use std::sync::LazyLock;

use crate::schedule::Setting;

static ALL: LazyLock<bool> = LazyLock::new(|| env::var_os("DRT_SIM_KNOWN").is_some());

/// Where a server of 11.x does not answer a subscribe, and withholds an event meanwhile,
/// the error is put down to the subscribe and told to nobody.
pub fn loses_errors(setting: &Setting) -> bool {
    setting.old_server && !*ALL
}
