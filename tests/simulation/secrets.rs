//! No secret leaves the process except to the server (I9). Every secret of a run contains
//! one word, which must not appear anywhere else.

use std::cell::RefCell;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use directus_realtime::log::{self, Level, Sink};

const MARK: &str = "s3cret";
pub const PASSWORD: &str = "s3cret-password";
pub const TOKENS: [&str; 2] = ["s3cret-token", "s3cret-token-2"];
pub const WRONG_TOKEN: &str = "s3cret-wrong";

thread_local! {
    static LOGGED: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// A JWT with these times, since 1970. `number` makes it differ from earlier ones.
pub fn jwt(issued: Duration, expires: Duration, number: usize) -> String {
    let (issued, expires) = (issued.as_secs_f64(), expires.as_secs_f64());
    let claims = format!(r#"{{"iat":{issued},"exp":{expires},"jti":{number}}}"#);
    format!("e30.{}.{MARK}", URL_SAFE_NO_PAD.encode(claims))
}

/// When a token expires, if it is a JWT.
pub fn expiry(token: &str) -> Option<Duration> {
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let claims: serde_json::Value = serde_json::from_slice(&claims).ok()?;
    Duration::try_from_secs_f64(claims["exp"].as_f64()?).ok()
}

pub fn refresh_token(number: u64) -> String {
    format!("{MARK}-refresh-{number}")
}

pub fn is_in(text: &str) -> bool {
    text.contains(MARK)
}

struct Listener;

impl Sink for Listener {
    fn log(&self, _: Level, _: &'static str, message: &str) {
        if is_in(message) {
            LOGGED.set(Some(message.to_owned()));
        }
    }
}

/// Checks everything that is logged from now on.
pub fn listen() {
    log::set_sink(Level::Trace, Some(Box::new(Listener)));
}

/// Takes a line with a secret that this thread has logged, if there is one.
pub fn logged() -> Option<String> {
    LOGGED.take()
}
