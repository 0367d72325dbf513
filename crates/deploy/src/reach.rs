//! Why a host does not reach the hub, by what the agent's own probe said there.

use crate::plan::CLOCK_AHEAD_MAX_SECONDS;
use crate::{Code, Failure, Step};

/// `unreached`: the URL, then what `watchtower-agent probe` said.
pub(crate) fn failed(unreached: &str, ahead_seconds: i64) -> Failure {
    let (url, said) = unreached.split_once(' ').unwrap_or((unreached, ""));
    let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
    let clock_is_off = ahead_seconds.abs() > CLOCK_AHEAD_MAX_SECONDS;
    let (code, cause, fix) = if has(&[
        "lookup address",
        "Name or service",
        "failed to resolve",
        "Temporary failure in name",
        "does not resolve: ",
    ]) {
        (
            Code::CallbackDns,
            "the host cannot resolve the name in",
            "give agents an address they can resolve (serve --agent-url), or mend the host's DNS",
        )
    } else if has(&["the proxy"]) {
        (
            Code::CallbackProxy,
            "the host's proxy opens no tunnel to",
            "allow CONNECT to the hub's agents' port in the proxy, or exclude the hub (no_proxy)",
        )
    } else if has(&["TLS with", "does not answer as a hub", "proof of identity"]) && clock_is_off {
        (
            Code::CallbackClock,
            "the host's clock is so far off that TLS fails with",
            "set the host's clock (timedatectl set-ntp true) and try again",
        )
    } else if has(&["TLS with", "does not answer as a hub", "proof of identity"]) {
        (
            Code::CallbackTls,
            "what answers the host is not this hub, at",
            "let nothing in between end TLS: forward the agents' port as TCP, and check serve --agent-url",
        )
    } else {
        (
            Code::CallbackTcp,
            "the host cannot connect to",
            "open the hub's agents' port (8401) for the host in all firewalls, and check serve --agent-url",
        )
    };
    Failure::new(Step::ReachHub, code, format!("{cause} {url}"), fix).detail(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_agent_says_is_told_apart() {
        for (said, ahead, code) in [
            (
                "https://h:1 cannot be reached: failed to lookup address information: Name or service not known",
                0,
                Code::CallbackDns,
            ),
            ("https://h:1 cannot be reached: Connection refused (os error 111); check", 0, Code::CallbackTcp),
            ("no answer from https://h:1 in time (connecting)", 0, Code::CallbackTcp),
            ("TLS with https://h:1 failed: invalid peer certificate; the", 0, Code::CallbackTls),
            ("TLS with https://h:1 failed: certificate not valid yet; the", -900_000, Code::CallbackClock),
            ("the proxy http://p:3128 does not open a tunnel: 403", 0, Code::CallbackProxy),
        ] {
            assert_eq!(failed(&format!("https://h:1 watchtower-agent: {said}"), ahead).code, code, "{said}");
        }
    }
}
