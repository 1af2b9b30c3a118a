//! Primary keys in other spellings. The server's delete repeats the keys as the request spelled
//! them, which may not be how the items spell them: `007` and ` 7` delete the item 7.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Integers with up to this many digits are exact in JavaScript.
const EXACT_DIGITS: usize = 15;
/// No key has an exponent beyond this.
const MOST_EXPONENT: i32 = 400;

/// A decimal number as databases read it from text: white space around it, a sign, zeros
/// in front, a fraction and an exponent are allowed; hexadecimal digits and names are not.
#[derive(Clone, Copy)]
struct Decimal<'a> {
    negative: bool,
    integer: &'a str,
    fraction: &'a str,
    exponent: i32,
}

impl<'a> Decimal<'a> {
    fn parse(text: &'a str) -> Option<Decimal<'a>> {
        let text = text.trim_ascii();
        let negative = text.starts_with('-');
        let text = text.strip_prefix(['+', '-']).unwrap_or(text);
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse().ok()?),
            None => (text, 0),
        };
        let (integer, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let valid = digits(integer)
            && digits(fraction)
            && !(integer.is_empty() && fraction.is_empty())
            && (-MOST_EXPONENT..=MOST_EXPONENT).contains(&exponent);
        valid.then_some(Decimal {
            negative,
            integer,
            fraction,
            exponent,
        })
    }

    /// The digits without leading zeros, and how many of them are behind the point.
    fn digits(&self) -> (String, i32) {
        let digits = format!("{}{}", self.integer, self.fraction);
        let places = self.fraction.len() as i32 - self.exponent;
        (digits.trim_start_matches('0').to_owned(), places)
    }

    /// The number with this many decimal places; `None` if it has more.
    fn with_places(&self, wanted: usize) -> Option<String> {
        let (mut digits, places) = self.digits();
        let mut missing = wanted as i32 - places;
        while missing < 0 && (digits.is_empty() || digits.ends_with('0')) {
            digits.pop();
            missing += 1;
        }
        let zeros = usize::try_from(missing).ok()?;
        if !digits.is_empty() {
            digits.extend(std::iter::repeat_n('0', zeros));
        }
        let digits = format!("{digits:0>width$}", width = wanted + 1);
        let (integer, fraction) = digits.split_at(digits.len() - wanted);
        let is_zero = digits.bytes().all(|byte| byte == b'0');
        let sign = if self.negative && !is_zero { "-" } else { "" };
        let point = if wanted > 0 { "." } else { "" };
        Some(format!("{sign}{integer}{point}{fraction}"))
    }
}

/// Whether a text is an integer in JSON's form.
pub fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let leading_zero = digits.starts_with('0') && (digits.len() > 1 || text.len() > 1);
    !digits.is_empty() && !leading_zero && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// The integer in a key, which is JSON: a number or its text. `None` for other keys, and for what
/// JavaScript cannot hold exactly.
pub fn exact_integer(json: &str) -> Option<i64> {
    const MOST: i64 = 1 << 53;
    const DIGITS: usize = 16;
    let text = match json.as_bytes() {
        [b'"', text @ .., b'"'] => text,
        text => text,
    };
    let (sign, digits) = match text {
        [b'-', digits @ ..] => (-1, digits),
        digits => (1, digits),
    };
    let is_plain = match digits {
        [] => false,
        [b'0', ..] => text.len() == 1,
        _ => digits.len() <= DIGITS,
    };
    if !is_plain {
        return None;
    }
    // A loop, as every row that is reported comes here.
    let mut number = 0;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number = 10 * number + i64::from(digit);
    }
    (number < MOST).then_some(sign * number)
}

/// Whether a number from the server may be rounded, so that several keys in the database look like
/// it.
pub fn is_rounded(number: &str) -> bool {
    number.len() > EXACT_DIGITS
}

/// The number in a text as JavaScript, and so the server, writes it as JSON: `" 007"` is `7`, and a
/// number with too many digits is rounded.
pub fn number(text: &str) -> Option<Cow<'_, str>> {
    if text.len() <= EXACT_DIGITS && is_integer(text) {
        return Some(Cow::Borrowed(text));
    }
    Decimal::parse(text)?;
    let value: f64 = text.trim_ascii().parse().ok()?;
    value.is_finite().then(|| Cow::Owned(shown(value)))
}

/// A number in JavaScript's form.
fn shown(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    // Rust writes the shortest digits that give the number: "1.5e-7".
    let text = format!("{:e}", value.abs());
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let digits = mantissa.replace('.', "");
    let sign = if value < 0.0 { "-" } else { "" };
    let point = exponent + 1;
    let number = match usize::try_from(point) {
        Ok(point) if point > 21 => scientific(&digits, exponent),
        Ok(point) if point >= digits.len() => format!("{digits:0<point$}"),
        Ok(point) if point > 0 => format!("{}.{}", &digits[..point], &digits[point..]),
        _ if point > -6 => format!("0.{}{digits}", "0".repeat(-point as usize)),
        _ => scientific(&digits, exponent),
    };
    format!("{sign}{number}")
}

fn scientific(digits: &str, exponent: i32) -> String {
    let (first, rest) = digits.split_at(1);
    let point = if rest.is_empty() { "" } else { "." };
    let sign = if exponent < 0 { "-" } else { "+" };
    format!("{first}{point}{rest}e{sign}{}", exponent.abs())
}

