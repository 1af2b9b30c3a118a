//! Which proxy a server is reached through: the one of the option `proxy`, or what the environment
//! says, as other programs read it.

use std::env;

use hyper_util::client::proxy::matcher::Matcher;
use tokio_tungstenite::tungstenite::http::Uri;

use super::connect::authority;
use super::proxy::Proxy;
use crate::error::Result;
use crate::protocol::endpoint::Endpoint;

/// The variables that name a proxy, those of a kind in the order in which they are read.
const HTTPS: [&str; 4] = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
const HTTP: [&str; 4] = ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"];
const NO: [&str; 2] = ["no_proxy", "NO_PROXY"];

/// The proxies of a client.
#[derive(Clone, Debug)]
pub enum Proxies {
    /// One for all servers.
    One(Proxy),
    /// Those of the environment, read once.
    Environment(Environment),
}

/// What the environment says.
#[derive(Clone, Debug)]
pub struct Environment {
    /// For servers without TLS, and the name of its variable.
    http: Option<(Proxy, &'static str)>,
    /// For servers with TLS.
    https: Option<(Proxy, &'static str)>,
    exceptions: String,
}

impl Proxies {
    /// Parses the option `proxy`: a URL, or `env`, where the servers decide which variables are
    /// read. The error quotes neither, as both may contain a password.
    pub fn parse(text: &str, endpoints: &[Endpoint]) -> Result<Proxies> {
        if text == "env" {
            let variable = |name: &str| env::var(name).ok();
            return Ok(Proxies::Environment(Environment::read(
                variable, endpoints,
            )?));
        }
        Ok(Proxies::One(Proxy::parse(text, "`proxy`")?))
    }

    /// The proxy for a server; none if it is connected to directly.
    pub(super) fn of(&self, endpoint: &Endpoint) -> Option<&Proxy> {
        match self {
            Proxies::One(proxy) => Some(proxy),
            Proxies::Environment(environment) => environment.of(endpoint).map(|(proxy, _)| proxy),
        }
    }

    /// Says for the log what the environment leads to; nothing where it was not asked.
    pub fn describe(&self, endpoint: &Endpoint) -> Option<String> {
        let Proxies::Environment(environment) = self else {
            return None;
        };
        let url = endpoint.url();
        Some(match environment.of(endpoint) {
            Some((proxy, name)) => {
                format!(
                    "{url} is reached through the proxy {} ({name})",
                    proxy.authority()
                )
            }
            None if is_excepted(endpoint, &environment.exceptions) => {
                format!("{url} is reached without a proxy (NO_PROXY)")
            }
            None => format!("{url} is reached without a proxy: no variable names one"),
        })
    }

    /// The proxy variables that are set in the environment, and not used.
    pub fn unused_variables() -> Vec<&'static str> {
        let is_set = |name: &&str| env::var_os(name).is_some_and(|value| !value.is_empty());
        let [all_small, all] = [HTTPS[2], HTTPS[3]];
        let names = [HTTPS[1], HTTPS[0], HTTP[1], HTTP[0], all, all_small];
        names.into_iter().filter(is_set).collect()
    }
}

impl Environment {
    fn read(
        variable: impl Fn(&str) -> Option<String>,
        endpoints: &[Endpoint],
    ) -> Result<Environment> {
        let filled = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
        let exceptions = NO.into_iter().find_map(filled).unwrap_or_default();
        // A CGI program has the header Proxy of a request in HTTP_PROXY.
        let is_cgi = variable("REQUEST_METHOD").is_some();
        let read = |names: [&'static str; 4], tls: bool| {
            let is_used =
                |endpoint: &Endpoint| endpoint.tls == tls && !is_excepted(endpoint, &exceptions);
            if !endpoints.iter().any(is_used) {
                return Ok(None);
            }
            let mut names = names.into_iter();
            let names = names.by_ref().filter(|name| !(is_cgi && *name == HTTP[1]));
            let Some((name, value)) = names.filter_map(|name| Some((name, filled(name)?))).next()
            else {
                return Ok(None);
            };
            let value = value.trim();
            let url = match value.contains("://") {
                true => value.to_owned(),
                false => format!("http://{value}"),
            };
            let shown = format!("the environment variable {name}, which `proxy` says to use,");
            Ok(Some((Proxy::parse(&url, &shown)?, name)))
        };
        Ok(Environment {
            http: read(HTTP, false)?,
            https: read(HTTPS, true)?,
            exceptions,
        })
    }

    fn of(&self, endpoint: &Endpoint) -> Option<&(Proxy, &'static str)> {
        let proxy = if endpoint.tls {
            &self.https
        } else {
            &self.http
        };
        proxy
            .as_ref()
            .filter(|_| !is_excepted(endpoint, &self.exceptions))
    }
}

/// Whether NO_PROXY names this server. hyper-util knows its forms, but for ports, blanks in place
/// of commas, and `*` where the host is an address.
fn is_excepted(endpoint: &Endpoint, exceptions: &str) -> bool {
    let parts = exceptions.split(|c: char| c == ',' || c.is_whitespace());
    let mut list = String::new();
    for part in parts.filter_map(|part| without_port(part, endpoint.port)) {
        if part == "*" {
            return true;
        }
        let part = part
            .strip_prefix('*')
            .filter(|rest| rest.starts_with('.'))
            .unwrap_or(part);
        list.push_str(part.trim_end_matches('.'));
        list.push(',');
    }
    let host = endpoint.host.trim_end_matches('.');
    let Ok(uri) = format!("http://{}/", authority(host, endpoint.port)).parse::<Uri>() else {
        return false;
    };
    let any = "http://proxy.invalid";
    let matcher = Matcher::builder().all(any).no(list).build();
    matcher.intercept(&uri).is_none()
}

/// An entry of NO_PROXY without its port; nothing if it is for another port.
fn without_port(part: &str, port: u16) -> Option<&str> {
    let (host, given) = match part.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, rest)) => (address, rest.strip_prefix(':')),
        None => match part.split_once(':') {
            // Two colons are an IPv6 address.
            Some((host, given)) if !given.contains(':') => (host, Some(given)),
            _ => (part, None),
        },
    };
    let is_for_port = given.is_none_or(|given| given.parse() == Ok(port));
    is_for_port.then_some(host)
}

#[cfg(test)]
mod tests;
