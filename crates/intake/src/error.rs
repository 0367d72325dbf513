//! What is wrong with a body, in words for the person who set up the sender.

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IntakeError {
    /// Not the format it claims to be; `what` was being read.
    #[error("the body is damaged: {what}")]
    Malformed { what: &'static str },
    #[error("the body unpacks to more than {limit} bytes: send fewer samples at once")]
    TooLarge { limit: usize },
    #[error("the body is not {encoding}-compressed as its Content-Encoding says")]
    NotCompressed { encoding: &'static str },
    #[error("Content-Encoding {given:?} is not understood: send {known}")]
    UnknownEncoding { given: String, known: &'static str },
    #[error("the body is not the JSON that is expected: {why}")]
    NotJson { why: String },
    #[error("the request has more than {limit} {what}: send less at once")]
    TooMany { what: &'static str, limit: usize },
    /// A series breaks a rule; the others of the request are not concerned.
    #[error("a series is refused: {reason}")]
    BadSeries { reason: String },
}

pub(crate) fn malformed(what: &'static str) -> IntakeError {
    IntakeError::Malformed { what }
}
