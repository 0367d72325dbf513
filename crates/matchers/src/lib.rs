//! Label matchers: what a PromQL selector, a route, a silence and a list of targets have in common.
//!
//! Invariant: a missing label and an empty value are the same thing, and a regular expression always has to
//! match the whole value, as in Prometheus.

mod quote;
mod regex;

mod matcher;
mod matchers;
mod parse;
mod selector;

pub use matcher::{Matcher, Op};
pub use matchers::Matchers;
pub use parse::ParseError;
pub use quote::{UnquoteError, quote, unquote};
pub use regex::{REGEX_BYTES_MAX, REGEX_PROGRAM_BYTES_MAX, RegexError};
pub use selector::Selector;

/// Matchers in one list.
pub const MATCHERS_MAX: usize = 64;
