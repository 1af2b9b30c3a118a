//! Endpoints: parses the application's URLs into the host, the port and the path to request.

use std::fmt;

use url::{Host, ParseError, Url, form_urlencoded};
use zeroize::Zeroizing;

use crate::error::Error;
use crate::secret::Secret;

/// The server's default of `WEBSOCKETS_REST_PATH`.
const DEFAULT_PATH: &str = "/websocket";

/// One address of the server. Shown (`Debug`, `Display`) without its query,
/// which may hold a token.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Whether the link is encrypted.
    pub tls: bool,
    /// A name in its ASCII form, or an address; IPv6 without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The path with its query; begins with a slash.
    pub path: String,
}

impl Endpoint {
    /// The `Host` header, with the port unless it is the scheme's default.
    pub fn host_header(&self) -> String {
        let host = if self.host.contains(':') {
            format!("[{}]", self.host)
        } else {
            self.host.clone()
        };
        let default = if self.tls { 443 } else { 80 };
        if self.port == default {
            host
        } else {
            format!("{host}:{}", self.port)
        }
    }

    /// The URL to show, without its query.
    pub fn url(&self) -> String {
        let path = match self.path.split_once('?') {
            Some((path, _)) => format!("{path}?…"),
            None => self.path.clone(),
        };
        format!("{}://{}{path}", self.scheme(), self.host_header())
    }

    /// The URL to request. `access_token` replaces a token in the URL.
    pub fn request_uri(&self, access_token: Option<&Secret>) -> Zeroizing<String> {
        let start = format!("{}://{}", self.scheme(), self.host_header());
        let token = access_token.map_or("", Secret::expose);
        // Enough capacity that the text never moves and leaves a copy of the token behind.
        let room = start.len() + self.path.len() + 3 * token.len() + 16;
        let mut uri = Zeroizing::new(String::with_capacity(room));
        uri.push_str(&start);
        if access_token.is_none() {
            uri.push_str(&self.path);
            return uri;
        }
        let (path, query) = self.path.split_once('?').unwrap_or((&self.path, ""));
        uri.push_str(path);
        uri.push('?');
        for pair in query
            .split('&')
            .filter(|pair| !pair.is_empty() && !is_token(pair))
        {
            uri.push_str(pair);
            uri.push('&');
        }
        uri.push_str("access_token=");
        form_urlencoded::byte_serialize(token.as_bytes()).for_each(|part| uri.push_str(part));
        uri
    }

    /// Whether the URL itself has a token in its query.
    pub fn has_token(&self) -> bool {
        let query = self.path.split_once('?').map_or("", |(_, query)| query);
        query.split('&').any(is_token)
    }

    /// Whether the server is on this machine, so that the network sees no credentials.
    pub fn is_loopback(&self) -> bool {
        if let Ok(address) = self.host.parse::<std::net::IpAddr>() {
            return address.to_canonical().is_loopback();
        }
        let name = self.host.trim_end_matches('.');
        name == "localhost" || name.ends_with(".localhost")
    }

    fn scheme(&self) -> &'static str {
        if self.tls { "wss" } else { "ws" }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url())
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({})", self.url())
    }
}

fn is_token(pair: &str) -> bool {
    form_urlencoded::parse(pair.as_bytes()).any(|(name, _)| name == "access_token")
}

/// Parses one URL, or several separated by commas.
pub fn parse_list(urls: &str) -> Result<Vec<Endpoint>, Error> {
    let count = urls.split(',').count();
    let endpoint = |(index, url): (usize, &str)| {
        parse(url.trim()).map_err(|wrong| {
            let which = match count {
                1 => String::new(),
                _ => format!(" (number {} of {count})", index + 1),
            };
            Error::invalid("url", format!("`url`{which} {wrong}"))
        })
    };
    urls.split(',').enumerate().map(endpoint).collect()
}

/// The end of a sentence that begins with "`url`". It never quotes the URL, which may contain a token
/// or a password.
type Wrong = &'static str;

const BRACKETS: &str =
    "has a bad IPv6 address; write it in brackets, as in ws://[::1]:8055/websocket";

fn parse(text: &str) -> Result<Endpoint, Wrong> {
    if text.is_empty() {
        return Err("is empty; give one such as https://directus.example.com");
    }
    let Some((scheme, rest)) = text.split_once("://") else {
        return Err(
            "has no scheme; start it with ws://, wss://, http:// or https:// (a comma inside of a URL is written %2C)",
        );
    };
    let (tls, as_it_is) = match scheme.to_ascii_lowercase().as_str() {
        "ws" => (false, true),
        "wss" => (true, true),
        "http" => (false, false),
        "https" => (true, false),
        _ => return Err("has a scheme other than ws, wss, http and https"),
    };
    let authority_end = rest.find(['/', '\\', '?', '#']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(authority_end);
    if authority.contains('@') {
        return Err(
            "has a user name or password in it; remove it, and set `email` and `password`, or `access_token`, instead",
        );
    }
    if authority.starts_with("::") {
        return Err(BRACKETS);
    }
    // The URL parser would use the first segment of the path as the host.
    if authority.is_empty() || authority.starts_with(':') {
        return Err("has no host; give one such as https://directus.example.com");
    }
    let url = Url::parse(text).map_err(|error| match error {
        ParseError::InvalidPort => "has a bad port; it must be a number from 1 to 65535",
        ParseError::EmptyHost => "has no host; give one such as https://directus.example.com",
        ParseError::InvalidIpv4Address => "has a host that looks like an IPv4 address but is none",
        ParseError::InvalidIpv6Address => BRACKETS,
        ParseError::IdnaError | ParseError::InvalidDomainCharacter => {
            "has a host with characters that no host name can have"
        }
        _ => "is not a URL",
    })?;
    let host = match url.host() {
        Some(Host::Domain(name)) => name.to_owned(),
        Some(Host::Ipv4(address)) => address.to_string(),
        Some(Host::Ipv6(address)) => address.to_string(),
        None => return Err("has no host; give one such as https://directus.example.com"),
    };
    let port = url.port_or_known_default().filter(|&port| port != 0);
    let port = port.ok_or("has a bad port; it must be a number from 1 to 65535")?;
    if url.fragment().is_some() {
        return Err("has a fragment (#…), which the server would never see; remove it");
    }
    let path = match (as_it_is, url.query()) {
        // The server does not answer a request for "/" at all.
        (true, query) if !rest.starts_with(['/', '\\']) => with_query(DEFAULT_PATH, query),
        (true, query) => with_query(url.path(), query),
        (false, None) => format!("{}{DEFAULT_PATH}", url.path().trim_end_matches('/')),
        (false, Some(_)) => {
            return Err(
                "has a query (?…), which only a ws:// or wss:// URL can have; for a token set `access_token`",
            );
        }
    };
    Ok(Endpoint {
        tls,
        host,
        port,
        path,
    })
}

fn with_query(path: &str, query: Option<&str>) -> String {
    match query {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    }
}

#[cfg(test)]
mod tests;
