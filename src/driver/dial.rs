//! Opens TCP to the first of a host's addresses that answers (RFC 8305, "happy eyeballs").
//!
//! hyper-util's connector is not used: where one family does not answer it waits for the end of the
//! attempt, although an address of the other has refused, and so does not tell that nothing listens.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::failure::{FailureKind, LinkFailure};
use super::stream::Tcp;

/// How long an address is tried alone.
const HEAD_START: Duration = Duration::from_millis(250);
/// How long silent addresses are waited for when another has refused, which shows that the machine
/// can be reached.
const AFTER_REFUSAL: Duration = Duration::from_secs(3);

/// Tries the addresses of `name`, each a little after the one before it. Does not end before `time`
/// if none of them answers.
pub(super) async fn dial(
    addresses: &[SocketAddr],
    name: &str,
    time: Duration,
) -> Result<Tcp, LinkFailure> {
    let begin = Instant::now();
    let mut waiting = interleaved(addresses);
    let mut attempts = JoinSet::new();
    let mut failed = Failed::default();
    loop {
        if let Some((rank, address)) = waiting.pop_front() {
            attempts.spawn(async move { (rank, TcpStream::connect(address).await) });
        }
        let patience = if !waiting.is_empty() {
            HEAD_START
        } else if failed.is_refused() {
            AFTER_REFUSAL.min(time / 2).saturating_sub(begin.elapsed())
        } else {
            Duration::MAX
        };
        match timeout(patience, attempts.join_next()).await {
            Ok(Some(Ok((_, Ok(socket))))) => return Ok(Tcp::new(socket)),
            Ok(Some(Ok((rank, Err(error))))) => {
                failed.note(rank, LinkFailure::of_connect(name, &error));
            }
            // A panic of tokio's; the other addresses are still tried.
            Ok(Some(Err(_))) => {}
            Ok(None) | Err(_) if waiting.is_empty() => break,
            Ok(None) | Err(_) => {}
        }
    }
    Err(failed.reported.map_or_else(
        || LinkFailure::new(FailureKind::Dns, format!("the name {name} has no address")),
        |(_, failure)| failure,
    ))
}

/// The failure to report. The system puts the best address first, so its failure is reported,
/// unless another address has refused.
#[derive(Default)]
struct Failed {
    reported: Option<(usize, LinkFailure)>,
}

impl Failed {
    fn is_refused(&self) -> bool {
        let kind = self.reported.as_ref().map(|(_, failure)| failure.kind);
        kind == Some(FailureKind::Refused)
    }

    fn note(&mut self, rank: usize, failure: LinkFailure) {
        let refused = failure.kind == FailureKind::Refused;
        let is_better = match &self.reported {
            None => true,
            Some((best, _)) if refused == self.is_refused() => rank < *best,
            Some(_) => refused,
        };
        if is_better {
            self.reported = Some((rank, failure));
        }
    }
}

/// The addresses with their ranks, families in turn, beginning with that of the first.
fn interleaved(addresses: &[SocketAddr]) -> VecDeque<(usize, SocketAddr)> {
    let family = |address: &SocketAddr| address.is_ipv6();
    let first = addresses.first().map(family);
    let (mut preferred, mut other): (VecDeque<_>, VecDeque<_>) = addresses
        .iter()
        .copied()
        .partition(|address| Some(family(address)) == first);
    let mut order = VecDeque::new();
    while let Some(address) = preferred.pop_front() {
        order.push_back(address);
        order.extend(other.pop_front());
    }
    order.extend(other);
    order.into_iter().enumerate().collect()
}

#[cfg(test)]
mod tests;
