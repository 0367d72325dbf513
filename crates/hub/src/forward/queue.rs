//! Requests that wait for a receiver, in files.
//!
//! A folder holds numbered files of requests, each as samples, length and CRC-32 (u32, little endian) and the bytes, and the file
//! `position` that says which request goes next. Invariant: what was pushed survives the death of the process; beyond the bound the
//! oldest file goes, and its samples are counted. A request may be sent twice after a crash, which receivers take for one.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

use tokio::sync::Notify;

/// A file is closed at this many bytes: what is dropped at once when the queue is full.
const FILE_BYTES: u64 = 4 * 1024 * 1024;
const HEAD_BYTES: usize = 12;
/// A longer request was never pushed: the file is damaged.
const REQUEST_BYTES_MAX: u32 = 4 * 1024 * 1024;

/// A request and where the next one begins.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Next {
    pub body: Vec<u8>,
    pub samples: u32,
    at: (u64, u64),
}

pub(super) struct Queue {
    dir: PathBuf,
    bytes_max: u64,
    state: Mutex<State>,
    news: Notify,
}

#[derive(Default)]
struct State {
    /// Number, length and samples of each file, the oldest first; the last is being written.
    files: VecDeque<(u64, u64, u64)>,
    writing: Option<File>,
    /// File and offset of the request that goes next.
    position: (u64, u64),
    lost: u64,
}

impl Queue {
    pub(super) fn open(dir: &Path, bytes_max: u64) -> io::Result<Queue> {
        fs::create_dir_all(dir)?;
        let mut state = State::default();
        let mut numbers: Vec<u64> = fs::read_dir(dir)?
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.strip_suffix(".requests")?.parse().ok())
            .collect();
        numbers.sort_unstable();
        for number in numbers {
            let (length, samples) = measure(&file(dir, number))?;
            state.files.push_back((number, length, samples));
        }
        let text = fs::read_to_string(dir.join("position")).unwrap_or_default();
        let known = text.trim().split_once(' ').and_then(|(n, at)| Some((n.parse().ok()?, at.parse().ok()?)));
        state.position = known.unwrap_or_default();
        Ok(Queue { dir: dir.into(), bytes_max, state: Mutex::new(state), news: Notify::new() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no code panics while it holds a queue")
    }

    pub(super) fn push(&self, body: &[u8], samples: u32) {
        let mut state = self.state();
        if let Err(error) = self.append(&mut state, body, samples) {
            state.lost += u64::from(samples);
            // What was written of it is cut off by its checksum; the next request begins a new file.
            state.writing = None;
            tracing::error!("a request could not be queued in {}: {error}", self.dir.display());
        }
        drop(state);
        self.news.notify_one();
    }

    fn append(&self, state: &mut State, body: &[u8], samples: u32) -> io::Result<()> {
        let full = state.files.back().is_none_or(|(_, length, _)| *length >= FILE_BYTES);
        if state.writing.is_none() || full {
            // A file that an earlier process left is not written on: its end may be torn.
            let number = state.files.back().map_or(state.position.0, |(number, ..)| *number) + 1;
            let path = file(&self.dir, number);
            state.writing = Some(OpenOptions::new().create_new(true).append(true).open(path)?);
            state.files.push_back((number, 0, 0));
        }
        let mut record = Vec::with_capacity(HEAD_BYTES + body.len());
        record.extend_from_slice(&samples.to_le_bytes());
        record.extend_from_slice(&(body.len() as u32).to_le_bytes());
        record.extend_from_slice(&crc32fast::hash(body).to_le_bytes());
        record.extend_from_slice(body);
        if let Some(writing) = &mut state.writing {
            writing.write_all(&record)?;
        }
        if let Some((_, length, count)) = state.files.back_mut() {
            *length += record.len() as u64;
            *count += u64::from(samples);
        }
        while state.files.len() > 1
            && state.files.iter().map(|(_, length, _)| length).sum::<u64>() > self.bytes_max
        {
            let samples = self.drop_first(state);
            state.lost += samples;
        }
        Ok(())
    }

    /// Removes the oldest file: the samples of it that were not sent.
    fn drop_first(&self, state: &mut State) -> u64 {
        let Some((number, _, samples)) = state.files.pop_front() else { return 0 };
        let path = file(&self.dir, number);
        let sent = if state.position.0 == number { sent_samples(&path, state.position.1) } else { 0 };
        if let Err(error) = fs::remove_file(&path) {
            tracing::warn!("{} cannot be removed: {error}", path.display());
        }
        if state.files.is_empty() {
            state.writing = None;
        }
        samples.saturating_sub(sent)
    }

    /// The request that goes next; waits for one.
    pub(super) async fn next(&self) -> Next {
        loop {
            if let Some(next) = self.peek() {
                return next;
            }
            self.news.notified().await;
        }
    }

    fn peek(&self) -> Option<Next> {
        let mut state = self.state();
        loop {
            let (number, length, samples) = *state.files.front()?;
            if state.position.0 != number {
                state.position = (number, 0);
            }
            let at = state.position.1;
            match read(&file(&self.dir, number), at) {
                Ok(Some((body, samples))) => {
                    let end = at + (HEAD_BYTES + body.len()) as u64;
                    return Some(Next { body, samples, at: (number, end) });
                }
                // Its end: a file that is still written is read on later.
                Ok(None) if at >= length && state.files.len() == 1 => return None,
                Ok(None) => {}
                Err(error) => {
                    let lost = samples.saturating_sub(sent_samples(&file(&self.dir, number), at));
                    state.lost += lost;
                    tracing::error!(
                        "requests in {} are damaged: {error}; {lost} samples are lost",
                        self.dir.display()
                    );
                }
            }
            self.drop_first(&mut state);
        }
    }

    /// The request was sent, or is not to be.
    pub(super) fn done(&self, next: &Next) {
        let mut state = self.state();
        // The file may have been dropped for room meanwhile.
        if state.position.0 != next.at.0 {
            return;
        }
        state.position = next.at;
        let (path, new) = (self.dir.join("position"), self.dir.join("position.new"));
        let text = format!("{} {}\n", next.at.0, next.at.1);
        if let Err(error) = fs::write(&new, text).and_then(|()| fs::rename(&new, &path)) {
            tracing::warn!("{} cannot be written: {error}", path.display());
        }
    }

    pub(super) fn bytes(&self) -> u64 {
        let state = self.state();
        let all: u64 = state.files.iter().map(|(_, length, _)| length).sum();
        let read = state.files.front().filter(|(number, ..)| *number == state.position.0);
        all.saturating_sub(read.map_or(0, |_| state.position.1))
    }

    pub(super) fn lost(&self) -> u64 {
        self.state().lost
    }
}

fn file(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{number:012}.requests"))
}

/// The request at this offset; `None` at the end of the file, and where only a part of one was written.
fn read(path: &Path, at: u64) -> io::Result<Option<(Vec<u8>, u32)>> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(at))?;
    let mut head = [0; HEAD_BYTES];
    if let Err(error) = file.read_exact(&mut head) {
        return if error.kind() == io::ErrorKind::UnexpectedEof { Ok(None) } else { Err(error) };
    }
    let word = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    let (samples, length, crc) = (word(0), word(4), word(8));
    if length > REQUEST_BYTES_MAX {
        return Err(io::Error::other("a length that no request has"));
    }
    let mut body = Vec::new();
    file.take(u64::from(length)).read_to_end(&mut body)?;
    if body.len() < length as usize {
        return Ok(None);
    }
    if crc32fast::hash(&body) != crc {
        return Err(io::Error::other("a checksum is wrong"));
    }
    Ok(Some((body, samples)))
}

