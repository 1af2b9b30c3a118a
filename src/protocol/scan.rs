//! A strict JSON scanner (RFC 8259): one pass, no recursion, no allocation.
//!
//! It accepts what serde_json's `RawValue` accepts, lone surrogates in `\u`
//! escapes included (they are well-formed JSON, if not Unicode), except that
//! nesting has a limit.

use super::plain_text;

/// How deep values may nest: as deep as serde_json, and most parsers of applications, allow.
pub(super) const MAX_DEPTH: u32 = 127;

/// What is wrong at the scanner's position.
pub(super) type Scan = Result<(), &'static str>;

/// A position in a text.
#[derive(Clone, Copy)]
pub(super) struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    /// At the beginning of a text.
    pub fn new(text: &'a str) -> Self {
        Scanner {
            text: text.as_bytes(),
            at: 0,
        }
    }

    /// The position, as a byte offset.
    #[inline(always)]
    pub fn at(&self) -> usize {
        self.at
    }

    /// The next byte; 0, which is nowhere valid, at the end.
    #[inline(always)]
    fn peek(&self) -> u8 {
        self.text.get(self.at).copied().unwrap_or(0)
    }

    /// Takes the next byte if it is this one.
    #[inline(always)]
    pub fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == byte;
        self.at += usize::from(found);
        found
    }

    /// Skips white space, and returns the next byte.
    #[inline(always)]
    pub fn skip_space(&mut self) -> u8 {
        let byte = self.peek();
        if byte > b' ' {
            byte
        } else {
            self.at = space_end(self.text, self.at);
            self.peek()
        }
    }

    /// Whether nothing but white space is left.
    pub fn end(&mut self) -> Scan {
        self.skip_space();
        if self.at == self.text.len() {
            Ok(())
        } else {
            Err("something follows the value")
        }
    }

    /// Skips one value that nests at most `depth` deep. It must begin at the next byte.
    pub fn value(&mut self, depth: u32) -> Scan {
        // A copy of which nothing outside has the address, so that the position is in a register.
        let mut here = *self;
        let scan = here.skip_value(depth);
        *self = here;
        scan
    }

    #[inline(always)]
    fn skip_value(&mut self, depth: u32) -> Scan {
        // One bit per open value, the innermost lowest: set for an object, clear for an array.
        let mut open: u128 = 0;
        let mut level = 0;
        loop {
            // At the beginning of a value.
            match self.peek() {
                b'"' => {
                    self.at += 1;
                    self.string()?;
                }
                b'-' | b'0'..=b'9' => self.number()?,
                b't' => self.literal(b"true")?,
                b'f' => self.literal(b"false")?,
                b'n' => self.literal(b"null")?,
                bracket @ (b'{' | b'[') => {
                    if level == depth {
                        return Err("it nests too deep");
                    }
                    self.at += 1;
                    let first = self.skip_space();
                    if first == bracket + 2 {
                        // `}` and `]` come two after `{` and `[`.
                        self.at += 1;
                    } else {
                        level += 1;
                        open = open << 1 | u128::from(bracket == b'{');
                        if bracket == b'{' {
                            self.name(first)?;
                        }
                        continue;
                    }
                }
                _ => return Err("expected a value"),
            }

            // Behind a value.
            loop {
                if level == 0 {
                    return Ok(());
                }
                let object = open & 1 == 1;
                match self.skip_space() {
                    b',' => {
                        self.at += 1;
                        let next = self.skip_space();
                        if object {
                            self.name(next)?;
                        }
                        break;
                    }
                    b'}' if object => {}
                    b']' if !object => {}
                    _ if object => return Err("expected `,` or `}`"),
                    _ => return Err("expected `,` or `]`"),
                }
                self.at += 1;
                level -= 1;
                open >>= 1;
            }
        }
    }

    /// Skips a member's name, which begins at the next byte, and the colon. Returns where the name
    /// is, with its quotes.
    pub fn member_name(&mut self) -> Result<(usize, usize), &'static str> {
        let start = self.at;
        if !self.take(b'"') {
            return Err("expected a member's name");
        }
        self.string()?;
        let end = self.at;
        if self.skip_space() != b':' {
            return Err("expected `:`");
        }
        self.at += 1;
        self.skip_space();
        Ok((start, end))
    }

    /// Skips a member's name and the colon.
    #[inline(always)]
    fn name(&mut self, first: u8) -> Scan {
        if first != b'"' {
            return Err("expected a member's name");
        }
        self.at += 1;
        self.string()?;
        if self.skip_space() != b':' {
            return Err("expected `:`");
        }
        self.at += 1;
        self.skip_space();
        Ok(())
    }

    /// Skips the rest of a string, behind its opening quote.
    #[inline(always)]
    fn string(&mut self) -> Scan {
        loop {
            self.at = plain_text::end(self.text, self.at);
            match self.text.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => self.at = escape_end(self.text, self.at)?,
                Some(0..b' ') => return Err("a control character in a string"),
                _ => return Err("a string without its end"),
            }
        }
    }

    #[inline(always)]
    fn number(&mut self) -> Scan {
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if matches!(self.peek(), b'e' | b'E') {
            self.at += 1;
            if matches!(self.peek(), b'+' | b'-') {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    /// Skips digits, of which there must be one at least.
    #[inline(always)]
    fn digits(&mut self) -> Scan {
        let start = self.at;
        while self.peek().is_ascii_digit() {
            self.at += 1;
        }
        if self.at > start {
            Ok(())
        } else {
            Err("a number without its digits")
        }
    }

    #[inline(always)]
    fn literal(&mut self, word: &[u8]) -> Scan {
        match self.text.get(self.at..) {
            Some(text) if text.starts_with(word) => {
                self.at += word.len();
                Ok(())
            }
            _ => Err("expected a value"),
        }
    }
}

/// The end of the white space that begins there.
fn space_end(text: &[u8], at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    let is_space = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    at + rest.iter().take_while(is_space).count()
}

/// The end of the escape sequence that begins there, with its backslash.
fn escape_end(text: &[u8], at: usize) -> Result<usize, &'static str> {
    match text.get(at + 1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 2),
        Some(b'u') => match text.get(at + 2..at + 6) {
            Some(digits) if digits.iter().all(u8::is_ascii_hexdigit) => Ok(at + 6),
            _ => Err("an escape without its four digits"),
        },
        _ => Err("an unknown escape"),
    }
}
