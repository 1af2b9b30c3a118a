//! tokio, tungstenite and rustls: it carries out what the session decides and
//! decides nothing itself.
