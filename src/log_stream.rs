//! The log as lines that the application reads from a descriptor, for languages in which a call
//! from a thread of the library is unwelcome.

use std::io::{self, ErrorKind, Write};
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::log::{Level, Sink};

/// Writes each message as a line, `[level,"target","message"]`. Never waits and takes no lock:
/// messages that do not fit are dropped and counted.
pub struct LogStream {
    /// Not a `UnixStream`, whose writes may raise SIGPIPE; this one uses `send`.
    writer: TcpStream,
    /// Lines that did not fit, and were not reported yet.
    lost: AtomicU64,
    /// Whether the last line was cut off because the buffer was full.
    is_cut: AtomicBool,
    /// A forked child must not write into the stream that its parent reads.
    process: u32,
}

impl LogStream {
    /// A stream, and the end to read from, which is not blocking.
    pub fn open() -> io::Result<(LogStream, OwnedFd)> {
        let (reader, writer) = UnixStream::pair()?;
        reader.set_nonblocking(true)?;
        let writer = TcpStream::from(OwnedFd::from(writer));
        writer.set_nonblocking(true)?;
        let stream = LogStream {
            writer,
            lost: AtomicU64::new(0),
            is_cut: AtomicBool::new(false),
            process: std::process::id(),
        };
        Ok((stream, OwnedFd::from(reader)))
    }

    /// Writes one line. False if it did not go out as a whole.
    fn write(&self, level: Level, target: &str, message: &str) -> bool {
        let Ok(mut line) = serde_json::to_string(&(level as u8, target, message)) else {
            return false;
        };
        line.push('\n');
        // Ends a line that was cut off, so that this one is readable.
        if self.is_cut.swap(false, Ordering::Relaxed) {
            line.insert(0, '\n');
        }
        loop {
            match (&self.writer).write(line.as_bytes()) {
                Ok(written) if written == line.len() => return true,
                Ok(_) => {
                    self.is_cut.store(true, Ordering::Relaxed);
                    return false;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => {
                    if line.starts_with('\n') {
                        self.is_cut.store(true, Ordering::Relaxed);
                    }
                    return false;
                }
            }
        }
    }
}

impl Sink for LogStream {
    fn log(&self, level: Level, target: &'static str, message: &str) {
        if std::process::id() != self.process {
            return;
        }
        let lost = self.lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            let sentence = format!("{lost} log messages were dropped, because they were not read");
            if !self.write(Level::Warn, "log", &sentence) {
                self.lost.fetch_add(lost + 1, Ordering::Relaxed);
                return;
            }
        }
        if !self.write(level, target, message) {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Read};

    use super::*;

    fn open() -> (LogStream, UnixStream) {
        let (stream, reader) = LogStream::open().unwrap();
        (stream, UnixStream::from(reader))
    }

    #[test]
    fn the_log_stream_writes_each_message_as_a_line_of_json() {
        let (stream, reader) = open();
        stream.log(Level::Warn, "session", "a \"b\"\nc\u{0}");
        stream.log(Level::Trace, "driver", "");
        drop(stream);
        let lines: Vec<String> = BufReader::new(reader).lines().map(Result::unwrap).collect();
        assert_eq!(
            lines,
            [r#"[2,"session","a \"b\"\nc\u0000"]"#, r#"[5,"driver",""]"#]
        );
    }

    #[test]
    fn the_log_stream_drops_unread_messages_by_the_line_and_counts_them() {
        let (stream, mut reader) = open();
        let message = "x".repeat(1000);
        for _ in 0..10_000 {
            stream.log(Level::Info, "session", &message);
        }
        let mut text = String::new();
        assert_eq!(
            reader.read_to_string(&mut text).unwrap_err().kind(),
            ErrorKind::WouldBlock
        );
        let first = text.lines().filter(|line| line.ends_with("\"]")).count();
        stream.log(Level::Info, "session", "again");
        drop(stream);
        let rest: Vec<String> = BufReader::new(reader).lines().map(Result::unwrap).collect();
        let lost = 10_000 - first;
        let report =
            format!(r#"[2,"log","{lost} log messages were dropped, because they were not read"]"#);
        let whole: Vec<&String> = rest.iter().filter(|line| line.starts_with('[')).collect();
        assert_eq!(whole, [&report, r#"[3,"session","again"]"#]);
    }

    #[test]
    fn the_log_stream_ignores_a_closed_reader() {
        let (stream, reader) = open();
        drop(reader);
        stream.log(Level::Error, "session", "nothing reads it");
    }
}
