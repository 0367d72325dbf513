//! Load, open files, identity of the running kernel.

use super::segment::Segment;
use super::source::{CollectError, Source};

pub fn collect_loadavg(source: &mut Source, out: &mut Segment) -> Result<(), CollectError> {
    let text = source.read("proc/loadavg")?;
    let mut values = text.split_ascii_whitespace();
    for name in ["node_load1", "node_load5", "node_load15"] {
        let value = values
            .next()
            .and_then(|v| v.parse().ok())
            .ok_or(CollectError::Format { path: "/proc/loadavg", what: "three numbers are expected" })?;
        out.push(name, &[], value);
    }
    Ok(())
}

pub fn collect_filefd(source: &mut Source, out: &mut Segment) -> Result<(), CollectError> {
    let text = source.read("proc/sys/fs/file-nr")?;
    let mut values = text.split_ascii_whitespace().map(|v| v.parse::<f64>());
    let (Some(Ok(allocated)), Some(Ok(maximum))) = (values.next(), values.nth(1)) else {
        return Err(CollectError::Format {
            path: "/proc/sys/fs/file-nr",
            what: "three numbers are expected",
        });
    };
    out.push("node_filefd_allocated", &[], allocated);
    out.push("node_filefd_maximum", &[], maximum);
    Ok(())
}

pub fn collect_uname(source: &mut Source, out: &mut Segment) -> Result<(), CollectError> {
    let domain = source.line("proc/sys/kernel/domainname")?;
    let node = source.line("proc/sys/kernel/hostname")?;
    let release = source.line("proc/sys/kernel/osrelease")?;
    let system = source.line("proc/sys/kernel/ostype")?;
    let version = source.line("proc/sys/kernel/version")?;
    out.push(
        "node_uname_info",
        &[
            ("domainname", &domain),
            ("machine", std::env::consts::ARCH),
            ("nodename", &node),
            ("release", &release),
            ("sysname", &system),
            ("version", &version),
        ],
        1.0,
    );
    Ok(())
}
