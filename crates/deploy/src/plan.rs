//! Whether a deployment can work, judged from what the host says, and what it would change. Pure.

use ring::digest::{SHA256, digest};

use crate::facts::{Facts, PlaceState, Survey};
use crate::{AgentBinary, Code, Failure, Job, Step, Trust};

/// The units that are installed, the very texts of the one-line installer, in the order in which the survey sums them.
pub(crate) const UNITS: [(&str, &str); 3] = [
    ("UNIT", include_str!("../../../packaging/watchtower-agent.service")),
    ("SOCKET", include_str!("../../../packaging/watchtower-executor.socket")),
    ("SERVICE", include_str!("../../../packaging/watchtower-executor.service")),
];
/// Room for the staged copy, the new program and the previous one.
const ROOM_FACTOR: u64 = 3;
/// From here on a clock is worth a word.
pub(crate) const CLOCK_AHEAD_MAX_SECONDS: i64 = 300;

/// The name an agent is shipped under, for what `uname -m` says.
pub(crate) fn arch(facts: &Facts) -> Result<&'static str, Failure> {
    let arch = match facts.machine.as_str() {
        "x86_64" | "amd64" => "x86_64",
        "aarch64" | "arm64" => "aarch64",
        other => {
            return Err(Failure::new(
                Step::Plan,
                Code::Arch,
                format!("there is no agent for the architecture {other}"),
                "agents are shipped for x86_64 and aarch64",
            ));
        }
    };
    match facts.bits {
        Some(32) => Err(Failure::new(
            Step::Plan,
            Code::Arch,
            format!("the kernel is {arch}, but its programs are 32-bit"),
            "agents are shipped for 64-bit systems: install a 64-bit system",
        )),
        _ => Ok(arch),
    }
}

/// The system itself.
pub(crate) fn check_system(facts: &Facts) -> Result<(), Failure> {
    let wrong = |cause: String, fix: &str| Err(Failure::new(Step::Plan, Code::Os, cause, fix));
    if facts.kernel != "Linux" {
        return wrong(format!("the host runs {}, not Linux", facts.kernel), "agents run on Linux only");
    }
    if !facts.systemd {
        let init = if facts.init.is_empty() { "something else" } else { &facts.init };
        return wrong(
            format!("process 1 is {init}, not systemd"),
            "run the agent by hand (watchtower-agent run) under the host's own supervisor",
        );
    }
    Ok(())
}

/// The agent that may be there already.
pub(crate) fn check_owner(survey: &Survey, trust: &Trust, takeover: bool) -> Result<(), Failure> {
    match &survey.hub {
        Some(hub) if *hub != trust.hub_id && !takeover => Err(Failure::new(
            Step::Plan,
            Code::OtherHub,
            format!("the agent on this host belongs to another hub ({hub})"),
            "remove it there first, or take the host over (--takeover)",
        )),
        _ => Ok(()),
    }
}

/// The places for program, unit, policy and state.
pub(crate) fn check_places(survey: &Survey, binary: &AgentBinary) -> Result<(), Failure> {
    for place in &survey.places {
        let at = &place.folder;
        let failure = match &place.state {
            PlaceState::Good => continue,
            PlaceState::NoExec if place.what != "program" => continue,
            PlaceState::NoExec => Failure::new(
                Step::Plan,
                Code::NoExec,
                format!("programs cannot be run from {at}, where the agent belongs: it is mounted noexec"),
                format!("remount it with exec, or mount a file system of its own at /opt/watchtower ({at})"),
            ),
            PlaceState::Full => full(at, 0, 1),
            PlaceState::Refused(said) if said.contains("No space left") => full(at, 0, 1),
            PlaceState::Refused(said) => Failure::new(
                Step::Plan,
                Code::ReadOnly,
                format!("{at} cannot be written to, not even by root"),
                format!("remount {at} writable, or use an image that has the agent in it"),
            )
            .detail(said),
        };
        return Err(failure);
    }
    let needed = binary.bytes.len() as u64 * ROOM_FACTOR;
    match survey.room_bytes {
        Some(room) if room < needed => Err(full(survey.base(), room, needed)),
        _ => Ok(()),
    }
}

fn full(at: &str, room: u64, needed: u64) -> Failure {
    let mib = |bytes: u64| bytes.div_ceil(1 << 20);
    Failure::new(
        Step::Plan,
        Code::Disk,
        format!("the disk is full: {at} has {} MiB free, {} MiB are needed", room >> 20, mib(needed)),
        format!("free some space on the file system of {at} (df -h {at})"),
    )
}

