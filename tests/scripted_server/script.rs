//! What the server answers by itself.

use serde::Deserialize;
use serde_json::{Value, json};

use super::scripted_server::answer_to;

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Script {
    /// Where it listens; 0 is any free port.
    pub port: u16,
    /// Answers every request with this text in place of the upgrade, and closes.
    pub refuse: Option<String>,
    /// The access tokens that are let in; without this, every one is, and every login.
    pub tokens: Option<Vec<String>>,
    /// Types of messages that get no answer. Here `close` is the client's close frame.
    pub withhold: Vec<String>,
}

/// What follows a message.
pub enum Answer {
    Text(String),
    /// The same, and a close frame behind it.
    Last(String),
    Nothing,
}

impl Script {
    pub fn withholds(&self, kind: &str) -> bool {
        self.withhold.iter().any(|withheld| withheld == kind)
    }

    pub fn answer(&self, message: &Value) -> Answer {
        let kind = message["type"].as_str().unwrap_or_default();
        // What a write would answer is up to the test.
        let is_write = kind == "items" && message["action"] != "read";
        if self.withholds(kind) || is_write {
            return Answer::Nothing;
        }
        if kind == "auth" && !self.lets_in(&message["access_token"]) {
            return Answer::Last(refusal(message));
        }
        answer_to(message).map_or(Answer::Nothing, |answer| Answer::Text(answer.to_string()))
    }

    fn lets_in(&self, token: &Value) -> bool {
        let among = |tokens: &Vec<String>| tokens.iter().any(|known| *token == known.as_str());
        self.tokens.as_ref().is_none_or(among)
    }
}

fn refusal(auth: &Value) -> String {
    let error = json!({"code": "AUTH_FAILED", "message": "Authentication handshake failed."});
    json!({"type": "auth", "status": "error", "error": error, "uid": auth["uid"]}).to_string()
}
