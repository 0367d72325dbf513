//! Messages to WebSocket frames and back, sizes checked before anything is parsed.

use std::borrow::Cow;
use std::cell::RefCell;

use serde::Serialize;
use serde::de::DeserializeOwned;
use zstd::bulk::Decompressor;

use crate::AgentMessage;
use crate::limits::{COMPRESS_BYTES_MIN, FRAME_BYTES_MAX, MESSAGE_BYTES_MAX};

thread_local! {
    /// Making one costs more than a report's decompression. Frames are independent: nothing of one is left for the next.
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// What both sides agreed on in the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Text frames of JSON only.
    Json,
    /// Binary frames of zstd level 1 where that pays, else text.
    Zstd,
}

/// A WebSocket data frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    Text(String),
    Binary(Vec<u8>),
}

#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    #[error("the message is larger than {max} bytes")]
    TooLarge { max: usize },
    #[error("the frame is not valid zstd, or is larger than {MESSAGE_BYTES_MAX} bytes decompressed")]
    BadCompression,
    #[error("not a message of this protocol: {0}")]
    BadJson(#[from] serde_json::Error),
}

/// Encodes a message for the wire.
pub fn encode<M: Serialize>(message: &M, encoding: Encoding) -> Frame {
    let json = serde_json::to_string(message).expect("messages hold no maps with keys other than strings");
    if encoding == Encoding::Zstd && json.len() >= COMPRESS_BYTES_MIN {
        match zstd::bulk::compress(json.as_bytes(), 1) {
            Ok(bytes) => return Frame::Binary(bytes),
            // Out of memory inside zstd; text says the same.
            Err(_) => return Frame::Text(json),
        }
    }
    Frame::Text(json)
}

/// Decodes a frame of at most `max` bytes ([`FRAME_BYTES_MAX`], or less before authentication).
pub fn decode<M: DeserializeOwned>(frame: &Frame, max: usize) -> Result<M, DecodeError> {
    Ok(serde_json::from_slice(&json(frame, max)?)?)
}

/// [`decode`] for what an agent says. A report whose type comes first, as agents write it, is read in one go: finding the type
/// among the other fields costs a copy of them all, and reports are nearly everything a hub reads.
pub fn decode_from_agent(frame: &Frame, max: usize) -> Result<AgentMessage, DecodeError> {
    let json = json(frame, max)?;
    if json.starts_with(br#"{"type":"report","#) {
        return Ok(AgentMessage::Report(serde_json::from_slice(&json)?));
    }
    Ok(serde_json::from_slice(&json)?)
}

/// The JSON of a frame, its size checked before and after decompression.
fn json(frame: &Frame, max: usize) -> Result<Cow<'_, [u8]>, DecodeError> {
    debug_assert!(max <= FRAME_BYTES_MAX);
    match frame {
        Frame::Text(text) if text.len() > max => Err(DecodeError::TooLarge { max }),
        Frame::Binary(bytes) if bytes.len() > max => Err(DecodeError::TooLarge { max }),
        Frame::Text(text) => Ok(text.as_bytes().into()),
        Frame::Binary(bytes) => {
            let declared = zstd::zstd_safe::get_frame_content_size(bytes).ok().flatten();
            let capacity = declared.map_or(MESSAGE_BYTES_MAX, |n| n as usize);
            if capacity > MESSAGE_BYTES_MAX {
                return Err(DecodeError::BadCompression);
            }
            let decompressed = DECOMPRESSOR.with_borrow_mut(|slot| {
                let decompressor = match slot {
                    Some(decompressor) => decompressor,
                    None => slot.insert(Decompressor::new()?),
                };
                decompressor.decompress(bytes, capacity)
            });
            Ok(decompressed.map_err(|_| DecodeError::BadCompression)?.into())
        }
    }
}
