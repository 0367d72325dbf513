//! The local stop switch: a file in the state directory, set and cleared only on the server itself.

use std::io;
use std::path::PathBuf;

use crate::state_dir::{StateDir, StateError, io_error};

fn file(state: &StateDir) -> PathBuf {
    state.file("halt")
}

/// Anything but a clear "not there" counts as halted.
pub fn is_set(state: &StateDir) -> bool {
    !matches!(std::fs::symlink_metadata(file(state)), Err(error) if error.kind() == io::ErrorKind::NotFound)
}

pub fn set(state: &StateDir) -> Result<(), StateError> {
    state.write("halt", b"no command is run until `watchtower-agent halt --clear`\n")
}

pub fn clear(state: &StateDir) -> Result<(), StateError> {
    match std::fs::remove_file(file(state)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io_error(&file(state), error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_sticky_until_cleared() {
        let dir = tempfile::tempdir().unwrap();
        let state = StateDir::open(dir.path()).unwrap();
        assert!(!is_set(&state));
        set(&state).unwrap();
        assert!(is_set(&StateDir::open(dir.path()).unwrap()));
        clear(&state).unwrap();
        clear(&state).unwrap();
        assert!(!is_set(&state));
    }
}