/// Whether program and units are those that would be installed.
pub(crate) fn is_same(survey: &Survey, binary: &AgentBinary) -> bool {
    let units: String = UNITS.map(|(_, text)| text).concat();
    survey.program.as_deref() == Some(binary.sha256.as_str())
        && survey.units.as_deref() == Some(hex(digest(&SHA256, units.as_bytes()).as_ref()).as_str())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What an installation would do, a line each.
pub(crate) fn installation(job: &Job, survey: &Survey, binary: &AgentBinary, right: &str) -> Vec<String> {
    let mut lines = Vec::new();
    match (&survey.program, is_same(survey, binary)) {
        (Some(_), true) => {
            lines.push(format!("leave the agent as it is: version {} is there", binary.version))
        }
        (Some(_), false) => {
            lines.push(format!(
                "replace the agent: {} -> {}, keep the previous one",
                survey.version, binary.version
            ));
        }
        (None, _) => {
            let mib = binary.bytes.len() as f64 / f64::from(1 << 20);
            lines.push(format!(
                "install /opt/watchtower/bin/watchtower-agent {} ({mib:.1} MiB)",
                binary.version
            ));
        }
    }
    match &survey.policy {
        Some(mode) => lines.push(format!("leave the local policy as it is: {mode}")),
        None => lines.push(format!("write /etc/watchtower/policy.toml: {}", job.policy.as_str())),
    }
    let had = |word: &str| survey.had.iter().any(|had| had == word);
    if survey.units.is_none() {
        lines.push(
            "install the units watchtower-agent.service and watchtower-executor.socket, .service".into(),
        );
    }
    if !had("user") {
        lines.push("make the user watchtower, which owns nothing but the agent's own folder".into());
    }
    if !had("state") || !had("executor") {
        lines.push(
            "make /var/lib/watchtower for identity and spool, /var/lib/watchtower-executor for the journal"
                .into(),
        );
    }
    lines.push(format!("enrol as {} and wait for the first report, all as {right}", job.server));
    lines
}

/// What an uninstallation would do.
pub(crate) fn removal(survey: &Survey) -> Vec<String> {
    match survey.is_there() {
        false => vec!["nothing: there is no agent".into()],
        true if survey.had == ["stage"] => vec!["remove what an interrupted deployment left in /opt".into()],
        true => vec![
            format!("stop the agent {} and tell its hub", survey.version),
            "remove the units of agent and executor, and the user watchtower".into(),
            "remove /opt/watchtower, /etc/watchtower/policy.toml, /var/lib/watchtower and /var/lib/watchtower-executor".into(),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Place;

    fn host(machine: &str, bits: u32) -> Facts {
        let (kernel, machine) = ("Linux".to_string(), machine.to_string());
        Facts { kernel, machine, bits: Some(bits), systemd: true, ..Facts::default() }
    }

    fn binary(bytes: usize) -> AgentBinary {
        AgentBinary { version: "2".into(), sha256: "aa".into(), bytes: vec![0; bytes].into() }
    }

    #[test]
    fn architectures_are_mapped() {
        assert_eq!(arch(&host("x86_64", 64)).unwrap(), "x86_64");
        assert_eq!(arch(&host("arm64", 64)).unwrap(), "aarch64");
        for (machine, bits) in [("armv7l", 32), ("riscv64", 64), ("aarch64", 32), ("i686", 32)] {
            assert_eq!(arch(&host(machine, bits)).unwrap_err().code, Code::Arch, "{machine}");
        }
    }

    #[test]
    fn systems_are_judged() {
        assert!(check_system(&host("x86_64", 64)).is_ok());
        let bsd = Facts { kernel: "FreeBSD".into(), ..host("amd64", 64) };
        let runit = Facts { init: "runit".into(), systemd: false, ..host("x86_64", 64) };
        for facts in [bsd, runit] {
            assert_eq!(check_system(&facts).unwrap_err().code, Code::Os);
        }
    }

    #[test]
    fn places_are_judged() {
        let with = |what: &str, state| {
            let place = Place { what: what.into(), folder: "/opt".into(), state };
            Survey { places: vec![place], room_bytes: Some(300), ..Survey::default() }
        };
        let code =
            |survey: &Survey, size| check_places(survey, &binary(size)).err().map(|failure| failure.code);
        assert_eq!(code(&with("program", PlaceState::Good), 100), None);
        assert_eq!(code(&with("program", PlaceState::Good), 101), Some(Code::Disk));
        assert_eq!(code(&with("program", PlaceState::NoExec), 1), Some(Code::NoExec));
        assert_eq!(code(&with("state", PlaceState::NoExec), 1), None, "nothing is run from there");
        let refused = |said: &str| PlaceState::Refused(said.into());
        assert_eq!(code(&with("unit", refused("Read-only file system")), 1), Some(Code::ReadOnly));
        assert_eq!(code(&with("unit", refused("No space left on device")), 1), Some(Code::Disk));
    }

    #[test]
    fn another_hub_s_agent_is_left_alone() {
        let trust = Trust { hub_id: "a".into(), urls: vec![], pins: vec![], bundle: String::new() };
        let of = |hub: &str| Survey { hub: Some(hub.into()), ..Survey::default() };
        assert!(check_owner(&of("a"), &trust, false).is_ok());
        assert_eq!(check_owner(&of("b"), &trust, false).unwrap_err().code, Code::OtherHub);
        assert!(check_owner(&of("b"), &trust, true).is_ok());
    }
}