/// The integer in a text, exact, in its shortest form.
pub fn integer(text: &str) -> Option<String> {
    Decimal::parse(text)?.with_places(0)
}

/// The number in a text, exact, with this many decimal places.
pub fn with_places(text: &str, places: usize) -> Option<String> {
    Decimal::parse(text)?.with_places(places)
}

/// How many decimal places a number in its ordinary form has, if it has any.
pub fn places(text: &str) -> Option<usize> {
    let (integer, fraction) = text.split_once('.')?;
    let digits = integer.strip_prefix('-').unwrap_or(integer);
    let ordinary = is_integer(digits) && fraction.bytes().all(|byte| byte.is_ascii_digit());
    (ordinary && !fraction.is_empty()).then_some(fraction.len())
}

/// Whether a text is a UUID, in either case.
pub fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// A hash that is equal for all spellings with which a known database finds the same item. Different
/// keys may have the same hash.
pub fn folded(key: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    match number(key) {
        Some(number) => number.hash(&mut hasher),
        // Collations ignore case and trailing spaces.
        None => key
            .trim_end_matches(' ')
            .chars()
            .flat_map(char::to_lowercase)
            .for_each(|c| c.hash(&mut hasher)),
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numeric_keys_are_written_as_javascript_writes_them() {
        for (text, expected) in [
            ("7", Some("7")),
            ("007", Some("7")),
            ("+7", Some("7")),
            (" 7 ", Some("7")),
            ("7.0", Some("7")),
            ("7e0", Some("7")),
            ("-07.50", Some("-7.5")),
            ("-0", Some("0")),
            ("1.50", Some("1.5")),
            (".5", Some("0.5")),
            ("9007199254740993", Some("9007199254740992")),
            ("123456789012345678", Some("123456789012345680")),
            ("1e21", Some("1e+21")),
            ("123456789012345678901234", Some("1.2345678901234569e+23")),
            ("0.000001", Some("0.000001")),
            ("0.00000015", Some("1.5e-7")),
            ("0.05", Some("0.05")),
            ("", None),
            (" ", None),
            ("-", None),
            ("0x7", None),
            ("7_0", None),
            ("Infinity", None),
            ("NaN", None),
            ("1e999", None),
            ("7 7", None),
            ("a", None),
        ] {
            assert_eq!(number(text).as_deref(), expected, "{text:?}");
        }
    }

    #[test]
    fn decimal_keys_are_written_with_the_places_that_the_items_have() {
        for (text, n, expected) in [
            ("1.5", 5, Some("1.50000")),
            ("2.50", 5, Some("2.50000")),
            ("+1", 2, Some("1.00")),
            ("15e-1", 2, Some("1.50")),
            ("-.5", 2, Some("-0.50")),
            ("-0", 2, Some("0.00")),
            ("0.00100", 3, Some("0.001")),
            ("1.001", 2, None),
            ("12e2", 0, Some("1200")),
            ("x", 2, None),
        ] {
            assert_eq!(with_places(text, n).as_deref(), expected, "{text:?} {n}");
        }
    }

    #[test]
    fn integer_keys_are_written_exactly_at_every_length() {
        for (text, expected) in [
            ("042", Some("42")),
            ("9007199254740993", Some("9007199254740993")),
            (" -007.0", Some("-7")),
            ("0", Some("0")),
            ("000", Some("0")),
            ("7.5", None),
        ] {
            assert_eq!(integer(text).as_deref(), expected, "{text:?}");
        }
    }

    #[test]
    fn a_key_is_an_exact_integer_up_to_53_bits() {
        for (json, expected) in [
            ("7", Some(7)),
            ("\"42\"", Some(42)),
            ("-7", Some(-7)),
            ("0", Some(0)),
            ("9007199254740991", Some(9_007_199_254_740_991)),
            ("\"9007199254740992\"", None),
            ("-9007199254740992", None),
            ("\"007\"", None),
            ("+7", None),
            ("7.0", None),
            ("\"\"", None),
            ("\"a\"", None),
            ("null", None),
        ] {
            assert_eq!(exact_integer(json), expected, "{json}");
        }
    }

    #[test]
    fn all_spellings_of_a_key_have_the_same_hash() {
        for (one, other) in [
            ("7", " 007"),
            ("1.5", "1.50000"),
            (
                "ABCDEF01-2345-4678-8ABC-DEF012345678",
                "abcdef01-2345-4678-8abc-def012345678",
            ),
            ("Straße ", "STRAßE"),
        ] {
            assert_eq!(folded(one), folded(other), "{one}");
        }
        assert_ne!(folded("7"), folded("8"));
        assert_ne!(folded("a"), folded("b"));
    }

    proptest! {
        #[test]
        fn a_written_numeric_key_has_the_value_that_serde_json_reads(value: f64) {
            prop_assume!(value.is_finite());
            let text = shown(value);
            prop_assert_eq!(text.parse::<f64>().unwrap(), value);
            prop_assert!(super::super::items::check(&text));
            let read = number(&text).map(Cow::into_owned);
            prop_assert_eq!(read, Some(text));
        }

        #[test]
        fn no_text_makes_the_key_functions_panic(text: String, places in 0..9_usize) {
            let _ = (number(&text), integer(&text), with_places(&text, places), folded(&text));
        }
    }
}
