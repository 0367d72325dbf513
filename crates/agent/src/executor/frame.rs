//! Frames between collector and executor: four bytes of length, big endian, then JSON.
//!
//! Invariant: the length is checked before anything is read or kept; reading is safe to cancel at any point.

use std::io;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::timeout;
use watchtower_protocol::limits::MESSAGE_BYTES_MAX;

/// A command's envelope is the largest that is asked; a hub's message holds it.
pub const FRAME_BYTES_MAX: usize = MESSAGE_BYTES_MAX + 1024;
const LENGTH_BYTES: usize = 4;
/// Read at once.
const READ_BYTES: usize = 16 * 1024;
/// Time for the other side to take a frame.
const WRITE: Duration = Duration::from_secs(20);

#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    #[error("the other side closed the socket")]
    Closed,
    #[error("the socket broke: {0}")]
    Io(#[from] io::Error),
    #[error("a frame of {0} bytes is longer than {FRAME_BYTES_MAX}")]
    TooLong(usize),
    #[error("a frame is not understood: {0}; are collector and executor of one version?")]
    Bad(#[from] serde_json::Error),
    #[error("the other side does not read")]
    Stalled,
}

#[derive(Debug)]
pub struct FrameReader {
    half: OwnedReadHalf,
    buffer: Vec<u8>,
}

impl FrameReader {
    pub fn new(half: OwnedReadHalf) -> Self {
        FrameReader { half, buffer: Vec::new() }
    }

    /// The next frame; safe to cancel.
    pub async fn next<T: DeserializeOwned>(&mut self) -> Result<T, FrameError> {
        loop {
            if let Some(frame) = self.take()? {
                return Ok(frame);
            }
            self.buffer.reserve(READ_BYTES);
            if self.half.read_buf(&mut self.buffer).await? == 0 {
                return Err(FrameError::Closed);
            }
        }
    }

    fn take<T: DeserializeOwned>(&mut self) -> Result<Option<T>, FrameError> {
        let Some(length) = self.buffer.first_chunk::<LENGTH_BYTES>() else { return Ok(None) };
        let length = u32::from_be_bytes(*length) as usize;
        if length > FRAME_BYTES_MAX {
            return Err(FrameError::TooLong(length));
        }
        let Some(json) = self.buffer.get(LENGTH_BYTES..LENGTH_BYTES + length) else { return Ok(None) };
        let frame = serde_json::from_slice(json)?;
        self.buffer.drain(..LENGTH_BYTES + length);
        if self.buffer.is_empty() {
            // A large command's room is not kept for the small frames that follow.
            self.buffer.shrink_to(READ_BYTES);
        }
        Ok(Some(frame))
    }
}

pub async fn write<T: Serialize>(half: &mut OwnedWriteHalf, frame: &T) -> Result<(), FrameError> {
    let mut bytes = vec![0; LENGTH_BYTES];
    serde_json::to_writer(&mut bytes, frame)?;
    let length = bytes.len() - LENGTH_BYTES;
    if length > FRAME_BYTES_MAX {
        return Err(FrameError::TooLong(length));
    }
    bytes[..LENGTH_BYTES].copy_from_slice(&(length as u32).to_be_bytes());
    match timeout(WRITE, half.write_all(&bytes)).await {
        Ok(written) => Ok(written?),
        Err(_) => Err(FrameError::Stalled),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::UnixStream;

    #[tokio::test]
    async fn frames_come_whole_however_they_are_cut_and_lengths_are_checked_first() {
        let (near, far) = UnixStream::pair().unwrap();
        let (_, mut raw) = near.into_split();
        let mut reader = FrameReader::new(far.into_split().0);
        for byte in [&[0, 0, 0, 3][..], b"\"a", b"\"\0\0\0\x04", b"\"bc\""] {
            raw.write_all(byte).await.unwrap();
        }
        assert_eq!(reader.next::<String>().await.unwrap(), "a");
        assert_eq!(reader.next::<String>().await.unwrap(), "bc");
        raw.write_all(&[0, 0, 0, 1, b'x']).await.unwrap();
        assert!(matches!(reader.next::<String>().await, Err(FrameError::Bad(_))));

        let (near, far) = UnixStream::pair().unwrap();
        let (_, mut raw) = near.into_split();
        let mut reader = FrameReader::new(far.into_split().0);
        raw.write_all(&[0xff; 4]).await.unwrap();
        assert!(matches!(reader.next::<String>().await, Err(FrameError::TooLong(_))));
    }
}
