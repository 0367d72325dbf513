//! Questions to the metric store: PromQL under limits, on a pool of its own, so that a query can never starve ingest or paging.

pub(crate) mod metric_store;
mod panels;
mod pool;
mod source;

pub use panels::server_panels;
pub use pool::{Pool, QueryLimits};
pub use source::{Scope, Source};
