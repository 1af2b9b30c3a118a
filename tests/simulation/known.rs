//! What the library is known not to withstand yet. Each is left out of the schedules
//! until it does; `DRT_SIM_KNOWN=1` leaves nothing out.

use std::env;
use std::sync::LazyLock;

use crate::schedule::{Action, Setting};

static ALL: LazyLock<bool> = LazyLock::new(|| env::var_os("DRT_SIM_KNOWN").is_some());

/// A token that is answered at once is shown only after the backoff: one that does
/// not live so long has expired by then, for ever.
pub fn outlives_backoff() -> bool {
    !*ALL
}

/// An error of a server of 11.x that comes for a message which was given up long ago
/// is taken for that to a read.
pub fn late_errors_confuse(setting: &Setting) -> bool {
    setting.old_server && !*ALL
}

/// A message that waits to be sent again below a limit has the link probed for ever,
/// and the probes leave no room for it.
pub fn is_left_out(action: &Action, setting: &Setting) -> bool {
    !*ALL && setting.rate_limit.is_some() && matches!(action, Action::Send(_))
}

/// Where a server of 11.x refuses a subscribe while a token is renewed and events are
/// withheld, an error of theirs is put down to the subscribe and told to nobody.
pub fn loses_errors(setting: &Setting) -> bool {
    setting.old_server && !*ALL
}
