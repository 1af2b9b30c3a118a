//! A WebSocket server whose every message a test decides, for faults that a real server
//! cannot be made to show. The test itself plays the server, so that it reads from top
//! to bottom.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::time::Duration;

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::frame;
use super::log::{WAIT_TIMEOUT, eventually};

/// Listens on loopback.
pub struct ScriptedServer {
    listener: TcpListener,
    pub port: u16,
}

/// A connection whose upgrade request has been read and not answered.
pub struct Handshake {
    pub socket: TcpStream,
    /// The request line and the headers.
    pub head: String,
}

/// An open WebSocket.
pub struct Link {
    pub socket: TcpStream,
    pub head: String,
}

impl ScriptedServer {
    pub fn new() -> ScriptedServer {
        ScriptedServer::on_port(0)
    }

    /// On a port that is known to be free.
    pub fn on_port(port: u16) -> ScriptedServer {
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let port = listener.local_addr().unwrap().port();
        ScriptedServer { listener, port }
    }

    pub fn url(&self) -> String {
        format!("ws://127.0.0.1:{}/websocket", self.port)
    }

    /// The next connection.
    #[track_caller]
    pub fn connection(&self) -> TcpStream {
        assert!(
            self.has_connection_within(WAIT_TIMEOUT),
            "no client connects"
        );
        let socket = self.accept();
        socket.set_read_timeout(Some(WAIT_TIMEOUT)).unwrap();
        socket.set_write_timeout(Some(WAIT_TIMEOUT)).unwrap();
        socket
    }

    /// The next connection, however long it takes, without time limits.
    pub fn accept(&self) -> TcpStream {
        let socket = self.listener.accept().unwrap().0;
        socket.set_nodelay(true).unwrap();
        socket
    }

    /// The next connection and its request.
    #[track_caller]
    pub fn handshake(&self) -> Handshake {
        Handshake::read(self.connection())
    }

    /// The next connection, upgraded.
    #[track_caller]
    pub fn link(&self) -> Link {
        self.handshake().upgrade()
    }

    /// The next connection, upgraded and authenticated.
    #[track_caller]
    pub fn ready(&self) -> Link {
        let mut link = self.link();
        link.authenticate();
        link
    }

    /// Whether a client connects in that time.
    pub fn has_connection_within(&self, time: Duration) -> bool {
        let mut poll = libc::pollfd {
            fd: self.listener.as_raw_fd(),
            events: libc::POLLIN,
            revents: 0,
        };
        // SAFETY: one pollfd, whose length is passed.
        unsafe { libc::poll(&mut poll, 1, time.as_millis() as i32) == 1 }
    }
}

impl Handshake {
    /// Reads a request's line and headers.
    #[track_caller]
    pub fn read(socket: TcpStream) -> Handshake {
        Handshake::try_read(socket).expect("a whole request")
    }

    pub fn try_read(mut socket: TcpStream) -> io::Result<Handshake> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            socket.read_exact(&mut byte)?;
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).map_err(io::Error::other)?;
        Ok(Handshake { socket, head })
    }

    /// All values of a header.
    pub fn header(&self, name: &str) -> Vec<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(':'));
        lines
            .filter(|(of, _)| of.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
            .collect()
    }

    /// The request's path, with its query.
    pub fn path(&self) -> &str {
        self.head.split(' ').nth(1).unwrap()
    }

    /// Sends this text as the response, and closes.
    pub fn answer(mut self, text: &str) {
        // The other side may be gone already.
        let _ = self.socket.write_all(text.as_bytes());
    }

    /// Refuses the upgrade as Directus does: with a status line only.
    pub fn refuse(self, status: &str) {
        self.answer(&format!("HTTP/1.1 {status}\r\n\r\n"));
    }

    pub fn upgrade(self) -> Link {
        self.try_upgrade().unwrap()
    }

    pub fn try_upgrade(mut self) -> io::Result<Link> {
        let accept = derive_accept_key(self.header("Sec-WebSocket-Key")[0].as_bytes());
        let answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {accept}\r\n\r\n"
        );
        self.socket.write_all(answer.as_bytes())?;
        Ok(Link {
            socket: self.socket,
            head: self.head,
        })
    }
}

impl Link {
    /// The next message.
    #[track_caller]
    pub fn next(&mut self) -> Value {
        match self.try_next() {
            Ok(message) => message,
            Err(error) => panic!("a message was expected: {error}"),
        }
    }

    /// The next message, or the error of a link that has ended.
    pub fn try_next(&mut self) -> io::Result<Value> {
        loop {
            let (opcode, payload) = frame::read(&mut self.socket)?;
            match opcode {
                frame::TEXT => return Ok(serde_json::from_slice(&payload).expect("JSON")),
                frame::CLOSE => return Err(io::ErrorKind::UnexpectedEof.into()),
                frame::PONG => {}
                other => panic!("a frame with opcode {other}"),
            }
        }
    }

    /// The next message; panics if it is of another type. Heartbeats that come first are
    /// answered: on a busy machine they may come at any time.
    #[track_caller]
    pub fn expect(&mut self, kind: &str) -> Value {
        let heartbeat = json!({"type": "ping"});
        let mut message = self.next();
        while kind != "ping" && message == heartbeat {
            self.answer(&heartbeat);
            message = self.next();
        }
        assert_eq!(message["type"], kind, "{message}");
        message
    }

