//! The server's HTTP answer to the upgrade: its HTTP version and its `Retry-After`.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::tungstenite::http::HeaderMap;
use tokio_tungstenite::tungstenite::http::header::RETRY_AFTER;

const VERSION_1_0: &[u8] = b"HTTP/1.0";
/// The position of the minor version, the only byte that differs.
const MINOR: usize = VERSION_1_0.len() - 1;

/// A stream that presents an HTTP/1.0 answer, such as a proxy's error page, as HTTP/1.1.
/// tungstenite rejects HTTP/1.0 without reading the status, which is what the user needs.
#[derive(Debug)]
pub(super) struct Answer<S> {
    stream: S,
    /// How many bytes are as in `VERSION_1_0` so far; `None` once that is decided.
    matched: Option<usize>,
}

impl<S> Answer<S> {
    pub fn new(stream: S) -> Answer<S> {
        Answer {
            stream,
            matched: Some(0),
        }
    }

    pub fn get_mut(&mut self) -> &mut S {
        &mut self.stream
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

impl<S: AsyncRead + Unpin> AsyncRead for Answer<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let polled = Pin::new(&mut this.stream).poll_read(cx, buffer);
        if let Some(matched) = this.matched {
            this.matched = adapt(matched, &mut buffer.filled_mut()[before..]);
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Answer<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
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
        let mut matched = Some(0);
        for piece in bytes.chunks_mut(size) {
            if let Some(so_far) = matched {
                matched = adapt(so_far, piece);
            }
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
