//! What changes rarely about a machine: read at start and on the slow interval, sent when it changed.

use std::net::IpAddr;

use watchtower_model::{Timestamp, truncate};
use watchtower_protocol::{Facts, NetworkAddress};

use super::source::Source;

/// Addresses that are sent.
const ADDRESSES_MAX: usize = 64;
/// Bytes of one field (the protocol's bound).
const FIELD_BYTES_MAX: usize = 256;

/// Everything but the policy and what it refuses, which the caller knows.
pub fn read(source: &mut Source) -> Facts {
    let memory = |source: &mut Source, key: &str| -> u64 {
        field(source, "proc/meminfo", key)
            .and_then(|v| v.trim_end_matches(" kB").parse::<u64>().ok())
            .unwrap_or(0)
            * 1024
    };
    Facts {
        hostname: line(source, "proc/sys/kernel/hostname"),
        os: os_name(source),
        kernel: line(source, "proc/sys/kernel/osrelease"),
        arch: std::env::consts::ARCH.to_string(),
        cpu_model: cut(&field(source, "proc/cpuinfo", "model name").unwrap_or_default()),
        cpus: cpus(source),
        memory_bytes: memory(source, "MemTotal"),
        swap_bytes: memory(source, "SwapTotal"),
        boot_id: boot_id(source),
        booted_at: booted_at(source),
        init: init(source),
        virtualization: virtualization(source),
        agent_version: env!("CARGO_PKG_VERSION").to_string(),
        policy: String::new(),
        refuses: None,
        addresses: addresses(source),
    }
}

pub fn boot_id(source: &mut Source) -> String {
    line(source, "proc/sys/kernel/random/boot_id")
}

fn cut(text: &str) -> String {
    truncate(&super::one_line(text), FIELD_BYTES_MAX).to_string()
}

fn line(source: &mut Source, path: &str) -> String {
    cut(&source.line(path).unwrap_or_default())
}

/// The value after `key` and a colon in a file of such lines.
fn field(source: &mut Source, path: &str, key: &str) -> Option<String> {
    let text = source.read(path).ok()?;
    text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        (name.trim() == key).then(|| value.trim().to_string())
    })
}

fn os_name(source: &mut Source) -> String {
    let Ok(text) = source.read("etc/os-release") else { return "Linux".into() };
    let name = text.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    cut(name.unwrap_or("Linux").trim_matches('"'))
}

fn cpus(source: &mut Source) -> u32 {
    let Ok(text) = source.read("proc/stat") else { return 0 };
    text.lines().filter(|line| line.starts_with("cpu") && !line.starts_with("cpu ")).count() as u32
}

fn booted_at(source: &mut Source) -> Timestamp {
    let Ok(text) = source.read("proc/stat") else { return Timestamp(0) };
    let seconds = text.lines().find_map(|line| line.strip_prefix("btime ")?.trim().parse().ok());
    Timestamp::from_secs(seconds.unwrap_or(0))
}

fn init(source: &mut Source) -> String {
    if source.path("run/systemd/system").is_dir() { "systemd".into() } else { line(source, "proc/1/comm") }
}

fn virtualization(source: &mut Source) -> String {
    if source.path("run/systemd/container").exists()
        || source.path(".dockerenv").exists()
        || source.path("run/.containerenv").exists()
    {
        return "container".into();
    }
    let vendor = line(source, "sys/class/dmi/id/sys_vendor").to_lowercase();
    let product = line(source, "sys/class/dmi/id/product_name").to_lowercase();
    let known = [
        ("qemu", "kvm"),
        ("kvm", "kvm"),
        ("vmware", "vmware"),
        ("virtualbox", "oracle"),
        ("amazon ec2", "amazon"),
        ("google compute", "google"),
        ("microsoft corporation virtual", "microsoft"),
        ("xen", "xen"),
        ("bochs", "bochs"),
        ("openstack", "kvm"),
    ];
    let text = format!("{vendor} {product}");
    if let Some((_, name)) = known.iter().find(|(part, _)| text.contains(part)) {
        return (*name).into();
    }
    let hypervisor = source
        .read("proc/cpuinfo")
        .is_ok_and(|text| text.lines().any(|l| l.starts_with("flags") && l.contains(" hypervisor")));
    if hypervisor { "vm".into() } else { "none".into() }
}

/// IPv4 from the local routing table, IPv6 from `if_inet6`; loopback and link-local are of no use to anyone else.
fn addresses(source: &mut Source) -> Vec<NetworkAddress> {
    let mut found = Vec::new();
    if let Ok(text) = source.read("proc/net/if_inet6") {
        for line in text.lines() {
            let words: Vec<&str> = line.split_ascii_whitespace().collect();
            let address = words.first().and_then(|hex| u128::from_str_radix(hex, 16).ok());
            if let (Some(address), Some(device)) = (address, words.get(5)) {
                push(&mut found, device, IpAddr::from(address.to_be_bytes()));
            }
        }
    }
    let local = local_ipv4(source);
    for (network, mask, device) in ipv4_routes(source) {
        for address in &local {
            if u32::from(*address) & mask == network {
                push(&mut found, &device, IpAddr::V4(*address));
            }
        }
    }
    found.sort_by(|a, b| (&a.device, &a.address).cmp(&(&b.device, &b.address)));
    found.dedup();
    found.truncate(ADDRESSES_MAX);
    found
}

fn push(found: &mut Vec<NetworkAddress>, device: &str, address: IpAddr) {
    let useless = match address {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_link_local() || v4.is_unspecified(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unicast_link_local() || v6.is_unspecified(),
    };
    if !useless {
        found.push(NetworkAddress { device: cut(device), address: address.to_string() });
    }
}

/// Addresses that `/proc/net/fib_trie` marks `/32 host LOCAL`.
fn local_ipv4(source: &mut Source) -> Vec<std::net::Ipv4Addr> {
    let Ok(text) = source.read("proc/net/fib_trie") else { return Vec::new() };
    let mut found = Vec::new();
    let mut last = None;
    for line in text.lines() {
        if let Some(address) = line.trim().strip_prefix("|-- ") {
            last = address.parse().ok();
        } else if line.contains("/32 host LOCAL")
            && let Some(address) = last
            && !found.contains(&address)
        {
            found.push(address);
        }
    }
    found
}

/// Directly connected networks of `/proc/net/route`: network, mask, device. Hex in the CPU's byte order.
fn ipv4_routes(source: &mut Source) -> Vec<(u32, u32, String)> {
    let Ok(text) = source.read("proc/net/route") else { return Vec::new() };
    let hex = |word: &str| u32::from_str_radix(word, 16).ok().map(|n| u32::from_be_bytes(n.to_ne_bytes()));
    text.lines()
        .skip(1)
        .filter_map(|line| {
            let words: Vec<&str> = line.split_ascii_whitespace().collect();
            let (network, gateway) = (hex(words.get(1)?)?, hex(words.get(2)?)?);
            let mask = hex(words.get(7)?)?;
            (gateway == 0 && mask != 0).then(|| (network, mask, words[0].to_string()))
        })
        .collect()
}
