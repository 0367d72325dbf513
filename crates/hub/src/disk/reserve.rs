//! A file that only takes space, until nothing else has any: then incidents, pages and their journal need it more.

use std::fs::{self, File};
use std::io;
use std::path::PathBuf;

use rustix::fs::{FallocateFlags, fallocate};

/// How much is kept; of a small disk one part in [`SHARE`].
const BYTES_MAX: u64 = 64 * 1024 * 1024;
const SHARE: u64 = 20;

#[derive(Debug)]
pub struct Reserve {
    path: PathBuf,
    bytes: u64,
}

impl Reserve {
    /// For a disk of so many bytes.
    pub fn new(path: PathBuf, disk: u64) -> Reserve {
        Reserve { path, bytes: BYTES_MAX.min(disk / SHARE) }
    }

    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    pub fn held(&self) -> bool {
        fs::metadata(&self.path).is_ok_and(|metadata| metadata.len() >= self.bytes)
    }

    /// Takes the space; after an error it has taken none.
    pub fn take(&self) -> io::Result<()> {
        let file = File::create(&self.path)?;
        let taken = fallocate(&file, FallocateFlags::empty(), 0, self.bytes);
        taken.inspect_err(|_| drop(fs::remove_file(&self.path)))?;
        file.sync_all()
    }

    /// Gives the space to whoever writes next.
    pub fn free(&self) -> io::Result<()> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_takes_space_and_gives_it_back() {
        use std::os::unix::fs::MetadataExt;
        let dir = tempfile::tempdir().unwrap();
        let reserve = Reserve::new(dir.path().join("reserve"), 40 << 20);
        assert!(!reserve.held());
        reserve.free().unwrap();
        reserve.take().unwrap();
        let metadata = fs::metadata(dir.path().join("reserve")).unwrap();
        assert_eq!((metadata.len(), metadata.blocks() * 512 >= 2 << 20), (2 << 20, true));
        assert!(reserve.held());
        reserve.free().unwrap();
        assert!(!reserve.held());
    }
}
