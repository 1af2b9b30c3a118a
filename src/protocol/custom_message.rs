//! Custom messages: messages that the application writes itself.

use super::items::{self, member};
use super::json::{self, compact, kind, push_string, with_member};
use super::outgoing::check_object;
use crate::error::Error;

/// A custom message. It is checked so that a reply of the server names its uid, if the server
/// replies at all.
#[derive(Clone, PartialEq, Eq)]
pub struct CustomMessage {
    text: String,
    kind: String,
    uid: Option<String>,
}

impl CustomMessage {
    /// Checks a message.
    pub fn parse(json: &str) -> Result<CustomMessage, Error> {
        check_object(json, "the message").map_err(|error| error.about("json"))?;
        let text = compact(json);
        let kind = message_type(&text)?;
        let uid = match member(&text, "uid") {
            None => None,
            Some(uid) if items::key_text(uid).is_some() => Some(uid.to_owned()),
            Some(uid) => {
                return Err(invalid(format!(
                    "the message's uid must be a string or a number, not {}",
                    describe(uid)
                )));
            }
        };
        Ok(CustomMessage { text, kind, uid })
    }

    /// The message's `type`.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Whether the server replies to it, also if only with an error.
    pub fn is_answered(&self) -> bool {
        self.kind == "items"
    }

