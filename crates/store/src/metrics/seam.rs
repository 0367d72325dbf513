//! What the log asks of the file system, so that tests can see in which order, and let any of it fail.

use std::fmt::Debug;
use std::fs::{File, OpenOptions};
use std::io::{Result, Write};
use std::path::Path;

/// Makes files and makes their names durable.
pub(super) trait Disk: Debug + Send + Sync {
    /// A new or emptied file.
    fn create(&self, path: &Path) -> Result<Box<dyn SegmentFile>>;
    /// The creation and removal of files in `dir` survives a power cut.
    fn sync_dir(&self, dir: &Path) -> Result<()>;
}

pub(super) trait SegmentFile: Debug + Send {
    /// All of it, or an error after any part of it.
    fn write(&mut self, bytes: &[u8]) -> Result<()>;
    /// What was written survives a power cut.
    fn sync(&mut self) -> Result<()>;
    fn set_len(&mut self, bytes: u64) -> Result<()>;
}

/// The machine's own.
#[derive(Debug)]
pub(super) struct RealDisk;

impl Disk for RealDisk {
    fn create(&self, path: &Path) -> Result<Box<dyn SegmentFile>> {
        let file = OpenOptions::new().write(true).create(true).truncate(true).open(path)?;
        Ok(Box::new(file))
    }

    fn sync_dir(&self, dir: &Path) -> Result<()> {
        File::open(dir)?.sync_all()
    }
}

impl SegmentFile for File {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.write_all(bytes)
    }

    fn sync(&mut self) -> Result<()> {
        self.sync_data()
    }

    fn set_len(&mut self, bytes: u64) -> Result<()> {
        File::set_len(self, bytes)
    }
}
