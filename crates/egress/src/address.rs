//! Which addresses nobody may make the hub talk to.
//!
//! Private ranges (10/8, 172.16/12, 192.168/16, fc00::/7, 100.64/10) are allowed: a self-hosted hub's own mail
//! server lives there. Lists: IANA special-purpose address registries; cloud metadata addresses from
//! the providers' documentation.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Why an address is out of reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forbidden {
    Loopback,
    Unspecified,
    LinkLocal,
    /// A cloud's metadata or platform service.
    Metadata,
    Multicast,
    Reserved,
    /// A listener of the hub itself.
    OwnListener,
}

impl fmt::Display for Forbidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Forbidden::Loopback => "a loopback address",
            Forbidden::Unspecified => "the unspecified address",
            Forbidden::LinkLocal => "a link-local address",
            Forbidden::Metadata => "a cloud metadata address",
            Forbidden::Multicast => "a multicast or broadcast address",
            Forbidden::Reserved => "a reserved address",
            Forbidden::OwnListener => "a listener of this hub",
        })
    }
}

/// `None` if the address may be connected to. An IPv6 address that carries an IPv4 address is judged by it.
pub fn judge(ip: IpAddr) -> Option<Forbidden> {
    match ip {
        IpAddr::V4(ip) => judge_v4(ip),
        IpAddr::V6(ip) => judge_v6(ip),
    }
}

fn judge_v4(ip: Ipv4Addr) -> Option<Forbidden> {
    match ip.octets() {
        [0, ..] => Some(Forbidden::Unspecified),
        [127, ..] => Some(Forbidden::Loopback),
        // AWS, GCP, Azure, OpenStack; ECS task metadata is 169.254.170.2.
        [169, 254, 169, 254] | [169, 254, 170, 2] => Some(Forbidden::Metadata),
        [169, 254, ..] => Some(Forbidden::LinkLocal),
        // Alibaba Cloud, Azure's platform service, Oracle Cloud's old one.
        [100, 100, 100, 200] | [168, 63, 129, 16] | [192, 0, 0, 192] => Some(Forbidden::Metadata),
        [192, 0, 0, _] => Some(Forbidden::Reserved),
        [255, 255, 255, 255] | [224..=239, ..] => Some(Forbidden::Multicast),
        [240..=255, ..] => Some(Forbidden::Reserved),
        _ => None,
    }
}

/// AWS and GCP over IPv6.
const METADATA_V6: [Ipv6Addr; 2] =
    [Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254), Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)];

fn judge_v6(ip: Ipv6Addr) -> Option<Forbidden> {
    if ip.is_unspecified() {
        return Some(Forbidden::Unspecified);
    }
    if ip.is_loopback() {
        return Some(Forbidden::Loopback);
    }
    if METADATA_V6.contains(&ip) {
        return Some(Forbidden::Metadata);
    }
    match ip.segments() {
        [0xff00..=0xffff, ..] => return Some(Forbidden::Multicast),
        [0xfe80..=0xfebf, ..] => return Some(Forbidden::LinkLocal),
        // NAT64, local-use prefix (RFC 8215): where its IPv4 address lies depends on the network.
        [0x64, 0xff9b, 1, ..] => return Some(Forbidden::Reserved),
        _ => {}
    }
    embedded_v4(ip).into_iter().flatten().find_map(judge_v4)
}

/// The IPv4 addresses that an IPv6 address may lead to.
fn embedded_v4(ip: Ipv6Addr) -> [Option<Ipv4Addr>; 2] {
    let b = ip.octets();
    let at = |i: usize| Ipv4Addr::new(b[i], b[i + 1], b[i + 2], b[i + 3]);
    match ip.segments() {
        // Mapped (RFC 4291), compatible (deprecated), translated (RFC 2765).
        [0, 0, 0, 0, 0, 0xffff, ..] | [0, 0, 0, 0, 0, 0, ..] | [0, 0, 0, 0, 0xffff, 0, ..] => {
            [Some(at(12)), None]
        }
        // NAT64, well-known prefix (RFC 6052).
        [0x64, 0xff9b, 0, 0, 0, 0, ..] => [Some(at(12)), None],
        // 6to4 (RFC 3056).
        [0x2002, ..] => [Some(at(2)), None],
        // Teredo (RFC 4380): the server, and the client with its bits turned.
        [0x2001, 0, ..] => [Some(at(4)), Some(Ipv4Addr::new(!b[12], !b[13], !b[14], !b[15]))],
        _ => [None, None],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forbidden_addresses_in_every_disguise() {
        let cases = [
            ("127.0.0.1", Forbidden::Loopback),
            ("127.255.255.254", Forbidden::Loopback),
            ("0.0.0.0", Forbidden::Unspecified),
            ("0.1.2.3", Forbidden::Unspecified),
            ("169.254.169.254", Forbidden::Metadata),
            ("169.254.170.2", Forbidden::Metadata),
            ("169.254.1.1", Forbidden::LinkLocal),
            ("100.100.100.200", Forbidden::Metadata),
            ("168.63.129.16", Forbidden::Metadata),
            ("192.0.0.8", Forbidden::Reserved),
            ("224.0.0.1", Forbidden::Multicast),
            ("239.255.255.255", Forbidden::Multicast),
            ("240.0.0.1", Forbidden::Reserved),
            ("255.255.255.255", Forbidden::Multicast),
            ("::", Forbidden::Unspecified),
            ("::1", Forbidden::Loopback),
            ("fe80::1", Forbidden::LinkLocal),
            ("febf::1", Forbidden::LinkLocal),
            ("ff02::1", Forbidden::Multicast),
            ("fd00:ec2::254", Forbidden::Metadata),
            ("fd20:ce::254", Forbidden::Metadata),
            ("::ffff:127.0.0.1", Forbidden::Loopback),
            ("::ffff:169.254.169.254", Forbidden::Metadata),
            ("::127.0.0.1", Forbidden::Loopback),
            ("::ffff:0:127.0.0.1", Forbidden::Loopback),
            ("64:ff9b::169.254.169.254", Forbidden::Metadata),
            ("64:ff9b::7f00:1", Forbidden::Loopback),
            ("64:ff9b:1::127.0.0.1", Forbidden::Reserved),
            ("64:ff9b:1:7f00:0:100::", Forbidden::Reserved),
            ("2002:7f00:1::", Forbidden::Loopback),
            ("2002:a9fe:a9fe::1", Forbidden::Metadata),
            ("2001:0:7f00:1::1", Forbidden::Loopback),
            ("2001:0:808:808:0:0:80ff:fffe", Forbidden::Loopback),
        ];
        for (text, why) in cases {
            assert_eq!(judge(text.parse().unwrap()), Some(why), "{text}");
        }
    }

    #[test]
    fn public_and_private_addresses_are_allowed() {
        for text in [
            "8.8.8.8",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "100.64.0.1",
            "192.0.2.1",
            "2606:4700::1111",
            "fd12:3456::1",
            "::ffff:10.0.0.1",
            "64:ff9b::8.8.8.8",
            "2002:808:808::1",
        ] {
            assert_eq!(judge(text.parse().unwrap()), None, "{text}");
        }
    }
}
