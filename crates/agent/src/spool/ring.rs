//! A preallocated file that is written round and round: the oldest records give way, and are counted.
//!
//! Invariant: after a kill at any byte of any write, every record but the one being written (and those it was
//! about to replace) is found again. Nothing is indexed in memory: records are walked in the file.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use super::record::{self, ACKED_AT, ALIGN, HEADER_BYTES, Header, Meta, PAYLOAD_BYTES_MAX};

/// Where a record stands; the number tells whether it still does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub offset: u64,
    pub number: u64,
}

/// Bytes that the scan at the start reads at once; a multiple of where records can start.
const SCAN_BYTES: usize = 64 * 1024;

#[derive(Debug)]
pub struct Ring {
    file: File,
    bytes: u64,
    /// Where the next record goes, and its number.
    head: Place,
    /// The oldest record; equal to `head` in an empty ring.
    tail: Place,
    unacked: u64,
    dropped: u64,
    scratch: Vec<u8>,
}

impl Ring {
    /// Opens or creates the file with exactly `bytes` of room.
    pub fn open(path: &Path, bytes: u64) -> io::Result<Ring> {
        let bytes = bytes / ALIGN * ALIGN;
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
        if file.metadata()?.len() != bytes {
            file.set_len(bytes)?;
            // Some file systems cannot reserve; a full disk then shows at the write, where it is counted.
            let _ = rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, bytes);
        }
        let start = Place { offset: 0, number: 1 };
        let mut ring =
            Ring { file, bytes, head: start, tail: start, unacked: 0, dropped: 0, scratch: Vec::new() };
        ring.recover()?;
        Ok(ring)
    }

    /// Finds head and tail by looking at every place where a record can start.
    fn recover(&mut self) -> io::Result<()> {
        let found = self.scan()?;
        let Some((newest, size, _)) = found.iter().max_by_key(|(place, ..)| place.number).copied() else {
            return Ok(());
        };
        self.head = Place { offset: newest.offset + size, number: newest.number + 1 };
        // Behind the head come the oldest; what is neither (leftovers of another round) is overwritten in time.
        let after = found.iter().filter(|(p, ..)| p.offset >= self.head.offset).map(|(p, ..)| *p);
        let before = found.iter().filter(|(p, ..)| p.offset < self.head.offset).map(|(p, ..)| *p);
        self.tail = after
            .min_by_key(|place| place.offset)
            .or_else(|| before.min_by_key(|place| place.offset))
            .unwrap_or(newest);
        let in_ring = |place: &Place| place.number >= self.tail.number;
        self.unacked = found.iter().filter(|(place, _, acked)| in_ring(place) && !acked).count() as u64;
        Ok(())
    }

    /// Every record that is whole: its place, its bytes, and whether it is acknowledged.
    fn scan(&self) -> io::Result<Vec<(Place, u64, bool)>> {
        let mut found = Vec::new();
        let mut block = vec![0; SCAN_BYTES];
        let mut payload = Vec::new();
        let mut offset = 0;
        for start in (0..self.bytes).step_by(SCAN_BYTES) {
            let length = (self.bytes - start).min(SCAN_BYTES as u64);
            let block = &mut block[..length as usize];
            self.file.read_exact_at(block, start)?;
            // A record found before may reach into this block.
            offset = start.max(offset);
            while offset < start + length {
                let header = if record::starts_record(&block[(offset - start) as usize..]) {
                    self.record_at(offset, &mut payload)?
                } else {
                    None
                };
                if let Some(header) = header {
                    found.push((
                        Place { offset, number: header.number },
                        header.record_bytes(),
                        header.acked,
                    ));
                }
                offset += header.map_or(ALIGN, |header| header.record_bytes());
            }
        }
        Ok(found)
    }

    /// Appends one record in a single write.
    pub fn append(&mut self, meta: &Meta, payload: &[u8]) -> io::Result<Place> {
        let size = record::record_bytes(payload.len());
        if payload.len() > PAYLOAD_BYTES_MAX || size > self.bytes / 2 {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "the record is larger than the spool takes",
            ));
        }
        if self.head.offset + size > self.bytes {
            // Records between here and the end are the oldest: the walk would not find them any more.
            while self.tail != self.head && self.tail.offset >= self.head.offset {
                self.drop_oldest()?;
            }
            if self.tail == self.head {
                self.tail.offset = 0;
            }
            self.head.offset = 0;
        }
        let region = self.head.offset..self.head.offset + size;
        while self.tail != self.head && region.contains(&self.tail.offset) {
            self.drop_oldest()?;
        }
        let place = self.head;
        let mut bytes = std::mem::take(&mut self.scratch);
        record::write(&mut bytes, place.number, meta, payload);
        let written = self.file.write_all_at(&bytes, place.offset);
        self.scratch = bytes;
        written?;
        self.head = Place { offset: place.offset + size, number: place.number + 1 };
        self.unacked += 1;
        Ok(place)
    }

    /// Forces what was appended to the disk.
    pub fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn drop_oldest(&mut self) -> io::Result<()> {
        let mut header = [0; HEADER_BYTES];
        self.file.read_exact_at(&mut header, self.tail.offset)?;
        let acked = Header::parse(&header).is_some_and(|h| h.number == self.tail.number && h.acked);
        if !acked {
            self.dropped += 1;
            self.unacked = self.unacked.saturating_sub(1);
        }
        let behind = Place { offset: self.tail.offset + ALIGN, number: self.tail.number + 1 };
        self.tail = self.find(behind, &mut Vec::new())?.map_or(self.head, |(place, _)| place);
        Ok(())
    }

    /// The next record at or behind `from`, its payload in `payload`; `from` may long be overwritten.
    pub fn next(&self, from: Place, payload: &mut Vec<u8>) -> io::Result<Option<(Place, Header)>> {
        let from = if from.number < self.tail.number { self.tail } else { from };
        self.find(from, payload)
    }

    fn find(&self, from: Place, payload: &mut Vec<u8>) -> io::Result<Option<(Place, Header)>> {
        if from.number >= self.head.number {
            return Ok(None);
        }
        let mut offset = from.offset;
        // Twice round at most: once to the end, once up to the head.
        for _ in 0..=2 * (self.bytes / ALIGN) {
            if offset + HEADER_BYTES as u64 > self.bytes {
                offset = 0;
            }
            if let Some(header) = self.record_at(offset, payload)?
                && header.number >= from.number
                && header.number < self.head.number
            {
                return Ok(Some((Place { offset, number: header.number }, header)));
            }
            offset += ALIGN;
            if offset == self.head.offset {
                return Ok(None);
            }
        }
        Ok(None)
    }

    fn record_at(&self, offset: u64, payload: &mut Vec<u8>) -> io::Result<Option<Header>> {
        let mut bytes = [0; HEADER_BYTES];
        self.file.read_exact_at(&mut bytes, offset)?;
        let Some(header) = Header::parse(&bytes) else { return Ok(None) };
        if offset + header.record_bytes() > self.bytes {
            return Ok(None);
        }
        payload.resize(header.payload_bytes, 0);
        self.file.read_exact_at(payload, offset + HEADER_BYTES as u64)?;
        Ok(header.matches(&bytes, payload).then_some(header))
    }

    /// The hub has it. Does nothing where the record has given way already.
    pub fn mark_acked(&mut self, place: Place) -> io::Result<()> {
        let mut header = [0; HEADER_BYTES];
        self.file.read_exact_at(&mut header, place.offset)?;
        let stands = Header::parse(&header).filter(|h| h.number == place.number);
        if stands.is_some_and(|h| !h.acked) && place.number >= self.tail.number {
            self.file.write_all_at(&[1], place.offset + ACKED_AT)?;
            self.unacked = self.unacked.saturating_sub(1);
        }
        Ok(())
    }

    pub fn tail(&self) -> Place {
        self.tail
    }

    /// Where the next record will stand.
    pub fn head(&self) -> Place {
        self.head
    }

    pub fn unacked(&self) -> u64 {
        self.unacked
    }

    /// Records that gave way before the hub had them, since the ring was opened.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }
}

/// The place where the walk goes on behind a record.
pub fn behind(place: Place, header: &Header) -> Place {
    Place { offset: place.offset + header.record_bytes(), number: place.number + 1 }
}

#[cfg(test)]
mod tests;
