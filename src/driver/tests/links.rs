//! Links that open: frames in both directions, and how they end.

use futures_util::{SinkExt, StreamExt};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::Frame as RawFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use super::*;

type Accepted = WebSocketStream<TcpStream>;

/// Sends everything back until the client leaves.
async fn echo(mut socket: Accepted) {
    while let Some(Ok(message)) = socket.next().await {
        if message.is_text() {
            socket.send(message).await.unwrap();
        }
    }
}

fn texts(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|number| format!("{{\"n\":{number}}}")).collect()
}

#[test]
fn frames_are_sent_and_received_in_order_and_counted() {
    let server = Server::websocket(echo);
    let setup = Setup::default();
    let counters = Arc::clone(&setup.options.counters);
    let subject = setup.open(&server.url()).opened();
    let sent = texts(0..2_000);
    for text in &sent {
        subject.link.send(text.clone());
    }
    assert_eq!(subject.frames(sent.len()), sent);
    let bytes = sent.iter().map(String::len).sum::<usize>() as u64;
    let totals = Totals {
        frames_in: 2_000,
        bytes_in: bytes,
        frames_out: 2_000,
        bytes_out: bytes,
    };
    assert_eq!(counters.read(), totals);
    assert!(eventually(|| subject.link.unsent_bytes() == 0));
}

#[test]
fn frames_sent_before_the_link_is_open_go_out_first() {
    let server = Server::websocket(echo);
    let subject = Setup::default().open(&server.url());
    subject.link.send("first".into());
    let subject = subject.opened();
    subject.link.send("second".into());
    assert_eq!(subject.frames(2), ["first", "second"]);
}

#[test]
fn frames_that_arrive_together_are_reported_in_large_batches() {
    let server = Server::websocket(|mut socket: Accepted| async move {
        for text in texts(0..5_000) {
            socket.feed(Message::text(text)).await.unwrap();
        }
        socket.flush().await.unwrap();
        socket.next().await;
    });
    let subject = Setup::default().open(&server.url()).opened();
    let (mut batches, mut frames) = (0, Vec::new());
    while frames.len() < 5_000 {
        let batch = subject.frames(1);
        assert!(batch.len() <= 1024);
        batches += 1;
        frames.extend(batch);
    }
    assert_eq!(frames, texts(0..5_000));
    assert!(batches < 500, "{batches} batches");
}

#[test]
fn every_address_of_a_name_is_tried() {
    // The server listens on IPv4 only, and localhost may be IPv6 first.
    let server = Server::websocket(echo);
    let url = format!("ws://localhost:{}/websocket", server.address.port());
    let before = Instant::now();
    Setup::default().open(&url).opened();
    assert!(before.elapsed() < Duration::from_secs(2));
}

#[test]
fn fragments_are_joined_and_binary_frames_of_text_are_read_as_text() {
    let server = Server::websocket(|mut socket: Accepted| async move {
        let fragment = |text: &'static str, kind, last| {
            Message::Frame(RawFrame::message(text, OpCode::Data(kind), last))
        };
        for message in [
            fragment("frag", Data::Text, false),
            Message::Ping("between".into()),
            fragment("men", Data::Continue, false),
            fragment("ted", Data::Continue, true),
            Message::Binary("bïnary".into()),
            Message::Binary(vec![0xff, 0xfe].into()),
            Message::text("last"),
        ] {
            socket.send(message).await.unwrap();
        }
        socket.next().await;
    });
    let subject = Setup::default().open(&server.url()).opened();
    assert_eq!(subject.frames(3), ["fragmented", "bïnary", "last"]);
}

#[test]
fn pings_are_answered_and_a_flood_of_them_delays_nothing() {
    let server = Server::websocket(|mut socket: Accepted| async move {
        for _ in 0..3_000 {
            socket.feed(Message::Ping("p".into())).await.unwrap();
        }
        socket.flush().await.unwrap();
        while !socket.next().await.unwrap().unwrap().is_pong() {}
        socket.send(Message::text("ponged")).await.unwrap();
        while let Some(Ok(_)) = socket.next().await {}
    });
    let subject = Setup::default().open(&server.url()).opened();
    assert_eq!(subject.frames(1), ["ponged"]);
}

