use super::*;
use tokio::net::{TcpListener, TcpSocket};

fn run<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(test)
}

/// An address that never answers, as long as what comes with it is kept.
async fn silent() -> (SocketAddr, TcpListener, Vec<JoinSet<()>>) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    // The system drops what no longer fits in the queue of a listener that does not accept.
    let mut full = JoinSet::new();
    for _ in 0..8 {
        full.spawn(async move {
            let connected = TcpStream::connect(address).await;
            std::future::pending::<()>().await;
            drop(connected);
        });
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    (address, listener, vec![full])
}

/// An address at which nothing listens.
async fn refusing() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap()
}

async fn answering() -> (SocketAddr, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    (listener.local_addr().unwrap(), listener)
}

const LONG: Duration = Duration::from_secs(30);

#[test]
fn a_silent_address_does_not_keep_the_next_one_waiting() {
    run(async {
        let (dead, _listener, _full) = silent().await;
        let (alive, _alive) = answering().await;
        let begin = Instant::now();
        dial(&[dead, dead, alive], "host:1", LONG).await.unwrap();
        let elapsed = begin.elapsed();
        assert!(
            (2 * HEAD_START..Duration::from_secs(5)).contains(&elapsed),
            "{elapsed:?}"
        );
    });
}

#[test]
fn the_next_address_is_tried_at_once_after_a_refusal() {
    run(async {
        let (alive, _alive) = answering().await;
        let dead = refusing().await;
        let begin = Instant::now();
        let many = vec![dead; 20]
            .into_iter()
            .chain([alive])
            .collect::<Vec<_>>();
        dial(&many, "host:1", LONG).await.unwrap();
        assert!(begin.elapsed() < 10 * HEAD_START);
    });
}

#[test]
fn a_refusal_is_reported_although_another_address_is_silent() {
    run(async {
        let (dead, _listener, _full) = silent().await;
        let refusing = refusing().await;
        for addresses in [[dead, refusing], [refusing, dead]] {
            let dialled = timeout(LONG, dial(&addresses, "host:1", LONG)).await;
            let failure = dialled.expect("before the time is over").unwrap_err();
            assert_eq!(failure.kind, FailureKind::Refused, "{failure:?}");
            assert!(failure.message.contains("host:1"), "{failure:?}");
        }
    });
}

#[test]
fn silent_addresses_alone_are_waited_for() {
    run(async {
        let (dead, _listener, _full) = silent().await;
        let addresses = [dead, dead];
        let dialled = dial(&addresses, "host:1", LONG);
        let longer = AFTER_REFUSAL + Duration::from_millis(200);
        assert!(timeout(longer, dialled).await.is_err());
    });
}

#[test]
fn without_an_address_the_name_is_reported() {
    let failure = run(dial(&[], "host:1", LONG)).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Dns);
}

#[test]
fn families_take_turns_beginning_with_the_first() {
    let parse = |list: &[&str]| -> Vec<SocketAddr> {
        list.iter().map(|text| text.parse().unwrap()).collect()
    };
    let given = parse(&["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1", "2.2.2.2:1"]);
    let order = parse(&["[::1]:1", "1.1.1.1:1", "[::2]:1", "2.2.2.2:1", "[::3]:1"]);
    let found = interleaved(&given);
    assert_eq!(
        found,
        order.into_iter().enumerate().collect::<VecDeque<_>>()
    );
    let given = parse(&["1.1.1.1:1", "[::1]:1", "[::2]:1"]);
    let order: Vec<_> = interleaved(&given)
        .into_iter()
        .map(|(_, address)| address)
        .collect();
    assert_eq!(order, given);
}