    /// Whether no data arrives in that time.
    pub fn is_silent_for(&mut self, time: Duration) -> bool {
        self.socket.set_read_timeout(Some(time)).unwrap();
        let peeked = self.socket.peek(&mut [0]);
        self.socket.set_read_timeout(Some(WAIT_TIMEOUT)).unwrap();
        peeked.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }

    /// Reads until the other side closes.
    #[track_caller]
    pub fn until_closed(&mut self) {
        let end = loop {
            match self.socket.read(&mut [0; 4096]) {
                Ok(0) => break Ok(()),
                Ok(_) => {}
                Err(error) => break Err(error),
            }
        };
        let gone = |error: &io::Error| error.kind() == io::ErrorKind::ConnectionReset;
        assert!(end.as_ref().err().is_none_or(gone), "{end:?}");
    }

    #[track_caller]
    pub fn raw(&mut self, bytes: &[u8]) {
        self.socket.write_all(bytes).unwrap();
    }

    #[track_caller]
    pub fn text(&mut self, text: &str) {
        self.raw(&frame::encode(frame::TEXT, true, text.as_bytes()));
    }

    #[track_caller]
    pub fn send(&mut self, message: &Value) {
        self.text(&message.to_string());
    }

    /// Accepts any credentials, and returns the `auth` message.
    #[track_caller]
    pub fn authenticate(&mut self) -> Value {
        let auth = self.expect("auth");
        self.send(&auth_ok(&auth));
        auth
    }

    /// Confirms the next subscribe with an empty snapshot, and answers the read of the
    /// exact snapshot that follows. Returns the wire uid.
    #[track_caller]
    pub fn confirm_subscribe_and_read(&mut self) -> String {
        let wire = self.confirm_subscribe();
        let read = self.expect("items");
        self.answer(&read);
        wire
    }

    /// Confirms the next subscribe, and leaves the read of its snapshot unanswered.
    /// Returns the wire uid.
    #[track_caller]
    pub fn confirm_subscribe(&mut self) -> String {
        let subscribe = self.expect("subscribe");
        self.answer(&subscribe);
        subscribe["uid"].as_str().unwrap().to_owned()
    }

    /// Answers a message as Directus would, with empty snapshots.
    #[track_caller]
    pub fn answer(&mut self, message: &Value) {
        if let Some(answer) = answer_to(message) {
            self.send(&answer);
        }
    }

    /// An event of a subscription.
    #[track_caller]
    pub fn event(&mut self, wire: &str, kind: &str, data: &Value) {
        self.send(&event(wire, kind, data));
    }

    /// The next message of a type; those before it are answered.
    #[track_caller]
    pub fn answer_until(&mut self, kind: &str) -> Value {
        loop {
            let message = self.next();
            if message["type"] == kind {
                return message;
            }
            self.answer(&message);
        }
    }

    /// Answers everything as Directus would, until the client closes.
    pub fn serve(mut self) {
        while let Ok(message) = self.try_next() {
            if let Some(answer) = answer_to(&message) {
                let frame = frame::encode(frame::TEXT, true, answer.to_string().as_bytes());
                if self.socket.write_all(&frame).is_err() {
                    return;
                }
            }
        }
    }

    /// Keeps the connection open until a condition holds.
    #[track_caller]
    pub fn hold_until(self, so: impl Fn() -> bool) {
        eventually("what the link is held for", so);
    }

    /// Ends the connection with a TCP reset.
    pub fn reset(self) {
        let linger = libc::linger {
            l_onoff: 1,
            l_linger: 0,
        };
        // SAFETY: an open socket and a whole struct.
        let set = unsafe {
            libc::setsockopt(
                self.socket.as_raw_fd(),
                libc::SOL_SOCKET,
                libc::SO_LINGER,
                (&raw const linger).cast(),
                size_of::<libc::linger>() as libc::socklen_t,
            )
        };
        assert_eq!(set, 0);
    }

    /// Closes the connection without a close frame.
    pub fn hang_up(self) {
        let _ = self.socket.shutdown(Shutdown::Both);
    }
}

pub fn auth_ok(auth: &Value) -> Value {
    let mut answer = json!({"type": "auth", "status": "ok"});
    if let Some(uid) = auth.get("uid") {
        answer["uid"] = uid.clone();
    }
    answer
}

pub fn event(wire: &str, kind: &str, data: &Value) -> Value {
    json!({"type": "subscription", "event": kind, "data": data, "uid": wire})
}

/// What Directus would say, with empty snapshots.
pub fn answer_to(message: &Value) -> Option<Value> {
    let uid = &message["uid"];
    Some(match message["type"].as_str()? {
        "auth" => auth_ok(message),
        "ping" if uid.is_null() => json!({"type": "pong"}),
        "ping" => json!({"type": "pong", "uid": uid}),
        "subscribe" if message["event"].is_null() => {
            json!({"type": "subscription", "event": "init", "data": [], "uid": uid})
        }
        "subscribe" => json!({"type": "subscription", "event": "init", "uid": uid}),
        "unsubscribe" => json!({"type": "subscription", "event": "unsubscribe", "uid": uid}),
        "items" => json!({"type": "items", "data": [], "uid": uid}),
        _ => return None,
    })
}