#[test]
fn a_crowded_owner_gets_every_frame() {
    let server = Server::websocket(|mut socket: Accepted| async move {
        for text in texts(0..5_000) {
            socket.feed(Message::text(text)).await.unwrap();
        }
        socket.feed(Message::Ping("p".into())).await.unwrap();
        socket.flush().await.unwrap();
        while !socket.next().await.unwrap().unwrap().is_pong() {}
        socket.send(Message::text("ponged")).await.unwrap();
        while let Some(Ok(_)) = socket.next().await {}
    });
    let setup = Setup {
        crowded: true,
        ..Setup::default()
    };
    let subject = setup.open(&server.url()).opened();
    let mut frames = subject.frames(5_001);
    assert_eq!(frames.pop().as_deref(), Some("ponged"));
    assert_eq!(frames, texts(0..5_000));
}

#[test]
fn a_close_frame_is_reported_with_code_and_reason_after_the_last_frames() {
    let server = Server::websocket(|mut socket: Accepted| async move {
        socket.feed(Message::text("why")).await.unwrap();
        let close = CloseFrame {
            code: 1009.into(),
            reason: "too\nlarge".into(),
        };
        socket.close(Some(close)).await.unwrap();
        socket.next().await;
    });
    let subject = Setup::default().open(&server.url()).opened();
    assert_eq!(subject.frames(1), ["why"]);
    let failure = subject.lost();
    assert_eq!(failure.kind, FailureKind::Closed);
    assert!(
        failure.message.contains("1009: too\u{fffd}large"),
        "{failure:?}"
    );
}

#[test]
fn the_servers_close_frame_is_answered() {
    let (sender, receiver) = channel();
    let server = Server::websocket(move |mut socket: Accepted| {
        let sender = sender.clone();
        async move {
            socket.close(None).await.unwrap();
            sender.send(socket.next().await.unwrap().unwrap()).unwrap();
        }
    });
    let failure = Setup::default().open(&server.url()).opened().lost();
    assert_eq!(failure.kind, FailureKind::Closed);
    assert!(receiver.recv_timeout(SOON).unwrap().is_close());
}

#[test]
fn a_connection_that_ends_without_a_close_frame_is_reported_as_closed() {
    let server = Server::websocket(|mut socket: Accepted| async move {
        socket.send(Message::text("last words")).await.unwrap();
    });
    let subject = Setup::default().open(&server.url()).opened();
    assert_eq!(subject.frames(1), ["last words"]);
    assert_eq!(subject.lost().kind, FailureKind::Closed);
}

#[test]
fn last_frames_are_received_although_writing_has_failed() {
    let server = Server::websocket(|mut socket: Accepted| async move {
        // The client goes on sending into a connection that is gone.
        socket.next().await;
        socket.send(Message::text("last words")).await.unwrap();
    });
    for _ in 0..20 {
        let subject = Setup::default().open(&server.url()).opened();
        subject.link.send("go".into());
        let heard = loop {
            subject.link.send("x".repeat(1_000));
            match subject.reports.try_recv() {
                Ok(Report::Frames(frames)) => break frames,
                Ok(other) => panic!("{other:?} before the last words"),
                Err(_) => std::thread::yield_now(),
            }
        };
        assert_eq!(heard, ["last words"]);
        assert_eq!(subject.lost().kind, FailureKind::Closed);
    }
}

#[test]
fn a_message_above_the_limit_ends_the_link_and_names_the_option() {
    let server = Server::websocket(|mut socket: Accepted| async move {
        socket.send(Message::text("x".repeat(1_000))).await.unwrap();
        let _ = socket.send(Message::text("x".repeat(1_001))).await;
        socket.next().await;
    });
    let mut setup = Setup::default();
    setup.options.max_message_bytes = 1_000;
    let subject = setup.open(&server.url()).opened();
    assert_eq!(subject.frames(1), ["x".repeat(1_000)]);
    let failure = subject.lost();
    assert_eq!(failure.kind, FailureKind::TooLarge);
    assert!(failure.message.contains("max_message_bytes"), "{failure:?}");
}

