//! Errors: a code for programs and a sentence for people.

use std::fmt;

/// The error codes of the C ABI (`DRT_ERR_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i32)]
pub enum Status {
    /// Success; also the reason of a state change that nothing went wrong for.
    Ok = 0,
    /// An argument has a value that the function cannot take.
    InvalidArgument = -1,
    /// A handle that is NULL, stale, of another kind, or was never given out.
    InvalidHandle = -2,
    /// A string is not UTF-8.
    InvalidUtf8 = -3,
    /// A string is not the required JSON.
    InvalidJson = -4,
    /// Nothing has that name.
    NotFound = -5,
    /// There is no usable link at the moment.
    NotConnected = -6,
    /// The object has been closed.
    Closed = -7,
    /// No answer within the allowed time.
    Timeout = -8,
    /// The server refused the credentials.
    Auth = -9,
    /// The server answered with an error.
    Server = -10,
    /// Network or file input and output failed.
    Io = -11,
    /// TLS failed, for instance an untrusted certificate.
    Tls = -12,
    /// Too much waits to be sent.
    QueueFull = -13,
    /// The call would wait for the callback that it was made from.
    WouldDeadlock = -14,
    /// The handle was inherited through `fork`.
    Forked = -15,
    /// An internal error: a bug in this library.
    Internal = -127,
}

/// A failed call: its code, and one sentence that says what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// The code.
    pub status: Status,
    /// The sentence. Never contains a secret. Names of arguments and options are in backticks, and
    /// no function of the C ABI is named, so that every language can show it.
    pub message: String,
    /// The argument or option that is wrong, if one is.
    pub argument: Option<&'static str>,
    /// The server's own error, if it is known.
    pub server: Option<Box<ServerError>>,
}

/// An error of the server's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerError {
    /// Its code, such as `FORBIDDEN`, if it has one.
    pub code: Option<String>,
    /// The error object, as JSON.
    pub json: String,
}

impl Error {
    /// An error with its sentence.
    pub fn new(status: Status, message: impl Into<String>) -> Self {
        Error {
            status,
            message: message.into(),
            argument: None,
            server: None,
        }
    }

    /// An argument or option has a value that cannot be used.
    pub fn invalid(argument: &'static str, message: impl Into<String>) -> Self {
        Error::new(Status::InvalidArgument, message).about(argument)
    }

    /// The same error; that argument or option is wrong.
    #[must_use]
    pub fn about(mut self, argument: &'static str) -> Self {
        self.argument = Some(argument);
        self
    }

    /// The same error, with the server's own.
    #[must_use]
    pub fn with_server_error(mut self, error: ServerError) -> Self {
        self.server = Some(Box::new(error));
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

/// The result of a fallible call.
pub type Result<T> = std::result::Result<T, Error>;
