//! The peers: clients as an application would write them without the library, each in the fastest
//! ordinary way for its work, with tokio-tungstenite.

mod back;
mod flood;
mod paced;
mod rows;

use futures_util::SinkExt;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

pub use back::come_back;
pub use flood::flood;
pub use paced::paced;
pub use rows::read_all;

type Link = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// One thread for everything, which costs the least.
fn run<R>(work: impl Future<Output = R>) -> R {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(work)
}

async fn connect(url: &str) -> Link {
    let (link, _) = tokio_tungstenite::connect_async(url).await.expect("a link");
    link
}

/// Subscribes and reads the snapshot, without waiting for answers: events follow.
async fn subscribe(link: &mut Link) {
    for request in [
        r#"{"type":"auth","access_token":"t"}"#,
        r#"{"type":"subscribe","collection":"posts","uid":"s"}"#,
        r#"{"type":"items","action":"read","collection":"posts","uid":"r"}"#,
    ] {
        link.send(Message::text(request)).await.expect("sent");
    }
}
