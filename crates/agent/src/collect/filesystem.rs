//! Space and inodes of mounted file systems, by node_exporter's default exclusions.
//!
//! Invariant: a mount that does not answer (dead NFS) costs one thread and its own series, nothing else.

use std::collections::BTreeMap;

use watchtower_model::{EventKind, Labels, Severity, Timestamp};
use watchtower_protocol::AgentEvent;

use super::mount_probe::MountProbe;
use super::segment::Segment;
use super::source::{CollectError, Source};

/// File systems that node_exporter leaves out (`--collector.filesystem.fs-types-exclude`).
const EXCLUDED_TYPES: [&str; 25] = [
    "autofs",
    "binfmt_misc",
    "bpf",
    "cgroup",
    "cgroup2",
    "configfs",
    "debugfs",
    "devpts",
    "devtmpfs",
    "fusectl",
    "hugetlbfs",
    "iso9660",
    "mqueue",
    "nsfs",
    "overlay",
    "proc",
    "procfs",
    "pstore",
    "rpc_pipefs",
    "securityfs",
    "selinuxfs",
    "squashfs",
    "erofs",
    "sysfs",
    "tracefs",
];
/// Their superblock is in memory: asking cannot block, so it needs no thread.
const LOCAL_TYPES: [&str; 9] = ["ext2", "ext3", "ext4", "xfs", "btrfs", "tmpfs", "vfat", "f2fs", "zfs"];

#[derive(Debug)]
struct Mount {
    device: String,
    mountpoint: String,
    fstype: String,
    readonly: bool,
}

/// What must be remembered between two collections.
#[derive(Debug, Default)]
pub struct Filesystems {
    probe: MountProbe,
    readonly: BTreeMap<String, bool>,
}

impl Filesystems {
    pub fn collect(
        &mut self,
        source: &mut Source,
        out: &mut Segment,
        now: Timestamp,
        events: &mut Vec<AgentEvent>,
    ) -> Result<(), CollectError> {
        let mounts = read_mounts(source)?;
        for mount in &mounts {
            self.push(source, out, mount);
        }
        self.note_readonly(&mounts, now, events);
        Ok(())
    }

    fn push(&mut self, source: &Source, out: &mut Segment, mount: &Mount) {
        let path = source.path(mount.mountpoint.trim_start_matches('/'));
        let space = if LOCAL_TYPES.contains(&mount.fstype.as_str()) {
            rustix::fs::statvfs(&path).ok()
        } else {
            self.probe.statvfs(path)
        };
        let labels =
            [("device", &*mount.device), ("fstype", &*mount.fstype), ("mountpoint", &*mount.mountpoint)];
        out.push("node_filesystem_device_error", &labels, if space.is_some() { 0.0 } else { 1.0 });
        out.push("node_filesystem_readonly", &labels, if mount.readonly { 1.0 } else { 0.0 });
        let Some(space) = space else { return };
        let block = space.f_frsize as f64;
        out.push("node_filesystem_size_bytes", &labels, space.f_blocks as f64 * block);
        out.push("node_filesystem_free_bytes", &labels, space.f_bfree as f64 * block);
        out.push("node_filesystem_avail_bytes", &labels, space.f_bavail as f64 * block);
        out.push("node_filesystem_files", &labels, space.f_files as f64);
        out.push("node_filesystem_files_free", &labels, space.f_ffree as f64);
    }

    /// A file system that was writable and no longer is has met an error (or an operator).
    fn note_readonly(&mut self, mounts: &[Mount], now: Timestamp, events: &mut Vec<AgentEvent>) {
        self.readonly.retain(|known, _| mounts.iter().any(|mount| mount.mountpoint == *known));
        for mount in mounts {
            let before = self.readonly.insert(mount.mountpoint.clone(), mount.readonly);
            if before == Some(false) && mount.readonly {
                events.push(AgentEvent {
                    kind: EventKind::new("filesystem.readonly"),
                    severity: Severity::Critical,
                    message: super::one_line(&format!("{} became read-only", mount.mountpoint)),
                    labels: Labels::from_pairs([
                        ("device", super::one_line(&mount.device)),
                        ("mountpoint", super::one_line(&mount.mountpoint)),
                    ]),
                    t: now,
                });
            }
        }
    }
}

