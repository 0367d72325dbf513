//! Questions to the metric store: PromQL under limits, on a pool of its own, so that a query can never starve ingest or paging.

mod metric_store;
mod names;
mod notes;
mod panels;
mod pool;
mod source;

pub use metric_store::MetricStore;
pub use names::NamesOf;
pub use panels::server_panels;
pub use pool::{Pool, QueryLimits, Told};
pub use source::{Reach, Scope, Source};
