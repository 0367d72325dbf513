//! What the operator allows beyond the rule: `host:port`, or a network in CIDR notation.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use thiserror::Error;

/// One line of the operator's list. It lifts the refusal of an address, never that of the hub's own listeners.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exception {
    /// This name (or literal address) on this port, whatever it resolves to.
    HostPort { host: String, port: u16 },
    /// Every address of a network, on any port.
    Net { network: IpAddr, prefix: u8 },
}

#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0:?} is not an exception: write host:port, [v6-address]:port, or a network such as 10.0.0.0/8")]
pub struct ParseExceptionError(pub String);

impl Exception {
    pub(crate) fn allows(&self, host: &str, ip: IpAddr, port: u16) -> bool {
        match self {
            Exception::HostPort { host: h, port: p } => *p == port && h.eq_ignore_ascii_case(host),
            Exception::Net { network, prefix } => in_network(ip, *network, *prefix),
        }
    }
}

fn in_network(ip: IpAddr, network: IpAddr, prefix: u8) -> bool {
    match (ip, network) {
        (IpAddr::V4(ip), IpAddr::V4(net)) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
            (ip.to_bits() ^ net.to_bits()) & mask == 0
        }
        (IpAddr::V6(ip), IpAddr::V6(net)) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
            (ip.to_bits() ^ net.to_bits()) & mask == 0
        }
        _ => false,
    }
}

impl FromStr for Exception {
    type Err = ParseExceptionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || ParseExceptionError(text.chars().take(80).collect());
        if let Some((network, prefix)) = text.split_once('/') {
            let network: IpAddr = network.parse().map_err(|_| bad())?;
            let prefix: u8 = prefix.parse().map_err(|_| bad())?;
            let max = if network.is_ipv4() { 32 } else { 128 };
            return if prefix <= max { Ok(Exception::Net { network, prefix }) } else { Err(bad()) };
        }
        let (host, port) = text.rsplit_once(':').ok_or_else(bad)?;
        let port = port.parse().map_err(|_| bad())?;
        let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
        let host_ok = match bare {
            Some(v6) => v6.parse::<IpAddr>().is_ok(),
            None => !host.is_empty() && !host.contains(':'),
        };
        let host = bare.unwrap_or(host).to_string();
        if host_ok { Ok(Exception::HostPort { host, port }) } else { Err(bad()) }
    }
}

impl fmt::Display for Exception {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Exception::HostPort { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Exception::HostPort { host, port } => write!(f, "{host}:{port}"),
            Exception::Net { network, prefix } => write!(f, "{network}/{prefix}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exceptions_match_what_they_say() {
        let ip = |t: &str| t.parse::<IpAddr>().unwrap();
        let cases = [
            ("127.0.0.1:8080", "127.0.0.1", "127.0.0.1", 8080, true),
            ("127.0.0.1:8080", "127.0.0.1", "127.0.0.1", 8081, false),
            ("mail.lan:25", "MAIL.lan", "127.0.0.1", 25, true),
            ("mail.lan:25", "mail2.lan", "127.0.0.1", 25, false),
            ("[::1]:25", "::1", "::1", 25, true),
            ("127.0.0.0/8", "x", "127.9.9.9", 1, true),
            ("127.0.0.0/8", "x", "128.0.0.1", 1, false),
            ("0.0.0.0/0", "x", "169.254.169.254", 80, true),
            ("fe80::/10", "x", "fe80::1", 80, true),
            ("fe80::/10", "x", "127.0.0.1", 80, false),
        ];
        for (text, host, addr, port, allowed) in cases {
            let exception: Exception = text.parse().unwrap();
            assert_eq!(exception.allows(host, ip(addr), port), allowed, "{text} for {host} {addr}:{port}");
            assert_eq!(exception.to_string(), text);
        }
        for bad in ["", "host", "host:", "::1:25", "10.0.0.0/33", "x/8", "[x]:1", ":25"] {
            assert!(bad.parse::<Exception>().is_err(), "{bad}");
        }
    }
}
