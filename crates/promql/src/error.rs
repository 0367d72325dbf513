//! The one error of this crate.

use std::fmt;

use crate::ast::Span;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The text is no PromQL, or its types do not fit: Prometheus' `bad_data`.
    Invalid,
    /// Evaluation cannot go on (many-to-many matching, duplicate label sets): `execution`.
    Execution,
    /// A limit of series, samples or steps: `execution` too, and worth its own hint.
    Limit,
    /// The deadline passed: `timeout`.
    Timeout,
    /// The source failed: `internal`.
    Source,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryError {
    pub kind: ErrorKind,
    /// Byte offsets into the query.
    pub span: Option<Span>,
    pub message: String,
}

impl QueryError {
    pub(crate) fn invalid(span: Span, message: impl Into<String>) -> Self {
        QueryError { kind: ErrorKind::Invalid, span: Some(span), message: message.into() }
    }

    pub(crate) fn execution(span: Span, message: impl Into<String>) -> Self {
        QueryError { kind: ErrorKind::Execution, span: Some(span), message: message.into() }
    }

    pub(crate) fn limit(span: Option<Span>, message: impl Into<String>) -> Self {
        QueryError { kind: ErrorKind::Limit, span, message: message.into() }
    }
}

/// `at 4-9: …`, offsets in bytes.
impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(span) = self.span {
            write!(f, "at {}-{}: ", span.start, span.end)?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for QueryError {}