/// Length up to the last whole request, and the samples in there.
fn measure(path: &Path) -> io::Result<(u64, u64)> {
    let (mut at, mut samples) = (0, 0);
    while let Ok(Some((body, count))) = read(path, at) {
        at += (HEAD_BYTES + body.len()) as u64;
        samples += u64::from(count);
    }
    Ok((fs::metadata(path)?.len().max(at), samples))
}

/// Samples before this offset.
fn sent_samples(path: &Path, end: u64) -> u64 {
    let (mut at, mut samples) = (0, 0);
    while at < end
        && let Ok(Some((body, count))) = read(path, at)
    {
        at += (HEAD_BYTES + body.len()) as u64;
        samples += u64::from(count);
    }
    samples
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pop(queue: &Queue) -> Option<(u32, usize)> {
        let next = queue.peek()?;
        queue.done(&next);
        Some((next.samples, next.body.len()))
    }

    #[test]
    fn requests_come_out_in_order_and_survive_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let queue = Queue::open(dir.path(), 1 << 30).unwrap();
        for n in 1..=5_u32 {
            queue.push(&vec![7; n as usize * 1000], n);
        }
        assert_eq!((pop(&queue), pop(&queue)), (Some((1, 1000)), Some((2, 2000))));
        let left = queue.bytes();
        drop(queue);
        // A request that was being written when the process died.
        let last = dir.path().join("000000000001.requests");
        OpenOptions::new().append(true).open(&last).unwrap().write_all(&[9, 0, 0, 0, 99, 0, 0]).unwrap();
        let queue = Queue::open(dir.path(), 1 << 30).unwrap();
        assert_eq!(queue.bytes(), left + 7);
        queue.push(b"new", 6);
        let rest: Vec<_> = std::iter::from_fn(|| pop(&queue)).collect();
        assert_eq!(rest, [(3, 3000), (4, 4000), (5, 5000), (6, 3)]);
        assert_eq!((queue.lost(), queue.bytes()), (0, 0));
        assert!(!last.exists(), "what was sent is gone");
        queue.push(b"later", 1);
        assert_eq!(pop(&queue), Some((1, 5)));
    }

    #[test]
    fn beyond_the_bound_the_oldest_go_and_are_counted() {
        let dir = tempfile::tempdir().unwrap();
        let queue = Queue::open(dir.path(), 3 * FILE_BYTES).unwrap();
        let half = vec![1; FILE_BYTES as usize / 2];
        for n in 0..12 {
            queue.push(&half, 1 << n);
            if n == 0 {
                pop(&queue).unwrap();
            }
        }
        let rest: Vec<u32> = std::iter::from_fn(|| pop(&queue)).map(|(samples, _)| samples).collect();
        assert_eq!(u64::from(rest.iter().sum::<u32>()) + queue.lost() + 1, (1 << 12) - 1);
        assert!(rest.len() >= 4 && rest.last() == Some(&(1 << 11)), "{rest:?}");
    }

    #[test]
    fn a_damaged_file_is_given_up_and_its_samples_counted() {
        let dir = tempfile::tempdir().unwrap();
        let queue = Queue::open(dir.path(), 1 << 30).unwrap();
        queue.push(&[1; 100], 1);
        queue.push(&[2; 100], 2);
        let path = file(dir.path(), 1);
        let mut bytes = fs::read(&path).unwrap();
        bytes[HEAD_BYTES + 100 + HEAD_BYTES + 50] ^= 1;
        fs::write(&path, bytes).unwrap();
        assert_eq!(pop(&queue), Some((1, 100)));
        assert_eq!((pop(&queue), queue.lost()), (None, 2));
        queue.push(&[3; 100], 4);
        assert_eq!(pop(&queue), Some((4, 100)));
    }
}
