//! The server's HTTP answer to the upgrade: its HTTP version and its `Retry-After`.

use std::time::{Duration, SystemTime};

use tokio_tungstenite::tungstenite::http::HeaderMap;
use tokio_tungstenite::tungstenite::http::header::RETRY_AFTER;

const VERSION_1_0: &[u8] = b"HTTP/1.0";
/// The position of the minor version, the only byte that differs.
const MINOR: usize = VERSION_1_0.len() - 1;

/// Presents an HTTP/1.0 answer, such as a proxy's error page, as HTTP/1.1. tungstenite rejects
/// HTTP/1.0 without reading the status, which is what the user needs.
#[derive(Debug)]
pub(super) struct Version {
    /// How many bytes are as in `VERSION_1_0` so far; `None` once that is decided.
    matched: Option<usize>,
}

impl Version {
    pub fn new() -> Version {
        Version { matched: Some(0) }
    }

    /// The next bytes of the answer.
    pub fn adapt(&mut self, bytes: &mut [u8]) {
        if let Some(matched) = self.matched {
            self.matched = adapt(matched, bytes);
        }
    }
}

/// Compares the next bytes of the answer with `VERSION_1_0`, of which `matched` bytes were equal
/// so far, and changes the minor version. `None` once that is decided.
fn adapt(matched: usize, bytes: &mut [u8]) -> Option<usize> {
    for (at, byte) in (matched..).zip(bytes.iter_mut()) {
        if *byte != VERSION_1_0[at] {
            return None;
        }
        if at == MINOR {
            *byte = b'1';
            return None;
        }
    }
    Some(matched + bytes.len())
}

/// How long to wait before the next attempt (`Retry-After`): given in seconds or as a date.
pub(super) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An answer as it is read in pieces of this size.
    fn read(answer: &str, size: usize) -> String {
        let mut bytes = answer.as_bytes().to_vec();
        let mut version = Version::new();
        for piece in bytes.chunks_mut(size) {
            version.adapt(piece);
        }
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn an_http_1_0_answer_is_read_as_http_1_1_and_nothing_else_changes() {
        for (answer, shown) in [
            ("HTTP/1.0 503 HTTP/1.0", "HTTP/1.1 503 HTTP/1.0"),
            ("HTTP/1.1 101 HTTP/1.0", "HTTP/1.1 101 HTTP/1.0"),
            ("HTTP/0.9", "HTTP/0.9"),
            ("HHTTP/1.0", "HHTTP/1.0"),
            ("", ""),
        ] {
            for size in 1..=22 {
                assert_eq!(read(answer, size), shown, "in pieces of {size}");
            }
        }
    }

    #[test]
    fn retry_after_is_a_number_of_seconds_or_a_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        for (value, seconds) in [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("Sun, 06 Nov 1994 08:49:47 GMT", Some(10)),
            ("Sunday, 06-Nov-94 08:49:47 GMT", Some(10)),
            ("Sun, 06 Nov 1994 08:49:30 GMT", Some(0)),
            ("soon", None),
            ("-1", None),
            ("1.5", None),
            ("99999999999999999999999", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, value.parse().unwrap());
            let expected = seconds.map(Duration::from_secs);
            assert_eq!(retry_after(&headers, now), expected, "{value}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }
}
