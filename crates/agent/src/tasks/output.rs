//! What a script wrote, kept until the hub has it: the beginning and the end, the middle dropped when too long.
//!
//! Invariant: the script is never held up by a slow hub; memory per stream is bounded; offsets are those of the
//! stream as written, so that a gap shows.

use std::collections::VecDeque;

use watchtower_model::limits::OUTPUT_BYTES_MAX;
use watchtower_protocol::limits::{OUTPUT_CHUNK_BYTES_MAX, OUTPUT_WINDOW_BYTES};

/// Two streams share what the hub keeps of an execution; each keeps its first and its last half.
const HEAD_BYTES: u64 = OUTPUT_BYTES_MAX as u64 / 4;
const TAIL_BYTES: u64 = OUTPUT_BYTES_MAX as u64 / 4;
/// What one stream may have under way: its share of the window of the execution.
const WINDOW_BYTES: u64 = OUTPUT_WINDOW_BYTES / 2;

#[derive(Debug, Default)]
pub struct Output {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    total: u64,
    /// The next offset to send, and up to where the hub has it.
    sent: u64,
    acked: u64,
    ended: bool,
}

impl Output {
    pub fn push(&mut self, bytes: &[u8]) {
        self.total += bytes.len() as u64;
        let room = (HEAD_BYTES as usize - self.head.len()).min(bytes.len());
        let (first, rest) = bytes.split_at(room);
        self.head.extend_from_slice(first);
        self.tail.extend(rest);
        let surplus = self.tail.len().saturating_sub(TAIL_BYTES as usize);
        self.tail.drain(..surplus);
    }

    /// No more bytes will come: the tail may be sent.
    pub fn end(&mut self) {
        self.ended = true;
    }

    pub fn total(&self) -> u64 {
        self.total
    }

    /// The next bytes to send, as far as the window allows; the caller sends them.
    pub fn next_chunk(&mut self) -> Option<(u64, Vec<u8>)> {
        let window = WINDOW_BYTES.saturating_sub(self.under_way());
        let max = window.min(OUTPUT_CHUNK_BYTES_MAX as u64);
        if max == 0 {
            return None;
        }
        let head = self.head.len() as u64;
        let (offset, data): (u64, Vec<u8>) = if self.sent < head {
            let end = head.min(self.sent + max);
            (self.sent, self.head[self.sent as usize..end as usize].to_vec())
        } else if self.ended {
            let start = self.tail_start();
            let offset = self.sent.max(start);
            let skip = (offset - start) as usize;
            (offset, self.tail.iter().skip(skip).take(max as usize).copied().collect())
        } else {
            return None;
        };
        if data.is_empty() {
            return None;
        }
        self.sent = offset + data.len() as u64;
        Some((offset, data))
    }

    /// The hub has everything up to `offset`.
    pub fn ack(&mut self, offset: u64) {
        self.acked = self.acked.max(offset.min(self.sent));
    }

    /// What was under way may be lost: it is sent again.
    pub fn rewind(&mut self) {
        self.sent = self.acked;
    }

    pub fn is_delivered(&self) -> bool {
        self.ended && self.acked >= self.total
    }

    fn tail_start(&self) -> u64 {
        self.total - self.tail.len() as u64
    }

    /// Bytes sent and not acknowledged; the gap in the middle is none.
    fn under_way(&self) -> u64 {
        let gap_start = self.head.len() as u64;
        let gap_end = self.tail_start().max(gap_start);
        let without_gap = |offset: u64| gap_start.min(offset) + offset.saturating_sub(gap_end);
        without_gap(self.sent).saturating_sub(without_gap(self.acked))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends everything, the hub acknowledging each chunk.
    fn deliver(output: &mut Output) -> Vec<(u64, Vec<u8>)> {
        let mut chunks = Vec::new();
        while let Some((offset, data)) = output.next_chunk() {
            output.ack(offset + data.len() as u64);
            chunks.push((offset, data));
        }
        chunks
    }

    #[test]
    fn short_output_is_whole_and_comes_before_the_end() {
        let mut output = Output::default();
        output.push(b"a\0b");
        assert_eq!(deliver(&mut output), [(0, b"a\0b".to_vec())]);
        output.push(b"c");
        output.end();
        assert_eq!(deliver(&mut output), [(3, b"c".to_vec())]);
        assert!(output.is_delivered());
    }

    #[test]
    fn the_middle_of_long_output_is_dropped() {
        let mut output = Output::default();
        let all: Vec<u8> = (0..3 * OUTPUT_BYTES_MAX).map(|n| (n % 251) as u8).collect();
        all.chunks(7000).for_each(|chunk| output.push(chunk));
        output.end();
        let chunks = deliver(&mut output);
        let mut got = 0;
        let mut gaps = 0;
        let mut expected = 0;
        for (offset, data) in &chunks {
            gaps += u64::from(*offset != expected);
            assert_eq!(*data, all[*offset as usize..*offset as usize + data.len()]);
            expected = offset + data.len() as u64;
            got += data.len() as u64;
        }
        assert_eq!((got, gaps, expected), (HEAD_BYTES + TAIL_BYTES, 1, all.len() as u64));
        assert!(output.is_delivered());
    }

    #[test]
    fn the_window_holds_back_and_a_new_connection_sends_again() {
        let mut output = Output::default();
        output.push(&vec![1; WINDOW_BYTES as usize + 100]);
        let mut sent = 0;
        while let Some((_, data)) = output.next_chunk() {
            sent += data.len() as u64;
        }
        assert_eq!(sent, WINDOW_BYTES);
        output.ack(1000);
        assert_eq!(output.next_chunk().unwrap().1.len(), 100);
        output.rewind();
        assert_eq!(output.next_chunk().unwrap().0, 1000);
        output.ack(u64::MAX);
        assert!(!output.is_delivered());
    }
}