    /// Whether it is about no items at all: its list of keys, or of items to create, is empty.
    /// The server takes an empty list of keys for all keys.
    pub fn is_about_nothing(&self) -> bool {
        let is = |name, value: &str| member(&self.text, name).is_some_and(|found| found == value);
        self.kind == "items"
            && match member(&self.text, "action") {
                Some(r#""create""#) => is("data", "[]"),
                Some(r#""read""# | r#""update""# | r#""delete""#) => is("ids", "[]"),
                _ => false,
            }
    }

    /// The reply to a message that is about nothing, under the application's own uid.
    pub fn reply_of_nothing(&self) -> String {
        let reply = r#"{"type":"items","data":[]}"#;
        let own = self.own_uid_json();
        own.and_then(|uid| with_member(reply, "uid", uid))
            .unwrap_or_else(|| reply.to_owned())
    }

    /// The message as it was given, without white space.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The message with a wire uid in place of its own, or added.
    pub fn with_uid(&self, wire: &str) -> String {
        let mut uid = String::with_capacity(wire.len() + 2);
        push_string(&mut uid, wire);
        // `parse` has checked that the text is an object.
        with_member(&self.text, "uid", &uid).unwrap_or_default()
    }

    /// The application's own uid, as JSON.
    pub fn own_uid_json(&self) -> Option<&str> {
        self.uid.as_deref()
    }
}

impl std::fmt::Debug for CustomMessage {
    /// Only the type: the rest is the application's.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CustomMessage")
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// The `type` of a message. The types of messages whose state the library tracks are rejected.
fn message_type(object: &str) -> Result<String, Error> {
    let Some(value) = member(object, "type") else {
        return Err(invalid(
            "the message has no type; add a member such as \"type\":\"items\"",
        ));
    };
    let Some(name) = json::string(value) else {
        return Err(invalid(format!(
            "the message's type must be a string, not {}",
            describe(value)
        )));
    };
    let instead = match &*name {
        "" => return Err(invalid("the message's type is empty")),
        "subscribe" => "make a subscription",
        "unsubscribe" => "end the subscription",
        "auth" => "set the access token",
        _ => return Ok(name.into_owned()),
    };
    Err(invalid(format!(
        "messages of type \"{name}\" cannot be sent directly: {instead} instead"
    )))
}

/// The kind of a JSON value that cannot be used in place of a string.
fn describe(json: &str) -> &'static str {
    match kind(json) {
        "a string" => "a string that is not valid Unicode",
        kind => kind,
    }
}

fn invalid(message: impl Into<String>) -> Error {
    Error::invalid("json", message)
}

/// The server's reply with the application's uid in place of the wire uid. If the application's
/// message had no uid, the reply stays as it is.
pub fn restore_uid(answer: &str, own_uid_json: Option<&str>) -> String {
    own_uid_json
        .filter(|_| member(answer, "uid").is_some())
        .and_then(|uid| with_member(answer, "uid", uid))
        .unwrap_or_else(|| answer.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Status;

    #[test]
    fn a_custom_message_keeps_its_members_and_their_order() {
        let message = CustomMessage::parse(
            " {\"z\": 12345678901234567890123, \"type\": \"items\", \"uid\": 7, \"a\" : [ \"x y\" ] } ",
        )
        .unwrap();
        assert_eq!(message.kind(), "items");
        assert_eq!(message.own_uid_json(), Some("7"));
        assert_eq!(
            message.text(),
            r#"{"z":12345678901234567890123,"type":"items","uid":7,"a":["x y"]}"#
        );
        assert_eq!(
            message.with_uid("1.f"),
            r#"{"z":12345678901234567890123,"type":"items","uid":"1.f","a":["x y"]}"#
        );
    }

    #[test]
    fn a_request_without_uid_gets_one() {
        let message = CustomMessage::parse(r#"{"type":"ping"}"#).unwrap();
        assert_eq!(message.own_uid_json(), None);
        assert_eq!(message.with_uid("1.f"), r#"{"type":"ping","uid":"1.f"}"#);
        assert_eq!(message.text(), r#"{"type":"ping"}"#);
    }

    #[test]
    fn debug_output_of_a_message_shows_no_content() {
        let message = CustomMessage::parse(r#"{"type":"x","password":"hush"}"#).unwrap();
        assert!(!format!("{message:?}").contains("hush"));
    }

    #[test]
    fn a_custom_message_of_a_wrong_form_is_refused_with_the_reason() {
        for (text, expected) in [
            ("", "the message is empty; it must be a JSON object"),
            (
                "{",
                "the message is not valid JSON: EOF while parsing an object at column 1",
            ),
            ("[1]", "the message must be a JSON object, not an array"),
        ] {
            let error = CustomMessage::parse(text).unwrap_err();
            assert_eq!(
                (error.status, &*error.message),
                (Status::InvalidJson, expected)
            );
        }
        for (text, expected) in [
            (
                "{}",
                "the message has no type; add a member such as \"type\":\"items\"",
            ),
            (
                r#"{"type":5}"#,
                "the message's type must be a string, not a number",
            ),
            (
                r#"{"type":"\ud800"}"#,
                "the message's type must be a string, not a string that is not valid Unicode",
            ),
            (r#"{"type":""}"#, "the message's type is empty"),
            (
                r#"{"type":"a","uid":null}"#,
                "the message's uid must be a string or a number, not null",
            ),
            (
                r#"{"type":"a","uid":[1]}"#,
                "the message's uid must be a string or a number, not an array",
            ),
        ] {
            let error = CustomMessage::parse(text).unwrap_err();
            assert_eq!(
                (error.status, &*error.message),
                (Status::InvalidArgument, expected)
            );
        }
    }

    #[test]
    fn subscribe_unsubscribe_and_auth_messages_are_refused_with_what_to_do_instead() {
        for (kind, instead) in [
            ("subscribe", "make a subscription instead"),
            ("unsubscribe", "end the subscription instead"),
            ("auth", "set the access token instead"),
        ] {
            // The server, too, takes the last of repeated members.
            let text = format!(r#"{{"type":"items","type":"{kind}"}}"#);
            let error = CustomMessage::parse(&text).unwrap_err();
            assert_eq!(error.status, Status::InvalidArgument);
            assert_eq!(error.argument, Some("json"));
            let message = error.message;
            assert!(message.ends_with(&format!(": {instead}")), "{message}");
        }
    }

    #[test]
    fn a_reply_gets_the_applications_uid_back() {
        let answer = r#"{"type":"items","data":{"uid":"1.f"},"uid":"1.f"}"#;
        assert_eq!(
            restore_uid(answer, Some("7")),
            r#"{"type":"items","data":{"uid":"1.f"},"uid":7}"#
        );
        assert_eq!(restore_uid(answer, None), answer);
        assert_eq!(
            restore_uid(r#"{"type":"ping"}"#, Some("7")),
            r#"{"type":"ping"}"#
        );
        assert_eq!(restore_uid("not JSON", Some("7")), "not JSON");
    }
}