#[test]
fn data_that_is_no_websocket_frame_is_a_protocol_failure() {
    use tokio::io::AsyncWriteExt;
    let server = Server::websocket(|mut socket: Accepted| async move {
        socket.get_mut().write_all(&[0xff; 64]).await.unwrap();
        socket.next().await;
    });
    let failure = Setup::default().open(&server.url()).opened().lost();
    assert_eq!(failure.kind, FailureKind::Protocol);
}

#[test]
fn close_sends_what_was_given_and_then_a_close_frame() {
    let (sender, receiver) = channel();
    let server = Server::websocket(move |mut socket: Accepted| {
        let sender = sender.clone();
        async move {
            while let Some(Ok(message)) = socket.next().await {
                sender.send(message).unwrap();
            }
        }
    });
    let subject = Setup::default().open(&server.url()).opened();
    let large = "x".repeat(3 << 20);
    subject.link.send(large.clone());
    subject.link.close();
    subject.link.send("too late".into());
    let before = Instant::now();
    let failure = subject.lost();
    assert_eq!(failure.kind, FailureKind::Closed);
    assert!(failure.message.contains("by this side"), "{failure:?}");
    assert!(before.elapsed() < Duration::from_millis(900));
    assert_eq!(receiver.recv_timeout(SOON).unwrap(), Message::text(large));
    assert!(receiver.recv_timeout(SOON).unwrap().is_close());
    assert!(receiver.recv_timeout(QUIET).is_err());
}

#[test]
fn dropping_a_link_closes_it() {
    let (sender, receiver) = channel();
    let server = Server::websocket(move |mut socket: Accepted| {
        let sender = sender.clone();
        async move {
            sender.send(socket.next().await.unwrap().unwrap()).unwrap();
        }
    });
    let subject = Setup::default().open(&server.url()).opened();
    drop(subject.link);
    assert!(receiver.recv_timeout(SOON).unwrap().is_close());
    assert!(matches!(
        subject.reports.recv_timeout(SOON).unwrap(),
        Report::Lost(_)
    ));
}

/// A peer that sends and never reads.
async fn deaf(mut socket: Accepted) {
    loop {
        if socket.send(Message::text("hear me")).await.is_err() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A link to a peer that does not read, with more than the system takes.
fn stuck(server: &Server) -> Subject {
    let subject = Setup::default().open(&server.url()).opened();
    for _ in 0..32 {
        subject.link.send("x".repeat(1 << 20));
    }
    subject
}

#[test]
fn frames_of_a_peer_that_does_not_read_arrive_and_unsent_bytes_are_counted() {
    let server = Server::websocket(deaf);
    let subject = stuck(&server);
    subject.frames(20);
    assert!(subject.link.unsent_bytes() > 1 << 20);
}

#[test]
fn close_does_not_wait_for_a_peer_that_does_not_read() {
    let server = Server::websocket(deaf);
    let subject = stuck(&server);
    subject.link.close();
    let before = Instant::now();
    while !matches!(subject.next(), Report::Lost(_)) {}
    let took = before.elapsed();
    assert!(took > Duration::from_millis(800), "{took:?}");
    assert!(took < Duration::from_millis(1_800), "{took:?}");
}

#[test]
fn abort_ends_the_socket_at_once_and_reports_nothing() {
    let (sender, receiver) = channel();
    let server = Server::websocket(move |socket: Accepted| {
        let sender = sender.clone();
        async move {
            deaf(socket).await;
            sender.send(()).unwrap();
        }
    });
    let subject = stuck(&server);
    subject.frames(1);
    subject.link.abort();
    receiver.recv_timeout(SOON).unwrap();
    while let Ok(report) = subject.reports.recv_timeout(SOON) {
        assert!(matches!(report, Report::Frames(_)), "{report:?}");
    }
}

#[test]
fn a_panic_in_the_owner_loses_that_link_and_no_other() {
    let server = Server::websocket(echo);
    let healthy = Setup::default().open(&server.url()).opened();
    let setup = Setup {
        panics: true,
        ..Setup::default()
    };
    let faulty = setup.open(&server.url()).opened();
    faulty.link.send("boom".into());
    assert!(faulty.lost().message.contains("bug in directus-realtime"));
    healthy.link.send("well".into());
    assert_eq!(healthy.frames(1), ["well"]);
}
