//! The former program, kept for a person who wants it back a day later: where a deployment over SSH keeps it, with its units.
//!
//! Invariant: what is kept is whole (a program with the units it ran under), or there is nothing to go back to.

use std::fs;
use std::io;
use std::path::Path;

/// Where the installer puts units.
pub const UNIT_FOLDER: &str = "/etc/systemd/system";
/// Beside the folder of the program; what a rollback over SSH looks for.
const FOLDER: &str = "previous";
const UNITS: [&str; 3] =
    ["watchtower-agent.service", "watchtower-executor.socket", "watchtower-executor.service"];

/// Moves the former program into the folder for rollbacks. With an error nothing is kept, and the former is where it was.
pub fn keep(former: &Path, program: &Path, units: &Path) -> io::Result<()> {
    let (Some(base), Some(name)) = (program.parent().and_then(Path::parent), program.file_name()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let folder = base.join(FOLDER);
    match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    // Nobody but root runs what lies here.
    std::os::unix::fs::DirBuilderExt::mode(&mut fs::DirBuilder::new(), 0o700).create(&folder)?;
    for unit in UNITS {
        fs::copy(units.join(unit), folder.join(unit))?;
    }
    // The program last: without it the rest is nothing to go back to.
    fs::rename(former, folder.join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_whole_or_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let (bin, units) = (dir.path().join("bin"), dir.path().join("units"));
        fs::create_dir_all(dir.path().join(FOLDER)).unwrap();
        fs::write(dir.path().join(FOLDER).join("agent"), "older").unwrap();
        fs::create_dir_all(&bin).unwrap();
        fs::create_dir_all(&units).unwrap();
        let (program, former) = (bin.join("agent"), bin.join("agent.former"));
        fs::write(&former, "former").unwrap();
        let kept = dir.path().join(FOLDER).join("agent");
        assert!(keep(&former, &program, &units).is_err(), "there are no units");
        assert!(former.exists() && !kept.exists());
        UNITS.iter().for_each(|unit| fs::write(units.join(unit), unit).unwrap());
        keep(&former, &program, &units).unwrap();
        assert!(!former.exists());
        assert_eq!(fs::read(&kept).unwrap(), b"former");
        UNITS
            .iter()
            .for_each(|unit| assert_eq!(fs::read(kept.with_file_name(unit)).unwrap(), unit.as_bytes()));
    }
}
