//! A TCP socket, plain or with TLS.

use std::io::{self, Write};
use std::net::Shutdown;
#[cfg(unix)]
use std::os::fd::{AsRawFd, RawFd};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// A socket that sends FIN when it is dropped. Closing the descriptor alone does not, as long as a
/// forked child has a copy.
///
/// It begins in tokio's reactor, which wakes the task that reads or writes it. Once it is detached,
/// any thread may read it, and wakes no task: [`super::open_link`] has the tasks woken.
#[derive(Debug)]
pub(super) struct Tcp(Socket);

#[derive(Debug)]
enum Socket {
    Reactor(TcpStream),
    Detached(Detached),
    /// Detaching failed.
    Lost,
}

/// A socket outside of the reactor. Its reads and writes never wait.
#[derive(Debug)]
struct Detached {
    socket: std::net::TcpStream,
    /// Everything that had come by the last read was read. Until [`Tcp::readable`] the next read
    /// costs no system call.
    drained: bool,
    /// Only a read that finds nothing ends the present round of reads; otherwise one that does not
    /// fill its buffer does.
    thorough: bool,
}

impl Tcp {
    pub fn new(socket: TcpStream) -> Self {
        // Frames are small and urgent: never wait to fill a packet.
        let _ = socket.set_nodelay(true);
        Tcp(Socket::Reactor(socket))
    }

    #[cfg(unix)]
    pub fn fd(&self) -> Option<RawFd> {
        match &self.0 {
            Socket::Reactor(socket) => Some(socket.as_raw_fd()),
            Socket::Detached(Detached { socket, .. }) => Some(socket.as_raw_fd()),
            Socket::Lost => None,
        }
    }

    /// Takes the socket out of the reactor, under the same descriptor.
    pub fn detach(&mut self) -> io::Result<()> {
        if let Socket::Reactor(socket) = std::mem::replace(&mut self.0, Socket::Lost) {
            self.0 = Socket::Detached(Detached {
                socket: socket.into_std()?,
                drained: false,
                thorough: true,
            });
        }
        Ok(())
    }

    /// Something may have come. `thorough`: the end of the stream perhaps, too, which hides behind
    /// data that do not fill the buffer.
    pub fn readable(&mut self, thorough: bool) {
        if let Socket::Detached(detached) = &mut self.0 {
            detached.drained = false;
            detached.thorough |= thorough;
        }
    }
}

impl Detached {
    fn read(&mut self, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.drained {
            return Poll::Pending;
        }
        match without_interrupts(|| receive(&self.socket, buffer)) {
            Poll::Ready(Ok(read)) => {
                self.drained = !self.thorough && read > 0 && buffer.remaining() > 0;
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => {
                self.drained = true;
                self.thorough = false;
                Poll::Pending
            }
        }
    }
}

/// Windows has no thread that reads outside of the reactor.
#[cfg(not(unix))]
fn receive(socket: &std::net::TcpStream, buffer: &mut ReadBuf<'_>) -> io::Result<usize> {
    let read = io::Read::read(&mut &*socket, buffer.initialize_unfilled())?;
    buffer.advance(read);
    Ok(read)
}

/// Reads once. Unlike the standard library's `read` it takes memory that is not initialised: to fill
/// 128 KiB with zeros for each event costs more than everything else.
#[cfg(unix)]
fn receive(socket: &std::net::TcpStream, buffer: &mut ReadBuf<'_>) -> io::Result<usize> {
    // SAFETY: the system writes into the unfilled part, which is as long as it is told, and what it
    // has written is initialised.
    unsafe {
        let space = buffer.unfilled_mut();
        let read = libc::recv(
            socket.as_raw_fd(),
            space.as_mut_ptr().cast(),
            space.len(),
            0,
        );
        let read = usize::try_from(read).map_err(|_| io::Error::last_os_error())?;
        buffer.assume_init(read);
        buffer.advance(read);
        Ok(read)
    }
}

/// Calls until the call is not interrupted. Pending if it would have to wait.
fn without_interrupts<T>(mut call: impl FnMut() -> io::Result<T>) -> Poll<io::Result<T>> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Poll::Pending,
            outcome => return Poll::Ready(outcome),
        }
    }
}

fn lost<T>() -> Poll<io::Result<T>> {
    Poll::Ready(Err(io::ErrorKind::NotConnected.into()))
}

impl Drop for Tcp {
    fn drop(&mut self) {
        // The system call does not wait.
        let mut cx = Context::from_waker(Waker::noop());
        let _ = Pin::new(self).poll_shutdown(&mut cx);
    }
}

