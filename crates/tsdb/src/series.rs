//! One series in memory: an open chunk, full chunks until they are stored, and where older data begins.
//!
//! Invariant: samples enter the open chunk in order of time; a chunk never crosses midnight UTC.

use watchtower_model::{Id, Labels};

use crate::codec::OpenChunk;
use crate::limits::CHUNK_SAMPLES;
use crate::record::{Input, put_varint};
use crate::store::Day;

#[derive(Debug)]
pub(crate) struct SealedChunk {
    pub min_t: i64,
    pub max_t: i64,
    /// In the store already, and kept here only to be read quickly.
    pub stored: bool,
    pub bytes: Box<[u8]>,
}

#[derive(Debug)]
pub(crate) struct Series {
    pub shape: u32,
    pub resource: u32,
    pub open: OpenChunk,
    /// The flush epoch in which the open chunk began.
    pub open_epoch: u32,
    /// Samples at which the open chunk is full.
    target: u16,
    /// `i64::MIN` before the first sample.
    pub last_t: i64,
    pub sealed: Vec<SealedChunk>,
    /// Samples up to here may be in the store and not in memory.
    pub stored_to: i64,
    /// The newest day that the catalogue knows for this series.
    pub catalogue_day: Option<Day>,
    /// No sample of it is kept any more, only rollups; it counts against no limit, and takes samples once it is resolved again.
    pub ended: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Appended,
    Duplicate,
    /// Before the newest sample: belongs to the late buffer.
    Late,
}

impl Series {
    pub(crate) fn new(number: u32, shape: u32, resource: u32) -> Self {
        Series {
            shape,
            resource,
            open: OpenChunk::default(),
            open_epoch: 0,
            // Series that begin together must not all be full in the same second.
            target: CHUNK_SAMPLES - (number % u32::from(CHUNK_SAMPLES / 2)) as u16,
            last_t: i64::MIN,
            sealed: Vec::new(),
            stored_to: i64::MIN,
            catalogue_day: None,
            ended: false,
        }
    }

    #[inline]
    pub(crate) fn push(&mut self, t: i64, v: f64, epoch: u32) -> Verdict {
        if t <= self.last_t {
            // The first of two values for one time wins, as in Prometheus.
            return if t == self.last_t { Verdict::Duplicate } else { Verdict::Late };
        }
        let count = self.open.count();
        if count > 0 && (count >= self.target || Day::of(self.open.min_t()) != Day::of(t)) {
            self.seal();
        }
        if self.open.count() == 0 {
            self.open_epoch = epoch;
        }
        self.open.push(t, v);
        self.last_t = t;
        Verdict::Appended
    }

    /// Closes the open chunk, which must not be empty.
    pub(crate) fn seal(&mut self) {
        let open = std::mem::take(&mut self.open);
        self.target = CHUNK_SAMPLES;
        self.sealed.push(SealedChunk {
            min_t: open.min_t(),
            max_t: open.last_t(),
            stored: false,
            bytes: open.to_bytes().into_boxed_slice(),
        });
    }

    pub(crate) fn has_samples_in_memory(&self) -> bool {
        self.open.count() > 0 || !self.sealed.is_empty()
    }

    /// All its samples lie before `t`, and are stored.
    pub(crate) fn idle_since(&self, t: i64) -> bool {
        !self.has_samples_in_memory() && self.stored_to != i64::MIN && self.stored_to < t
    }

    /// Lets go of stored chunks that end before `t`.
    pub(crate) fn evict_before(&mut self, t: i64) {
        let stored_to = &mut self.stored_to;
        self.sealed.retain(|c| {
            let keep = !c.stored || c.max_t >= t;
            if !keep {
                *stored_to = (*stored_to).max(c.max_t);
            }
            keep
        });
        if self.sealed.is_empty() {
            self.sealed.shrink_to_fit();
        }
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        let sealed: usize = self.sealed.iter().map(|c| c.bytes.len() + size_of::<SealedChunk>()).sum();
        size_of::<Self>() + self.open.allocated() + sealed
    }
}

/// Resource and labels as the log and the catalogue keep them: a byte that says whether 16 bytes of resource
/// follow, the number of labels, then names and values, each with its length.
pub(crate) fn encode_key(resource: Option<Id>, labels: &Labels) -> Vec<u8> {
    let mut out = Vec::with_capacity(96);
    out.push(u8::from(resource.is_some()));
    if let Some(id) = resource {
        out.extend_from_slice(id.as_bytes());
    }
    put_varint(&mut out, labels.len() as u64);
    for text in labels.iter().flat_map(|(n, v)| [n, v]) {
        put_varint(&mut out, text.len() as u64);
        out.extend_from_slice(text.as_bytes());
    }
    out
}

pub(crate) fn decode_key(key: &[u8]) -> Option<(Option<Id>, Labels)> {
    let mut input = Input(key);
    let resource = match input.take(1)?[0] {
        0 => None,
        1 => Some(input.id()?),
        _ => return None,
    };
    let count = input.varint()?;
    let mut text = || {
        let len = usize::try_from(input.varint()?).ok()?;
        std::str::from_utf8(input.take(len)?).ok()
    };
    let mut pairs = Vec::new();
    for _ in 0..count {
        pairs.push((text()?, text()?));
    }
    Some((resource, Labels::from_pairs(pairs)))
}
