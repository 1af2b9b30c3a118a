//! Which credential is shown, and when it is renewed.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::secret::Secret;
use crate::session::auth::{Auth, Kind};
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

fn keyring(credentials: Credentials) -> Auth {
    let mut auth = Auth::new(credentials);
    auth.can_ask = true;
    auth
}

#[test]
fn a_jwt_is_renewed_ahead_of_its_expiry_and_a_static_token_never() {
    let token = Some(jwt(r#"{"iat":1000000,"exp":1000100}"#));
    let mut auth = keyring(Credentials {
        access_token: token,
        ..Credentials::default()
    });
    let (_, shown) = auth.frame(Kind::Token, None).unwrap();
    auth.accepted(at(10), shown, None);
    assert_eq!(auth.renew_at(at(10)), Some(Duration::from_secs(80)));

    auth.set_token(Secret::new("static-token"));
    assert_eq!(auth.renew_at(at(10)), None);
    auth.set_token(Secret::new("not.a.jwt"));
    assert_eq!(auth.renew_at(at(10)), None);
}

#[test]
fn the_lifetime_of_a_login_is_learnt_from_its_first_expiry() {
    let mut auth = keyring(Credentials {
        email: Some("a@example.com".into()),
        password: Some(Secret::new("p")),
        ..Credentials::default()
    });
    assert_eq!(auth.choose(), Some(Kind::Password));
    let (_, shown) = auth.frame(Kind::Password, None).unwrap();
    auth.accepted(at(0), shown, Some(Secret::new("r1")));
    assert_eq!(auth.renew_at(at(0)), None);
    auth.expired(at(100));
    assert_eq!(auth.renewal(), Some(Kind::Refresh));
    let (_, shown) = auth.frame(Kind::Refresh, None).unwrap();
    auth.accepted(at(101), shown, Some(Secret::new("r2")));
    assert_eq!(auth.renew_at(at(101)), Some(Duration::from_secs(181)));
}

#[test]
fn a_refused_credential_gives_way_to_the_next_one() {
    let mut auth = keyring(Credentials {
        access_token: Some(Secret::new("t")),
        refresh_token: Some(Secret::new("r")),
        email: Some("a@example.com".into()),
        password: Some(Secret::new("p")),
        ..Credentials::default()
    });
    for kind in [Kind::Token, Kind::Refresh, Kind::Password] {
        assert_eq!(auth.choose(), Some(kind));
        let (_, shown) = auth.frame(kind, None).unwrap();
        auth.refused(at(0), shown);
    }
    assert_eq!(auth.choose(), None);
    auth.set_token(Secret::new("t2"));
    assert_eq!(auth.choose(), Some(Kind::Token));
}
