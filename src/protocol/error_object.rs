//! The server's error objects: `{"code": …, "message": …}`.

use std::borrow::Cow;

use super::json;
use crate::error::ServerError;

/// The code and the message, each `""` where there is none.
pub(super) fn code_and_message(object: &str) -> (Cow<'_, str>, Cow<'_, str>) {
    let (mut code, mut message) = (Cow::Borrowed(""), Cow::Borrowed(""));
    // Of a malformed object, the members before the error are used.
    let _ = json::members(object, |name, value| match &*name {
        "code" => code = json::string(value).unwrap_or(Cow::Borrowed(value)),
        "message" => message = json::string(value).unwrap_or(Cow::Borrowed(value)),
        _ => {}
    });
    (code, message)
}

/// An error object, for programs.
pub fn parse(object: &str) -> ServerError {
    let (code, _) = code_and_message(object);
    ServerError {
        code: (!code.is_empty()).then(|| code.into_owned()),
        json: object.to_owned(),
    }
}

/// An error object, for a sentence: `FORBIDDEN: You don't have permission to access this.`
pub fn words(object: &str) -> String {
    match code_and_message(object) {
        (code, message) if code.is_empty() && message.is_empty() => {
            "an error without a code".to_owned()
        }
        (code, message) if message.is_empty() => code.into_owned(),
        (code, message) if code.is_empty() => message.into_owned(),
        (code, message) => format!("{code}: {message}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_object_has_a_code_and_words() {
        let object = r#"{"code":"FORBIDDEN","message":"No \"posts\"."}"#;
        let error = parse(object);
        assert_eq!(error.code.as_deref(), Some("FORBIDDEN"));
        assert_eq!(error.json, object);
        assert_eq!(words(object), "FORBIDDEN: No \"posts\".");
    }

    #[test]
    fn what_an_error_object_lacks_is_left_out() {
        assert_eq!(words(r#"{"code":"FORBIDDEN"}"#), "FORBIDDEN");
        assert_eq!(words(r#"{"message":"No."}"#), "No.");
        assert_eq!(words("{}"), "an error without a code");
        assert_eq!(parse(r#"{"message":"No."}"#).code, None);
        assert_eq!(parse("[]").code, None);
    }
}
