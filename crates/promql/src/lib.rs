//! PromQL as Prometheus 3 defines it: parsed with byte spans, checked, evaluated over a [`SeriesSource`].
//!
//! Invariants: no clock, no IO, no async; every selector of a query is fetched exactly once, also for a range
//! of steps; every error says where in the text it arose when it arose at a place.
//!
//! Walk: `lex` -> `parse` (-> `ast`) -> `check` (with `functions`) -> `eval`; `analyse` answers what a rule's
//! expression depends on.

mod error;

mod lex;

mod ast;
mod display;
mod functions;
mod parse;

mod check;

mod analyse;
mod eval;

pub use analyse::{SelectorUse, partitions, reach_ms, selectors};
pub use ast::{
    AggregateOp, At, BinaryOp, Cardinality, Expr, Grouping, Kind, Matching, Selector, Span, TimeShift, Type,
};
pub use error::{ErrorKind, QueryError};
pub use eval::{
    Answer, BucketSpan, BucketWindow, Dialect, Element, Fetched, Limits, Reads, Rest, SeriesSource,
    SeriesWindow, Settings, SourceError, Wanted, eval_instant, eval_range,
};
pub use functions::Function;
pub use parse::{parse, parse_selector};

/// Bytes of a query.
pub const QUERY_BYTES_MAX: usize = 64 * 1024;
/// How deep expressions may nest.
pub const DEPTH_MAX: usize = 100;
/// Steps of a range query, as in Prometheus.
pub const STEPS_MAX: i64 = 11_000;