/// The connection to the server or to the proxy in front of it, below the WebSocket.
#[derive(Debug)]
pub(super) enum Transport {
    Plain(Tcp),
    Tls(Box<TlsStream<Tcp>>),
}

impl Transport {
    pub fn tcp(&mut self) -> &mut Tcp {
        match self {
            Transport::Plain(tcp) => tcp,
            Transport::Tls(stream) => stream.get_mut().0,
        }
    }
}

impl AsyncRead for Tcp {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.get_mut().0 {
            Socket::Reactor(socket) => Pin::new(socket).poll_read(cx, buffer),
            Socket::Detached(detached) => detached.read(buffer),
            Socket::Lost => lost(),
        }
    }
}

// Vectored writes keep their default, which calls `poll_write`. The socket's own would be
// `writev`, which raises SIGPIPE if the peer has gone and cannot be told not to: the signal ends a
// program that does not handle it.
impl AsyncWrite for Tcp {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().0 {
            Socket::Reactor(socket) => Pin::new(socket).poll_write(cx, bytes),
            Socket::Detached(Detached { socket, .. }) => without_interrupts(|| socket.write(bytes)),
            Socket::Lost => lost(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Nothing is buffered here.
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().0 {
            Socket::Reactor(socket) => Pin::new(socket).poll_shutdown(cx),
            Socket::Detached(Detached { socket, .. }) => {
                Poll::Ready(socket.shutdown(Shutdown::Write))
            }
            Socket::Lost => Poll::Ready(Ok(())),
        }
    }
}

impl AsyncRead for Transport {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Transport::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Transport::Tls(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Transport {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Transport::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Transport::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Transport::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Transport::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Transport::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Transport::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::net::TcpListener;
    use std::time::Duration;

    use super::*;

    /// A socket and its peer.
    fn pair() -> (std::net::TcpStream, std::net::TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let near = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (far, _) = listener.accept().unwrap();
        far.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        near.set_nonblocking(true).unwrap();
        (near, far)
    }

    /// Runs `work` with a socket that tokio's reactor has.
    fn with_tcp(near: std::net::TcpStream, work: impl FnOnce(Tcp)) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async { work(Tcp::new(TcpStream::from_std(near).unwrap())) });
    }

    #[test]
    fn dropping_a_socket_sends_fin_although_a_copy_is_open() {
        for detach in [false, true] {
            let (near, mut far) = pair();
            let copy_of_a_child = near.try_clone().unwrap();
            with_tcp(near, |mut tcp| {
                if detach {
                    tcp.detach().unwrap();
                }
                drop(tcp);
            });
            assert_eq!(far.read(&mut [0]).unwrap(), 0);
            drop(copy_of_a_child);
        }
    }

    /// What one read of a detached socket yields: the number of bytes, or `None` if pending.
    fn read(tcp: &mut Tcp) -> Option<usize> {
        let mut bytes = [0; 8];
        let mut buffer = ReadBuf::new(&mut bytes);
        let mut cx = Context::from_waker(Waker::noop());
        match Pin::new(tcp).poll_read(&mut cx, &mut buffer) {
            Poll::Ready(outcome) => outcome.map(|()| Some(buffer.filled().len())).unwrap(),
            Poll::Pending => None,
        }
    }

    #[test]
    fn a_detached_socket_that_was_drained_is_read_again_when_it_is_readable() {
        let (near, mut far) = pair();
        with_tcp(near, |mut tcp| {
            tcp.detach().unwrap();
            assert_eq!(read(&mut tcp), None);
            far.write_all(&[1; 12]).unwrap();
            assert_eq!(read(&mut tcp), None, "it is not known to be readable");
            tcp.readable(false);
            assert_eq!(read(&mut tcp), Some(8));
            assert_eq!(read(&mut tcp), Some(4));
            far.write_all(&[1]).unwrap();
            assert_eq!(
                read(&mut tcp),
                None,
                "the last read left its buffer unfilled"
            );
            tcp.readable(false);
            assert_eq!(read(&mut tcp), Some(1));
        });
    }

    #[test]
    fn a_thorough_read_finds_the_end_behind_data() {
        let (near, mut far) = pair();
        with_tcp(near, |mut tcp| {
            tcp.detach().unwrap();
            assert_eq!(read(&mut tcp), None);
            far.write_all(&[1]).unwrap();
            far.shutdown(Shutdown::Write).unwrap();
            tcp.readable(true);
            assert_eq!(read(&mut tcp), Some(1));
            assert_eq!(read(&mut tcp), Some(0));
        });
    }
}
