//! A TCP proxy that breaks, delays and corrupts connections on purpose.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::thread;
use std::time::Duration;

use super::support::log::eventually;

/// How often a blocked read or write checks whether the connection was reset.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// What the proxy does to the bytes that pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    None,
    /// Nothing passes; the bytes are kept.
    Freeze,
    /// Nothing passes; the bytes are lost, and neither side is told.
    HalfOpen,
    /// Sixty-four bytes at a time, with pauses.
    Trickle,
    /// Every packet in pieces.
    Split,
    /// Many packets as one.
    Join,
    /// Flips one bit of what the server sends next.
    Corrupt,
    /// Flips one bit of what the client sends next.
    Garble,
}

/// Both ends of a connection. They close with the last reference.
struct Pair {
    client: TcpStream,
    server: TcpStream,
    /// The connection ends with a reset.
    cut: AtomicBool,
}

struct State {
    fault: Mutex<Fault>,
    connections: Mutex<Vec<Weak<Pair>>>,
    over: AtomicBool,
    rng: Mutex<fastrand::Rng>,
}

/// Listens on loopback; ends when it is dropped.
pub struct Proxy {
    pub port: u16,
    state: Arc<State>,
}

impl Proxy {
    pub fn start(to: u16, seed: u64) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State {
            fault: Mutex::new(Fault::None),
            connections: Mutex::default(),
            over: AtomicBool::new(false),
            rng: Mutex::new(fastrand::Rng::with_seed(seed)),
        });
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if shared.over.load(Ordering::SeqCst) {
                    return;
                }
                connect(&shared, client, to);
            }
        });
        Proxy { port, state }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn set(&self, fault: Fault) {
        *self.state.fault.lock().unwrap() = fault;
    }

    /// Whether a fault that strikes once has not struck yet.
    pub fn is_set(&self, fault: Fault) -> bool {
        *self.state.fault.lock().unwrap() == fault
    }

    /// Whether a connection is open through it.
    pub fn is_used(&self) -> bool {
        let connections = self.state.connections.lock().unwrap();
        connections.iter().any(|pair| pair.strong_count() > 0)
    }

    /// Resets every connection, also in the middle of a frame. When this returns, both
    /// sides have got a reset, and neither a regular end.
    pub fn reset(&self) {
        let connections = std::mem::take(&mut *self.state.connections.lock().unwrap());
        for pair in connections.iter().filter_map(Weak::upgrade) {
            reset_on_close(&pair.client);
            reset_on_close(&pair.server);
            pair.cut.store(true, Ordering::SeqCst);
        }
        eventually("the connections are closed", || {
            connections.iter().all(|pair| pair.strong_count() == 0)
        });
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.state.over.store(true, Ordering::SeqCst);
        if !thread::panicking() {
            self.reset();
        }
        // Wakes the listener.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

/// Makes closing this socket send a reset, unless it has been shut down before.
fn reset_on_close(socket: &TcpStream) {
    let linger = libc::linger {
        l_onoff: 1,
        l_linger: 0,
    };
    // SAFETY: an open socket and a whole struct.
    unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_LINGER,
            (&raw const linger).cast(),
            size_of::<libc::linger>() as libc::socklen_t,
        );
    }
}

fn connect(state: &Arc<State>, client: TcpStream, to: u16) {
    let Ok(server) = TcpStream::connect(("127.0.0.1", to)) else {
        reset_on_close(&client);
        return;
    };
    for socket in [&client, &server] {
        socket.set_nodelay(true).unwrap();
        socket.set_read_timeout(Some(POLL_INTERVAL)).unwrap();
        socket.set_write_timeout(Some(POLL_INTERVAL)).unwrap();
    }
    let pair = Arc::new(Pair {
        client,
        server,
        cut: AtomicBool::new(false),
    });
    let mut connections = state.connections.lock().unwrap();
    connections.retain(|pair| pair.strong_count() > 0);
    connections.push(Arc::downgrade(&pair));
    for from_server in [false, true] {
        let (state, pair) = (Arc::clone(state), Arc::clone(&pair));
        thread::spawn(move || {
            let _ = pump(&state, &pair, from_server);
            if !pair.cut.load(Ordering::SeqCst) {
                let _ = pair.client.shutdown(Shutdown::Both);
                let _ = pair.server.shutdown(Shutdown::Both);
            }
        });
    }
}

