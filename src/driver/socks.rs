//! SOCKS5 (RFC 1928, with the user and password of RFC 1929), by tokio-socks.
//!
//! Not by hyper-util's connector: its errors cannot be told apart by a caller, and it resolves
//! names on the thread of the I/O.

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_socks::Error;
use tokio_socks::tcp::Socks5Stream;
use tokio_socks::{IntoTargetAddr, TargetAddr};

use super::failure::LinkFailure;
use super::proxy::Proxy;
use crate::secret::Secret;

/// What the URL of a SOCKS5 proxy says.
#[derive(Clone, Debug)]
pub(super) struct Socks {
    /// Whether the proxy resolves names (`socks5h`).
    pub remote_names: bool,
    /// User and password.
    pub login: Option<(Secret, Secret)>,
}

/// Why a proxy opened no connection.
pub(super) struct Refusal {
    pub failure: LinkFailure,
    /// Whether it may open one to another address of the same server.
    pub of_address: bool,
}

/// Asks a SOCKS5 proxy for a connection to `target`, which messages show as `shown`.
pub(super) async fn open<S: AsyncRead + AsyncWrite + Unpin>(
    proxy: &Proxy,
    socks: &Socks,
    socket: S,
    target: TargetAddr<'_>,
    shown: &str,
) -> Result<S, Refusal> {
    let answer = match &socks.login {
        None => Socks5Stream::connect_with_socket(socket, Target(target)).await,
        Some((user, password)) => {
            let (user, password) = (user.expose(), password.expose());
            Socks5Stream::connect_with_password_and_socket(socket, Target(target), user, password)
                .await
        }
    };
    answer.map(Socks5Stream::into_inner).map_err(|error| {
        let of_address = matches!(
            error,
            Error::NetworkUnreachable
                | Error::HostUnreachable
                | Error::ConnectionRefused
                | Error::TtlExpired
                | Error::AddressTypeNotSupported
        );
        let failure = proxy.failed(&reason(&error, socks, shown));
        Refusal {
            failure,
            of_address,
        }
    })
}

fn reason(error: &Error, socks: &Socks, target: &str) -> String {
    let is_address = target.parse::<std::net::SocketAddr>().is_ok();
    let names = match socks.remote_names {
        _ if is_address => "",
        true => "; the proxy resolves the name, as socks5h:// says; socks5:// has it resolved here",
        false => {
            "; the name is resolved here, as socks5:// says; socks5h:// has the proxy resolve it"
        }
    };
    match error {
        Error::AuthorizationRequired | Error::NoAcceptableAuthMethods if socks.login.is_none() => {
            "wants credentials: write the option proxy with user:password@ before the host".into()
        }
        Error::NoAcceptableAuthMethods => {
            "takes neither a user and password nor none, so this client cannot use it".into()
        }
        Error::PasswordAuthFailure(_) => "refused the user and password of the option proxy".into(),
        Error::GeneralSocksServerFailure => {
            format!("failed to connect to {target} (SOCKS reply 1): its log may say why{names}")
        }
        Error::ConnectionNotAllowedByRuleset => format!(
            "does not allow connections to {target} (SOCKS reply 2): its rules have to name that \
             host and port"
        ),
        Error::NetworkUnreachable => {
            format!("has no route to {target} (SOCKS reply 3): check the host in the URL{names}")
        }
        Error::HostUnreachable => {
            format!("cannot reach {target} (SOCKS reply 4): check the host in the URL{names}")
        }
        Error::ConnectionRefused => format!(
            "got no connection to {target}, which refused it (SOCKS reply 5): is the server \
             running?"
        ),
        Error::TtlExpired => {
            format!("got no answer from {target} (SOCKS reply 6): is the server running?")
        }
        Error::CommandNotSupported => {
            "opens no connections (SOCKS reply 7): use a SOCKS5 proxy that does".into()
        }
        Error::AddressTypeNotSupported => {
            format!("does not take the kind of address of {target} (SOCKS reply 8){names}")
        }
        // So the crate also names a reply that it does not know.
        Error::UnknownAuthMethod | Error::UnknownError => format!(
            "gave an answer that SOCKS5 does not define when it was asked for {target}: its log \
             may say why"
        ),
        Error::Io(error) => format!("broke the connection: {error}"),
        Error::InvalidTargetAddress(_) => {
            format!("cannot be asked for {target}: the name is longer than SOCKS allows")
        }
        _ => "did not answer as a SOCKS5 proxy does: check its port, and whether it is an HTTP \
              proxy"
            .into(),
    }
}

/// Passes an address on as it is.
struct Target<'a>(TargetAddr<'a>);

impl<'a> IntoTargetAddr<'a> for Target<'a> {
    fn into_target_addr(self) -> tokio_socks::Result<TargetAddr<'a>> {
        match &self.0 {
            TargetAddr::Domain(name, _) if name.len() > 255 => {
                Err(Error::InvalidTargetAddress("overlong"))
            }
            _ => Ok(self.0),
        }
    }
}
