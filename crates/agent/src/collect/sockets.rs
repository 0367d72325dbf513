//! Sockets in use (`/proc/net/sockstat*`) and protocol counters (`/proc/net/{netstat,snmp,snmp6}`).

use super::segment::Segment;
use super::source::{CollectError, Source};

/// `mem` in sockstat counts pages (sock.c); the page size of every supported architecture's default kernel.
const PAGE_BYTES: f64 = 4096.0;

pub fn collect_sockstat(source: &mut Source, out: &mut Segment) -> Result<(), CollectError> {
    push_sockstat(source.read("proc/net/sockstat")?, out);
    match source.read("proc/net/sockstat6") {
        Ok(text) => push_sockstat(text, out),
        // IPv6 is switched off.
        Err(error) if error.is_absent() => {}
        Err(error) => return Err(error),
    }
    Ok(())
}

fn push_sockstat(text: &str, out: &mut Segment) {
    let mut name = String::with_capacity(64);
    for line in text.lines() {
        let Some((protocol, rest)) = line.split_once(':') else { continue };
        let mut words = rest.split_ascii_whitespace();
        while let (Some(key), Some(value)) = (words.next(), words.next()) {
            let Ok(value) = value.parse::<f64>() else { continue };
            name.clear();
            name.push_str("node_sockstat_");
            name.push_str(protocol);
            name.push('_');
            name.push_str(key);
            out.push(&name, &[], value);
            if key == "mem" {
                name.push_str("_bytes");
                out.push(&name, &[], value * PAGE_BYTES);
            }
        }
    }
}

pub fn collect_netstat(source: &mut Source, out: &mut Segment) -> Result<(), CollectError> {
    push_pairs_of_lines(source.read("proc/net/netstat")?, out);
    push_pairs_of_lines(source.read("proc/net/snmp")?, out);
    match source.read("proc/net/snmp6") {
        Ok(text) => push_snmp6(text, out),
        Err(error) if error.is_absent() => {}
        Err(error) => return Err(error),
    }
    Ok(())
}

/// A line of names followed by a line of values, both starting with `Tcp:`.
fn push_pairs_of_lines(text: &str, out: &mut Segment) {
    let mut lines = text.lines();
    while let (Some(names), Some(values)) = (lines.next(), lines.next()) {
        let (Some((protocol, names)), Some((_, values))) = (names.split_once(':'), values.split_once(':'))
        else {
            continue;
        };
        for (key, value) in names.split_ascii_whitespace().zip(values.split_ascii_whitespace()) {
            push_wanted(out, protocol, key, value);
        }
    }
}

/// `Ip6InOctets 12`: the protocol ends with the first 6.
fn push_snmp6(text: &str, out: &mut Segment) {
    for line in text.lines() {
        let mut words = line.split_ascii_whitespace();
        let (Some(key), Some(value)) = (words.next(), words.next()) else { continue };
        if let Some(at) = key.find('6') {
            push_wanted(out, &key[..=at], &key[at + 1..], value);
        }
    }
}

fn push_wanted(out: &mut Segment, protocol: &str, key: &str, value: &str) {
    if !is_wanted(protocol, key) {
        return;
    }
    if let Ok(value) = value.parse() {
        out.push(&format!("node_netstat_{protocol}_{key}"), &[], value);
    }
}

/// node_exporter's default `--collector.netstat.fields`.
fn is_wanted(protocol: &str, key: &str) -> bool {
    if matches!(key, "InErrors" | "InErrs") {
        return true;
    }
    match protocol {
        "Ip" => key == "Forwarding",
        "Ip6" | "IpExt" => matches!(key, "InOctets" | "OutOctets"),
        "Icmp" | "Icmp6" => matches!(key, "InMsgs" | "OutMsgs"),
        "TcpExt" => {
            key.starts_with("Listen")
                || key.starts_with("Syncookies")
                || matches!(key, "TCPSynRetrans" | "TCPTimeouts" | "TCPOFOQueue" | "TCPRcvQDrop")
        }
        "Tcp" => matches!(
            key,
            "ActiveOpens" | "InSegs" | "OutSegs" | "OutRsts" | "PassiveOpens" | "RetransSegs" | "CurrEstab"
        ),
        "Udp" | "Udp6" => {
            matches!(key, "InDatagrams" | "OutDatagrams" | "NoPorts" | "RcvbufErrors" | "SndbufErrors")
        }
        _ => false,
    }
}
