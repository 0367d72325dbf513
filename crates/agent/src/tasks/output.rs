//! What a script wrote, spooled on disk until the hub has it: the beginning and the end, the middle dropped when too
//! long. The supervisor writes, the executor reads, each a process of its own.
//!
//! Invariant: the script is never held up by a slow hub; disk per stream is bounded and reserved; offsets are those of
//! the stream as written, so that a gap shows.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;

use watchtower_model::limits::OUTPUT_BYTES_MAX;
use watchtower_protocol::Stream;
use watchtower_protocol::limits::{OUTPUT_CHUNK_BYTES_MAX, OUTPUT_WINDOW_BYTES};

use super::record::Record;

/// Two streams share what the hub keeps of an execution; each keeps its first and its last half.
pub const HEAD_BYTES: u64 = OUTPUT_BYTES_MAX as u64 / 4;
pub const TAIL_BYTES: u64 = OUTPUT_BYTES_MAX as u64 / 4;
/// What one stream may have under way: its share of the window of the execution.
const WINDOW_BYTES: u64 = OUTPUT_WINDOW_BYTES / 2;

/// The supervisor's side. The tail is a ring: the byte at offset `o` lies at `(o - HEAD_BYTES) % TAIL_BYTES`.
#[derive(Debug)]
pub struct Writer {
    head: File,
    tail: File,
    total: u64,
}

impl Writer {
    pub fn open(record: &Record, stream: Stream) -> io::Result<Self> {
        let open = |path| OpenOptions::new().write(true).open(path);
        Ok(Writer { head: open(record.head(stream))?, tail: open(record.tail(stream))?, total: 0 })
    }

    /// A disk that refuses costs these bytes; they are counted as written by the script all the same.
    pub fn push(&mut self, bytes: &[u8]) {
        let room = HEAD_BYTES.saturating_sub(self.total).min(bytes.len() as u64) as usize;
        let (first, rest) = bytes.split_at(room);
        let _ = self.head.write_all_at(first, self.total);
        self.total += first.len() as u64;
        for part in rest.chunks(OUTPUT_CHUNK_BYTES_MAX) {
            let at = (self.total - HEAD_BYTES) % TAIL_BYTES;
            let before_wrap = part.len().min((TAIL_BYTES - at) as usize);
            let _ = self.tail.write_all_at(&part[..before_wrap], at);
            let _ = self.tail.write_all_at(&part[before_wrap..], 0);
            self.total += part.len() as u64;
        }
    }

    pub fn total(&self) -> u64 {
        self.total
    }
}

/// The executor's side: what is to be sent, and up to where the hub has it.
#[derive(Debug)]
pub struct Output {
    head: File,
    tail: File,
    /// The next offset to send, and up to where the hub has it.
    sent: u64,
    acked: u64,
    /// Known once it has ended: only then does the tail hold still.
    total: Option<u64>,
}

impl Output {
    pub fn open(record: &Record, stream: Stream) -> io::Result<Self> {
        let (head, tail) = (File::open(record.head(stream))?, File::open(record.tail(stream))?);
        Ok(Output { head, tail, sent: 0, acked: 0, total: None })
    }

    /// No more bytes will come: the tail may be sent.
    pub fn end(&mut self, total: u64) {
        self.total = Some(total);
    }

    /// The next bytes to send, as far as the window allows; the caller sends them.
    pub fn next_chunk(&mut self) -> Option<(u64, Vec<u8>)> {
        let window = WINDOW_BYTES.saturating_sub(self.under_way());
        let max = window.min(OUTPUT_CHUNK_BYTES_MAX as u64);
        if max == 0 {
            return None;
        }
        let head = self.head_bytes();
        if self.sent < head {
            let data = read(&self.head, self.sent, head.min(self.sent + max) - self.sent)?;
            return Some(self.send(self.sent, data));
        }
        let total = self.total?;
        let start = self.sent.max(self.tail_start());
        let at = start.checked_sub(HEAD_BYTES)? % TAIL_BYTES;
        let length = max.min(total.saturating_sub(start)).min(TAIL_BYTES - at);
        match read(&self.tail, at, length) {
            Some(data) if length > 0 => Some(self.send(start, data)),
            _ => {
                // The disk refused them when they were written: these bytes are gone, and the gap shows.
                if self.sent < total {
                    (self.sent, self.acked) = (total, total);
                }
                None
            }
        }
    }

    fn send(&mut self, offset: u64, data: Vec<u8>) -> (u64, Vec<u8>) {
        self.sent = offset + data.len() as u64;
        (offset, data)
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
        self.total.is_some_and(|total| self.acked >= total)
    }

    fn head_bytes(&self) -> u64 {
        self.head.metadata().map_or(0, |metadata| metadata.len()).min(HEAD_BYTES)
    }

    fn tail_start(&self) -> u64 {
        self.total.map_or(HEAD_BYTES, |total| HEAD_BYTES.max(total.saturating_sub(TAIL_BYTES)))
    }

    /// Bytes sent and not acknowledged; the gap in the middle is none.
    fn under_way(&self) -> u64 {
        let gap_end = self.tail_start();
        let without_gap = |offset: u64| HEAD_BYTES.min(offset) + offset.saturating_sub(gap_end);
        without_gap(self.sent).saturating_sub(without_gap(self.acked))
    }
}

fn read(file: &File, offset: u64, length: u64) -> Option<Vec<u8>> {
    let mut data = vec![0; length as usize];
    file.read_exact_at(&mut data, offset).ok()?;
    Some(data)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Pair {
        _dir: tempfile::TempDir,
        writer: Writer,
        output: Output,
    }

    fn pair() -> Pair {
        let dir = tempfile::tempdir().unwrap();
        let record = Record::at(dir.path().to_path_buf());
        std::fs::write(record.head(Stream::Stdout), "").unwrap();
        std::fs::write(record.tail(Stream::Stdout), "").unwrap();
        let writer = Writer::open(&record, Stream::Stdout).unwrap();
        let output = Output::open(&record, Stream::Stdout).unwrap();
        Pair { _dir: dir, writer, output }
    }

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
        let Pair { mut writer, mut output, _dir } = pair();
        writer.push(b"a\0b");
        assert_eq!(deliver(&mut output), [(0, b"a\0b".to_vec())]);
        writer.push(b"c");
        output.end(writer.total());
        assert_eq!(deliver(&mut output), [(3, b"c".to_vec())]);
        assert!(output.is_delivered());
    }

    #[test]
    fn the_middle_of_long_output_is_dropped() {
        let Pair { mut writer, mut output, _dir } = pair();
        let all: Vec<u8> = (0..3 * OUTPUT_BYTES_MAX + 77).map(|n| (n % 251) as u8).collect();
        all.chunks(7000).for_each(|chunk| writer.push(chunk));
        output.end(writer.total());
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
        let Pair { mut writer, mut output, _dir } = pair();
        writer.push(&vec![1; WINDOW_BYTES as usize + 100]);
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

    #[test]
    fn a_tail_that_the_disk_refused_is_a_gap_and_holds_nothing_up() {
        for total in [2, HEAD_BYTES + 50] {
            let Pair { mut writer, mut output, _dir } = pair();
            writer.push(b"a");
            output.end(total);
            assert_eq!(deliver(&mut output), [(0, b"a".to_vec())]);
            assert!(output.is_delivered(), "{total}");
        }
    }
}
