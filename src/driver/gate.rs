//! What lies between the socket and tungstenite: everything is read into the library's own buffer,
//! and tungstenite gets no more of it than it is to see; of the answer to the upgrade, all, as a
//! version of HTTP that it accepts.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::answer::Version;
use crate::protocol::frame::FrameBuffer;

/// See the module.
pub struct Gate<S> {
    stream: S,
    buffer: FrameBuffer,
    /// How many of the next bytes tungstenite may read; `None` as long as the answer to the upgrade
    /// is read.
    open: Option<usize>,
    /// The answer's version, which tungstenite is to accept.
    version: Version,
    /// The line break that the answer ended with so far.
    line_break: LineBreak,
    /// Nothing more comes: for this reason, if it is an error that tungstenite has not got yet.
    end: Option<Option<io::Error>>,
}

/// How far the end of an HTTP answer, an empty line, is recognised.
#[derive(Clone, Copy, PartialEq, Eq)]
enum LineBreak {
    None,
    /// A line has ended.
    One,
    /// And a carriage return has come.
    Return,
}

impl<S> Gate<S> {
    /// Before the upgrade.
    pub fn new(stream: S) -> Gate<S> {
        Gate {
            stream,
            buffer: FrameBuffer::default(),
            open: None,
            version: Version::new(),
            line_break: LineBreak::None,
            end: None,
        }
    }

    /// The stream below.
    pub fn stream(&mut self) -> &mut S {
        &mut self.stream
    }

    /// The buffer, at its beginning what tungstenite has not read.
    #[inline]
    pub fn buffer(&mut self) -> &mut FrameBuffer {
        &mut self.buffer
    }

    /// How many bytes in the buffer tungstenite has not read.
    pub fn unread(&self) -> usize {
        self.buffer.unread().len()
    }

    /// Lets tungstenite read so many bytes.
    pub fn open(&mut self, bytes: usize) {
        self.open = Some(bytes);
    }

    /// Whether tungstenite has read everything that it may.
    pub fn is_shut(&self) -> bool {
        self.open == Some(0)
    }

    /// Whether the socket has ended. Then tungstenite sees the end behind what it may read.
    pub fn has_ended(&self) -> bool {
        self.end.is_some()
    }

    /// How many of the next bytes are of the answer to the upgrade: all, up to an empty line.
    fn answer(&mut self, most: usize) -> usize {
        let unread = self.buffer.unread();
        let most = most.min(unread.len());
        for (at, byte) in unread[..most].iter().enumerate() {
            self.line_break = match (byte, self.line_break) {
                (b'\n', LineBreak::None) => LineBreak::One,
                (b'\n', _) => {
                    self.open = Some(0);
                    return at + 1;
                }
                (b'\r', LineBreak::One) => LineBreak::Return,
                _ => LineBreak::None,
            };
        }
        most
    }
}

impl<S: AsyncRead + Unpin> Gate<S> {
    /// Reads from the socket, with space for so many unread bytes in all at least. Ready also if it
    /// has ended.
    pub fn fill(&mut self, cx: &mut Context<'_>, whole: usize) -> Poll<()> {
        let mut space = ReadBuf::uninit(self.buffer.spare(whole));
        let read = ready!(Pin::new(&mut self.stream).poll_read(cx, &mut space));
        let bytes = space.filled().len();
        match read {
            Ok(()) if bytes > 0 => {
                // SAFETY: the space is filled so far, and was the buffer's.
                unsafe { self.buffer.received(bytes) }
            }
            Ok(()) => self.end = Some(None),
            Err(error) => self.end = Some(Some(error)),
        }
        Poll::Ready(())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Gate<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.buffer.unread().is_empty() && !this.is_shut() && !this.has_ended() {
            ready!(this.fill(cx, 0));
        }
        let is_answer = this.open.is_none();
        let open = match this.open {
            Some(open) => open,
            None => this.answer(out.remaining()),
        };
        let unread = this.buffer.unread();
        let bytes = open.min(unread.len()).min(out.remaining());
        if bytes > 0 {
            let before = out.filled().len();
            out.put_slice(&unread[..bytes]);
            this.buffer.skip(bytes);
            if is_answer {
                this.version.adapt(&mut out.filled_mut()[before..]);
            }
            this.open = this.open.map(|_| open - bytes);
            return Poll::Ready(Ok(()));
        }
        match &mut this.end {
            Some(error) => Poll::Ready(error.take().map_or(Ok(()), Err)),
            // Shut: what opens it again reads again.
            None => Poll::Pending,
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Gate<S> {
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
