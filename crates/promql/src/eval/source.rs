//! What a query reads from: samples, and for the time before they are kept, buckets of them.

use watchtower_matchers::Matchers;
use watchtower_model::{Labels, Sample, Timestamp};

use crate::functions::{Code, Function};

/// A series and samples of it, sorted by time.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesWindow {
    pub labels: Labels,
    pub samples: Vec<Sample>,
}

/// Where series come from.
pub trait SeriesSource {
    /// All series that match, with their samples from `from` to `to`, both included, stale markers too.
    fn select(
        &self,
        matchers: &Matchers,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<SeriesWindow>, SourceError>;

    /// The same, with buckets for the time whose samples are no longer kept. A source that keeps all of them need not know of it.
    fn fetch(
        &self,
        matchers: &Matchers,
        from: Timestamp,
        to: Timestamp,
        _wanted: Wanted,
    ) -> Result<Fetched, SourceError> {
        let plain =
            |w: SeriesWindow| BucketWindow { labels: w.labels, samples: w.samples, rests: Vec::new() };
        let series = self.select(matchers, from, to)?.into_iter().map(plain).collect();
        Ok(Fetched { series, spans: Vec::new() })
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// More series or samples than the source gives out.
    #[error("{0}")]
    Limit(String),
    #[error("{0}")]
    Failed(String),
}

/// Which value stands for a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    /// The newest; where the series ended, a stale marker behind it.
    Last,
    Min,
    Max,
    Sum,
    /// The number of samples, and their [`Rest`].
    Count,
    /// The sum, and their [`Rest`].
    Mean,
    /// The newest, and their [`Rest`].
    Growth,
}

/// What is read, and by what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub reads: Reads,
    /// The function that would have to see every sample to be right, and sees the last of each bucket.
    pub roughly: Option<&'static str>,
    /// Buckets of a length that divides this say as much as finer ones: each time that is looked at, and the length of the range, is a
    /// multiple of it.
    pub grain_ms: i64,
}

impl Wanted {
    pub(super) const LAST: Wanted = Wanted { reads: Reads::Last, roughly: None, grain_ms: Wanted::FINEST };
    /// No bucket is fine enough.
    const FINEST: i64 = 1;

    /// What a function of a range vector reads.
    pub(super) fn by(function: &Function) -> Wanted {
        let reads = match function.code {
            Code::Rate | Code::Increase | Code::Delta => Reads::Growth,
            Code::MinOverTime => Reads::Min,
            Code::MaxOverTime => Reads::Max,
            Code::SumOverTime => Reads::Sum,
            Code::CountOverTime => Reads::Count,
            Code::AvgOverTime => Reads::Mean,
            Code::LastOverTime | Code::PresentOverTime | Code::AbsentOverTime => return Wanted::LAST,
            _ => return Wanted { roughly: Some(function.name), ..Wanted::LAST },
        };
        Wanted { reads, ..Wanted::LAST }
    }
}

/// What the one value of a bucket does not say of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rest {
    pub first: Sample,
    /// What a counter lost within the bucket: the sum of the values behind which a smaller one came.
    pub resets: f64,
    pub count: u32,
}

/// A series: buckets, each at the time of its last sample, and behind them samples.
#[derive(Clone, Debug, PartialEq)]
pub struct BucketWindow {
    pub labels: Labels,
    pub samples: Vec<Sample>,
    /// Of the first of them, which are buckets, where [`Reads`] asks for it.
    pub rests: Vec<Rest>,
}

/// Up to `until`, and with it, there are buckets of this length; they end at its multiples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BucketSpan {
    pub until: Timestamp,
    pub bucket_ms: i64,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Fetched {
    pub series: Vec<BucketWindow>,
    /// Oldest first; behind the last of them are samples.
    pub spans: Vec<BucketSpan>,
}
