//! Which credential is shown, and when it is renewed.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::secret::Secret;
use crate::session::connection::credentials::{CredentialKind, Keyring};
use crate::session::{Credentials, Now};

fn jwt(claims: &str) -> Secret {
    Secret::new(&format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims)))
}

fn at(seconds: u64) -> Now {
    Now {
        mono: Duration::from_secs(seconds),
        wall: Duration::from_secs(1_000_000 + seconds),
    }
}

fn keyring(credentials: Credentials) -> Keyring {
    let mut keyring = Keyring::new(credentials);
    keyring.set_can_ask(true);
    keyring
}

#[test]
fn a_jwt_is_renewed_ahead_of_its_expiry_and_a_static_token_never() {
    let token = Some(jwt(r#"{"iat":1000000,"exp":1000100}"#));
    let mut keyring = keyring(Credentials {
        access_token: token,
        ..Credentials::default()
    });
    let (_, shown) = keyring.frame(CredentialKind::Token, None).unwrap();
    keyring.accepted(at(10), shown, None);
    assert_eq!(keyring.renew_at(at(10)), Some(Duration::from_secs(80)));

    keyring.set_token(Secret::new("static-token"));
    assert_eq!(keyring.renew_at(at(10)), None);
    keyring.set_token(Secret::new("not.a.jwt"));
    assert_eq!(keyring.renew_at(at(10)), None);
}

#[test]
fn the_lifetime_of_a_login_is_learnt_from_its_first_expiry() {
    let mut keyring = keyring(Credentials {
        email: Some("a@example.com".into()),
        password: Some(Secret::new("p")),
        ..Credentials::default()
    });
    assert_eq!(keyring.choose(), Some(CredentialKind::Password));
    let (_, shown) = keyring.frame(CredentialKind::Password, None).unwrap();
    keyring.accepted(at(0), shown, Some(Secret::new("r1")));
    assert_eq!(keyring.renew_at(at(0)), None);
    keyring.expired(at(100));
    assert_eq!(keyring.renewal(), Some(CredentialKind::Refresh));
    let (_, shown) = keyring.frame(CredentialKind::Refresh, None).unwrap();
    keyring.accepted(at(101), shown, Some(Secret::new("r2")));
    assert_eq!(keyring.renew_at(at(101)), Some(Duration::from_secs(181)));
}

#[test]
fn a_refused_credential_is_followed_by_the_next_kind() {
    let mut keyring = keyring(Credentials {
        access_token: Some(Secret::new("t")),
        refresh_token: Some(Secret::new("r")),
        email: Some("a@example.com".into()),
        password: Some(Secret::new("p")),
        ..Credentials::default()
    });
    for kind in [
        CredentialKind::Token,
        CredentialKind::Refresh,
        CredentialKind::Password,
    ] {
        assert_eq!(keyring.choose(), Some(kind));
        let (_, shown) = keyring.frame(kind, None).unwrap();
        keyring.refused(at(0), shown);
    }
    assert_eq!(keyring.choose(), None);
    keyring.set_token(Secret::new("t2"));
    assert_eq!(keyring.choose(), Some(CredentialKind::Token));
}
