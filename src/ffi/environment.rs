//! `DRT_LOG`: the log on standard error, for programs that set no log function.

use std::ffi::{OsStr, OsString};
use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use humantime::format_rfc3339_millis;

use crate::log::{self, Level, Sink};

const VARIABLE: &str = "DRT_LOG";

/// Reads the variable. Writes a warning if its value is unknown.
pub(super) fn apply() {
    let Some(value) = variable() else {
        return;
    };
    match parse(&value) {
        Ok(Level::Off) => {}
        Ok(level) => log::set_fallback(level, Box::new(StandardError)),
        Err(message) => StandardError.log(Level::Warn, "log", &message),
    }
}

/// The variable's value. A program with more rights than its user ignores that user's environment.
fn variable() -> Option<OsString> {
    if is_privileged() {
        return None;
    }
    std::env::var_os(VARIABLE).filter(|value| !value.is_empty())
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn is_privileged() -> bool {
    // SAFETY: has no preconditions.
    unsafe { libc::getauxval(libc::AT_SECURE) != 0 }
}

#[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
fn is_privileged() -> bool {
    // SAFETY: these have no preconditions.
    unsafe { libc::getuid() != libc::geteuid() || libc::getgid() != libc::getegid() }
}

/// Windows has no such programs.
#[cfg(not(unix))]
fn is_privileged() -> bool {
    false
}

fn parse(value: &OsStr) -> Result<Level, String> {
    let value = value.to_string_lossy();
    Level::from_name(value.trim()).ok_or_else(|| {
        let shown: String = value.chars().take(40).collect();
        let allowed: Vec<&str> = Level::ALL.into_iter().map(Level::name).collect();
        let allowed = allowed.join(", ");
        format!("{VARIABLE}={shown:?} is unknown and ignored: it must be one of {allowed}")
    })
}

/// Writes each message as one line, by one system call and without a lock: a forked
/// child may log as well.
struct StandardError;

impl Sink for StandardError {
    fn log(&self, level: Level, target: &'static str, message: &str) {
        let line = line(SystemTime::now(), level, target, message);
        let mut rest = line.as_bytes();
        while !rest.is_empty() {
            match write(rest) {
                Ok(written) => rest = &rest[written.min(rest.len())..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // There is no place to report it.
                Err(_) => return,
            }
        }
    }
}

#[cfg(unix)]
fn write(bytes: &[u8]) -> io::Result<usize> {
    // SAFETY: the bytes live; a descriptor that is closed is an error.
    let written = unsafe { libc::write(libc::STDERR_FILENO, bytes.as_ptr().cast(), bytes.len()) };
    usize::try_from(written).map_err(|_| io::Error::last_os_error())
}

#[cfg(not(unix))]
fn write(bytes: &[u8]) -> io::Result<usize> {
    io::Write::write(&mut io::stderr(), bytes)
}

/// For instance `2026-01-31T12:00:00.000Z WARN directus-realtime session: in backoff: …`.
fn line(time: SystemTime, level: Level, target: &str, message: &str) -> String {
    // Limits the time to what the format can show; the clock may be wrong.
    let last = UNIX_EPOCH + Duration::from_secs(253_402_300_799);
    let time = format_rfc3339_millis(time.clamp(UNIX_EPOCH, last));
    let level = level.name().to_ascii_uppercase();
    let mut line = format!("{time} {level} directus-realtime {target}: ");
    // One message, one line.
    line.extend(
        message
            .chars()
            .map(|c| if c.is_control() { '\u{fffd}' } else { c }),
    );
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_level_is_read_by_its_name_and_an_unknown_one_is_refused_with_all_names() {
        for (value, level) in [
            ("error", Level::Error),
            ("WARN", Level::Warn),
            (" info ", Level::Info),
            ("Debug", Level::Debug),
            ("trace", Level::Trace),
            ("off", Level::Off),
        ] {
            assert_eq!(parse(OsStr::new(value)), Ok(level));
        }
        for value in ["verbose", "1", "warning", "error,warn", "\n"] {
            let message = parse(OsStr::new(value)).unwrap_err();
            assert!(
                message.contains("off, error, warn, info, debug, trace"),
                "{message}"
            );
        }
        let long = parse(OsStr::new(&"x".repeat(9000))).unwrap_err();
        assert!(long.len() < 200, "{long}");
    }

    #[test]
    fn a_log_line_has_time_and_level_and_no_line_break_of_the_message() {
        let time = UNIX_EPOCH + Duration::from_millis(1_709_210_096_007);
        assert_eq!(
            line(time, Level::Warn, "session", "a\nb"),
            "2024-02-29T12:34:56.007Z WARN directus-realtime session: a\u{fffd}b\n"
        );
        for wrong in [
            UNIX_EPOCH - Duration::from_secs(1),
            UNIX_EPOCH + Duration::from_secs(1 << 40),
        ] {
            assert!(line(wrong, Level::Warn, "session", "a").ends_with("session: a\n"));
        }
    }
}