impl Pair {
    fn check_open(&self) -> io::Result<()> {
        if self.cut.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        Ok(())
    }

    /// Repeats an attempt that times out, as long as the connection is open.
    fn retry<T>(&self, mut attempt: impl FnMut() -> io::Result<T>) -> io::Result<T> {
        loop {
            self.check_open()?;
            match attempt() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                outcome => return outcome,
            }
        }
    }

    fn write(&self, mut to: &TcpStream, mut data: &[u8]) -> io::Result<()> {
        while !data.is_empty() {
            let written = self.retry(|| to.write(data))?;
            data = &data[written..];
        }
        Ok(())
    }
}

fn pump(state: &State, pair: &Pair, from_server: bool) -> io::Result<()> {
    let (mut from, to) = match from_server {
        true => (&pair.server, &pair.client),
        false => (&pair.client, &pair.server),
    };
    let mut buffer = vec![0; 64 << 10];
    // A stream with lost bytes is useless, so the connection stays half-open.
    let mut half_open = false;
    loop {
        let length = pair.retry(|| from.read(&mut buffer))?;
        if length == 0 {
            return Ok(());
        }
        let data = &mut buffer[..length];
        let fault = loop {
            let fault = *state.fault.lock().unwrap();
            if fault != Fault::Freeze || state.over.load(Ordering::SeqCst) {
                break fault;
            }
            pair.check_open()?;
            thread::sleep(POLL_INTERVAL);
        };
        half_open |= fault == Fault::HalfOpen;
        if half_open {
            continue;
        }
        match fault {
            Fault::Corrupt if from_server => state.corrupt(data, fault),
            Fault::Garble if !from_server => state.corrupt(data, fault),
            _ => {}
        }
        match fault {
            Fault::Trickle => {
                for piece in data.chunks(64) {
                    pair.write(to, piece)?;
                    thread::sleep(Duration::from_millis(2));
                }
            }
            Fault::Split => {
                let mut rest = &*data;
                while !rest.is_empty() {
                    let most = state.rng.lock().unwrap().usize(1..100).min(rest.len());
                    let (piece, following) = rest.split_at(most);
                    pair.write(to, piece)?;
                    rest = following;
                }
            }
            Fault::Join => {
                thread::sleep(Duration::from_millis(30));
                pair.write(to, data)?;
            }
            _ => pair.write(to, data)?,
        }
    }
}

impl State {
    /// Flips one bit, once.
    fn corrupt(&self, data: &mut [u8], fault: Fault) {
        let mut current = self.fault.lock().unwrap();
        if *current == fault {
            *current = Fault::None;
            let mut rng = self.rng.lock().unwrap();
            data[rng.usize(..data.len())] ^= 1 << rng.u8(..8);
        }
    }
}

#[test]
fn the_fault_proxys_reset_reaches_both_sides_as_a_connection_reset() {
    for round in 0..20 {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = Proxy::start(server.local_addr().unwrap().port(), 0);
        let mut client = TcpStream::connect(("127.0.0.1", proxy.port)).unwrap();
        let mut accepted = server.accept().unwrap().0;
        client.write_all(b"hello").unwrap();
        accepted.read_exact(&mut [0; 5]).unwrap();
        proxy.reset();
        for socket in [&mut client, &mut accepted] {
            let end = socket.read(&mut [0]).map_err(|error| error.kind());
            assert_eq!(end, Err(io::ErrorKind::ConnectionReset), "round {round}");
        }
        assert!(!proxy.is_used());
    }
}