/// The mounts of process 1 are those of the machine; an unprivileged agent sees its own.
fn read_mounts(source: &mut Source) -> Result<Vec<Mount>, CollectError> {
    let text = match source.read("proc/1/mounts") {
        Ok(text) => text.to_string(),
        Err(_) => source.read("proc/self/mounts")?.to_string(),
    };
    let mut mounts: Vec<Mount> = Vec::new();
    for line in text.lines() {
        let mut words = line.split(' ');
        let (Some(device), Some(mountpoint), Some(fstype), Some(options)) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            continue;
        };
        if EXCLUDED_TYPES.contains(&fstype) || is_excluded_path(mountpoint) {
            continue;
        }
        let mount = Mount {
            device: unescape(device),
            mountpoint: unescape(mountpoint),
            fstype: fstype.to_string(),
            readonly: options.split(',').any(|option| option == "ro"),
        };
        // What was mounted later on the same place hides what was there.
        mounts.retain(|known| known.mountpoint != mount.mountpoint);
        mounts.push(mount);
    }
    Ok(mounts)
}

/// `^/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+|var/lib/containers/storage/.+)($|/)`
fn is_excluded_path(path: &str) -> bool {
    let below =
        |dir: &str| path.strip_prefix(dir).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    ["/dev", "/proc", "/sys"].iter().any(|dir| below(dir))
        || ["/run/credentials/", "/var/lib/docker/", "/var/lib/containers/storage/"]
            .iter()
            .any(|dir| path.strip_prefix(dir).is_some_and(|rest| !rest.is_empty()))
}

/// The kernel writes space, tab, newline and backslash as `\040` and so on (getmntent(3)).
fn unescape(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let code = (bytes[at] == b'\\')
            .then(|| text.get(at + 1..at + 4).and_then(|digits| u8::from_str_radix(digits, 8).ok()))
            .flatten();
        match code {
            Some(byte) => {
                out.push(byte);
                at += 4;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixture(options: &str) -> (tempfile::TempDir, Source) {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("proc/1")).unwrap();
        std::fs::create_dir_all(dir.path().join("data disk")).unwrap();
        std::fs::write(
            dir.path().join("proc/1/mounts"),
            format!(
                "proc /proc proc rw 0 0\n/dev/sda1 / ext4 rw,relatime 0 0\n\
                 /dev/old /data\\040disk xfs rw 0 0\n/dev/sdb1 /data\\040disk xfs {options} 0 0\n\
                 overlay /var/lib/docker/overlay2/x overlay rw 0 0\nnas:/x /gone nfs4 rw 0 0\n"
            ),
        )
        .unwrap();
        let source = Source::new(dir.path());
        (dir, source)
    }

    #[test]
    fn read_only_is_told_once_and_escapes_are_undone() {
        let (dir, mut source) = fixture("rw");
        let mut filesystems = Filesystems::default();
        let mut out = Segment::default();
        let mut events = Vec::new();
        filesystems.collect(&mut source, &mut out, Timestamp(1), &mut events).unwrap();
        assert!(events.is_empty());
        let text = std::fs::read_to_string(dir.path().join("proc/1/mounts")).unwrap();
        std::fs::write(dir.path().join("proc/1/mounts"), text.replace("xfs rw 0 0\nov", "xfs ro 0 0\nov"))
            .unwrap();
        for _ in 0..2 {
            out.begin();
            filesystems.collect(&mut source, &mut out, Timestamp(2), &mut events).unwrap();
            out.finish();
        }
        assert_eq!(events.len(), 1);
        assert_eq!(events[0].labels.get("mountpoint"), Some("/data disk"));
        let error_of = |mountpoint: &str| {
            out.entries()
                .iter()
                .zip(out.values())
                .find(|(e, _)| {
                    e.name == "node_filesystem_device_error" && e.labels.get("mountpoint") == Some(mountpoint)
                })
                .map(|(_, v)| *v)
        };
        assert_eq!(error_of("/"), Some(0.0));
        assert_eq!(error_of("/gone"), Some(1.0));
        assert_eq!(error_of("/proc"), None);
        assert_eq!(out.entries().iter().filter(|e| e.name == "node_filesystem_readonly").count(), 3);
    }
}
