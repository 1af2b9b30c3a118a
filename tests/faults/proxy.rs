//! A TCP proxy that does on purpose what networks do by accident.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What happens to what passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    None,
    /// Nothing passes; it is kept.
    Freeze,
    /// Nothing passes; it is lost, and nobody is told.
    HalfOpen,
    /// Sixty-four bytes now and then.
    Trickle,
    /// Every packet in pieces.
    Split,
    /// Many packets as one.
    Join,
    /// One byte of what the server says next is another.
    Corrupt,
}

struct State {
    fault: Mutex<Fault>,
    connections: Mutex<Vec<(TcpStream, TcpStream)>>,
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

    /// Resets every connection, wherever its frames are.
    pub fn reset(&self) {
        for (client, server) in self.state.connections.lock().unwrap().drain(..) {
            for socket in [&client, &server] {
                linger_not(socket);
                let _ = socket.shutdown(Shutdown::Both);
            }
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.state.over.store(true, Ordering::SeqCst);
        self.reset();
        // Wakes the listener.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn linger_not(socket: &TcpStream) {
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
        linger_not(&client);
        return;
    };
    let pair = (client.try_clone().unwrap(), server.try_clone().unwrap());
    state.connections.lock().unwrap().push(pair);
    let (from_client, to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    for (from, to, from_server) in [(from_client, to_server, false), (server, client, true)] {
        let _ = to.set_nodelay(true);
        let state = Arc::clone(state);
        thread::spawn(move || {
            let _ = pump(&state, &from, &to, from_server);
            let _ = from.shutdown(Shutdown::Both);
            let _ = to.shutdown(Shutdown::Both);
        });
    }
}

fn pump(
    state: &State,
    mut from: &TcpStream,
    mut to: &TcpStream,
    from_server: bool,
) -> std::io::Result<()> {
    let mut buffer = vec![0; 64 << 10];
    // What is lost once makes a stream worthless: the connection stays deaf.
    let mut deaf = false;
    loop {
        let length = from.read(&mut buffer)?;
        if length == 0 {
            return Ok(());
        }
        let mut data = buffer[..length].to_vec();
        loop {
            let fault = *state.fault.lock().unwrap();
            deaf |= fault == Fault::HalfOpen;
            match fault {
                Fault::Freeze if !state.over.load(Ordering::SeqCst) => {
                    // Learns of a reset all the same.
                    from.take_error()?.map_or(Ok(()), Err)?;
                    thread::sleep(Duration::from_millis(10));
                    continue;
                }
                Fault::Corrupt if from_server => {
                    let mut rng = state.rng.lock().unwrap();
                    let at = rng.usize(..data.len());
                    data[at] ^= 1 << rng.u8(..8);
                    *state.fault.lock().unwrap() = Fault::None;
                }
                _ => {}
            }
            break;
        }
        let fault = *state.fault.lock().unwrap();
        if deaf {
            continue;
        }
        match fault {
            Fault::Trickle => {
                for piece in data.chunks(64) {
                    to.write_all(piece)?;
                    thread::sleep(Duration::from_millis(2));
                }
            }
            Fault::Split => {
                let mut rest = data.as_slice();
                while !rest.is_empty() {
                    let most = state.rng.lock().unwrap().usize(1..100).min(rest.len());
                    let (piece, following) = rest.split_at(most);
                    to.write_all(piece)?;
                    rest = following;
                }
            }
            Fault::Join => {
                thread::sleep(Duration::from_millis(30));
                to.write_all(&data)?;
            }
            _ => to.write_all(&data)?,
        }
    }
}
