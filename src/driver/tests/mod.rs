//! Links against small servers on this machine.

mod links;
mod named;
mod proxies;
mod refusals;
mod socks;
mod tls;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_tungstenite::{WebSocketStream, accept_async};

use super::*;
use crate::protocol::Frame;
use crate::protocol::endpoint::{Endpoint, parse_list};
use crate::secret::Secret;

const SOON: Duration = Duration::from_secs(5);
/// Long enough to notice something that must not happen.
const QUIET: Duration = Duration::from_millis(100);

#[derive(Debug, PartialEq)]
enum Report {
    Opened,
    Frames(Vec<String>),
    Lost(LinkFailure),
}

struct Recorder {
    reports: Mutex<Sender<Report>>,
    panics: bool,
    crowded: bool,
}

impl LinkEvents for Recorder {
    fn opened(&self, _: LinkId) {
        let _ = self.reports.lock().unwrap().send(Report::Opened);
    }

    fn frames(&self, _: LinkId, frames: &mut Vec<Frame>) {
        assert!(!self.panics, "on purpose, by a test");
        let texts = frames.iter().map(|frame| frame.to_string()).collect();
        let _ = self.reports.lock().unwrap().send(Report::Frames(texts));
    }

    fn is_crowded(&self) -> bool {
        self.crowded
    }

    fn lost(&self, _: LinkId, failure: LinkFailure) {
        let _ = self.reports.lock().unwrap().send(Report::Lost(failure));
    }
}

/// A link whose reports can be waited for.
struct Subject {
    link: Link,
    reports: Receiver<Report>,
    _runtime: Arc<Runtime>,
}

/// What a test may change.
struct Setup {
    token: Option<&'static str>,
    options: LinkOptions,
    panics: bool,
    crowded: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Setup {
            token: None,
            options: LinkOptions {
                headers: Vec::new(),
                user_agent: "tests/1".to_owned(),
                proxies: None,
                tls: None,
                max_message_bytes: 64 << 20,
                connect_timeout: SOON,
                counters: Arc::default(),
                watch: Watch::new(),
            },
            panics: false,
            crowded: false,
        }
    }
}

impl Setup {
    fn open(self, url: &str) -> Subject {
        let runtime = Runtime::acquire().unwrap();
        let (reports, heard) = channel();
        let recorder = Recorder {
            reports: Mutex::new(reports),
            panics: self.panics,
            crowded: self.crowded,
        };
        let token = self.token.map(Secret::new);
        let options = Arc::new(self.options);
        let link = open(
            &runtime,
            7,
            endpoint(url),
            token,
            options,
            Arc::new(recorder),
        );
        Subject {
            link,
            reports: heard,
            _runtime: runtime,
        }
    }
}

impl Subject {
    fn next(&self) -> Report {
        self.reports.recv_timeout(SOON).expect("a report")
    }

    fn opened(self) -> Self {
        assert_eq!(self.next(), Report::Opened);
        self
    }

    /// The next frames, at least so many.
    fn frames(&self, count: usize) -> Vec<String> {
        let mut frames = Vec::new();
        while frames.len() < count {
            match self.next() {
                Report::Frames(more) => frames.extend(more),
                other => panic!("{other:?} after {} frames", frames.len()),
            }
        }
        frames
    }

    /// The loss, which has to be the last report.
    fn lost(self) -> LinkFailure {
        match self.next() {
            Report::Lost(failure) => {
                let end = self.reports.recv_timeout(SOON);
                assert_eq!(end, Err(RecvTimeoutError::Disconnected));
                failure
            }
            other => panic!("{other:?} where the loss was expected"),
        }
    }

    fn is_silent(&self) -> bool {
        self.reports.recv_timeout(QUIET).is_err()
    }
}

fn endpoint(url: &str) -> Endpoint {
    parse_list(url).unwrap().remove(0)
}

/// Waits until something becomes true.
fn eventually(is: impl Fn() -> bool) -> bool {
    let end = Instant::now() + SOON;
    while !is() && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(2));
    }
    is()
}

/// A server on a thread of its own, which ends when this is dropped.
struct Server {
    address: SocketAddr,
    _stop: oneshot::Sender<()>,
}

impl Server {
    /// Serves each connection with `serve`.
    fn start<F, S>(serve: S) -> Server
    where
        S: Fn(TcpStream) -> F + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let (stop, stopped) = oneshot::channel();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        listener.set_nonblocking(true).unwrap();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let listener = TcpListener::from_std(listener).unwrap();
                let accepting = async {
                    loop {
                        let (socket, _) = listener.accept().await.unwrap();
                        tokio::spawn(serve(socket));
                    }
                };
                tokio::select! {
                    () = accepting => {}
                    _ = stopped => {}
                }
            });
        });
        Server {
            address,
            _stop: stop,
        }
    }

    /// Serves each connection as a WebSocket.
    fn websocket<F, S>(serve: S) -> Server
    where
        S: Fn(WebSocketStream<TcpStream>) -> F + Clone + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        Server::start(move |socket| {
            let serve = serve.clone();
            async move {
                let socket = accept_async(socket).await.unwrap();
                serve(socket).await
            }
        })
    }

    fn url(&self) -> String {
        format!("ws://{}/websocket", self.address)
    }
}

/// Reads the head of an HTTP request.
async fn read_head(socket: &mut (impl AsyncRead + Unpin)) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(socket.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}
