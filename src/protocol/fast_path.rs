//! The fast path: recognises the most frequent frame, an event, by its two ends.

use super::incoming::Change;
use super::wire_uid::WireUid;

/// A frame that looks like an event. It is one only if [`items::check`](super::items::check) or
/// [`items::elements`](super::items::elements) accepts `data`: what is between the two ends was not
/// read, and may contain further members of the frame, or be no JSON at all.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Recognised<'a> {
    /// What happened.
    pub change: Change,
    /// The subscription that the event is for.
    pub uid: WireUid,
    /// From the opening bracket of the items to the closing one: a slice of the
    /// frame.
    pub data: &'a str,
}

/// Recognises an event exactly as the server writes it,
/// `{"type":"subscription","event":"update","data":[…],"uid":"1f.2a"}`, in a
/// time that does not depend on the frame's length. Every other frame, such as one with `meta`, is
/// for [`incoming::parse`](super::incoming::parse).
pub fn recognise(text: &str) -> Option<Recognised<'_>> {
    const CHANGE_LEN: usize = "create".len();
    let text = text.strip_prefix(r#"{"type":"subscription","event":""#)?;
    let (change, text) = text.split_at_checked(CHANGE_LEN)?;
    let change = Change::from_name(change)?;
    let text = text.strip_prefix(r#"","data":"#)?;
    let text = text.strip_suffix(r#""}"#)?;

    let window = text.len().saturating_sub(WireUid::MAX_LEN + 1);
    let quote = window
        + text
            .as_bytes()
            .get(window..)?
            .iter()
            .rposition(|&byte| byte == b'"')?;
    let uid = WireUid::parse(text.get(quote + 1..)?)?;
    let data = text.get(..quote)?.strip_suffix(r#","uid":"#)?;
    // Two brackets at least: the first must not be the last, too.
    let brackets = data.len() >= 2 && data.starts_with('[') && data.ends_with(']');
    brackets.then_some(Recognised { change, uid, data })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fast_path_recognises_the_servers_form_of_an_event() {
        for (change, name) in [
            (Change::Create, "create"),
            (Change::Update, "update"),
            (Change::Delete, "delete"),
        ] {
            for data in ["[]", "[1]", r#"[{"id":1,"t":"é"},{"id":2}]"#] {
                for uid in [
                    WireUid { slot: 0, serial: 1 },
                    WireUid {
                        slot: u32::MAX,
                        serial: u64::MAX,
                    },
                ] {
                    let frame = format!(
                        r#"{{"type":"subscription","event":"{name}","data":{data},"uid":"{uid}"}}"#
                    );
                    assert_eq!(recognise(&frame), Some(Recognised { change, uid, data }));
                }
            }
        }
    }

    #[test]
    fn the_fast_path_recognises_no_other_form() {
        for frame in [
            "",
            "é",
            r#"{"type":"subscription","event":""#,
            r#"{"type":"subscription","event":"crea"#,
            r#"{"type":"subscription","event":"creaté"#,
            r#"{"type":"subscription","event":"create","data":"#,
            r#"{"type":"subscription","event":"create","data":"}"#,
            r#"{"type":"subscription","event":"create","data":[,"uid":"0.1"}"#,
            r#"{"type":"subscription","event":"create","data":],"uid":"0.1"}"#,
            r#"{"type":"subscription","event":"create","data":{},"uid":"0.1"}"#,
            r#"{"type":"subscription","event":"create","data":[],"uid":"0.01"}"#,
            r#"{"type":"subscription","event":"create","data":[],"uid":""}"#,
            r#"{"type":"subscription","event":"create","data":[],"uid":0.1}"#,
            r#"{"type":"subscription","event":"create","data":[],"uid":"\u0030.1"}"#,
            r#"{"type":"subscription","event":"create","data":[],"uid":"00000000000000000000000000000.1"}"#,
            r#"{"type":"subscription","event":"create","data":[],"uid":"ééééééééééééééééééééééé"}"#,
            r#"{"type":"subscription","event":"create","data":[],"meta":{},"uid":"0.1"}"#,
            r#"{"type":"subscription","event":"create","data":[],"uid":"0.1" }"#,
            r#"{"type":"subscription","event":"init","data":[],"uid":"0.1"}"#,
        ] {
            assert_eq!(recognise(frame), None, "{frame}");
        }
    }
}
