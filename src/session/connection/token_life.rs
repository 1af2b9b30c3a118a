//! How long access tokens live.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::secret::Secret;

/// How long before its expiry a token is renewed.
pub fn margin(lifetime: Duration) -> Duration {
    (lifetime / 5)
        .clamp(Duration::from_millis(500), Duration::from_secs(60))
        .min(lifetime / 2)
}

/// The times in a JWT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    /// When it expires, in time since 1970.
    pub expires: Duration,
    /// How long it lives.
    pub length: Duration,
}

impl Life {
    /// Reads `exp` and `iat` without looking at the signature: it is the
    /// server's business. A static token is no JWT and has none.
    pub fn of(token: &Secret) -> Option<Life> {
        #[derive(serde::Deserialize)]
        struct Claims {
            exp: f64,
            iat: Option<f64>,
        }
        let mut parts = token.expose().split('.');
        let (_, payload, _, None) = (parts.next()?, parts.next()?, parts.next()?, parts.next())
        else {
            return None;
        };
        let json = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
        let claims: Claims = serde_json::from_slice(&json).ok()?;
        let expires = Duration::try_from_secs_f64(claims.exp).ok()?;
        let issued = claims
            .iat
            .and_then(|iat| Duration::try_from_secs_f64(iat).ok());
        let length = issued.map_or(Duration::from_secs(900), |iat| expires.saturating_sub(iat));
        Some(Life { expires, length })
    }
}
