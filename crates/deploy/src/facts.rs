//! What a host says about itself, parsed and nothing more: everything here is hearsay.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::remote::Answers;

/// What any user may see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    pub root: bool,
    /// `uname -s`
    pub kernel: String,
    /// `uname -m`
    pub machine: String,
    /// Of the programs, which is not always that of the kernel.
    pub bits: Option<u32>,
    pub init: String,
    pub systemd: bool,
    pub os: String,
    /// Seconds that the host's clock is ahead of ours.
    pub ahead_seconds: i64,
    pub sudo: Tool,
    pub doas: Tool,
}

/// A program that gives root's rights.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Tool {
    #[default]
    Missing,
    /// Without asking.
    Free,
    /// What it said instead.
    Asks(String),
}

impl Facts {
    pub(crate) fn read(answers: &Answers) -> Facts {
        let text = |name: &'static str| answers.get(name).unwrap_or("").to_string();
        let tool = |name: &'static str| match answers.get(name) {
            None => Tool::Missing,
            Some("free") => Tool::Free,
            Some(said) => Tool::Asks(said.trim_start_matches("asks").trim().to_string()),
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64);
        let clock = answers.get("clock").and_then(|text| text.parse::<i64>().ok());
        Facts {
            root: answers.get("uid") == Some("0"),
            kernel: text("kernel"),
            machine: text("arch"),
            bits: answers.get("bits").and_then(|text| text.parse().ok()),
            init: text("init"),
            systemd: answers.get("systemd").is_some(),
            os: text("os"),
            ahead_seconds: clock.map_or(0, |clock| clock - now),
            sudo: tool("sudo"),
            doas: tool("doas"),
        }
    }
}

/// What root sees of an agent that may be there, and of the places for a new one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Survey {
    /// SHA-256 of the program that is there, and what it says it is.
    pub program: Option<String>,
    pub version: String,
    /// SHA-256 of the units, one after the other.
    pub units: Option<String>,
    /// Mode of the local policy; empty if its file names none.
    pub policy: Option<String>,
    pub hub: Option<String>,
    pub identity: bool,
    /// The agent's own id, where its program tells it.
    pub agent: Option<String>,
    pub active: bool,
    /// Words for what exists, for the scripts.
    pub had: Vec<String>,
    pub places: Vec<Place>,
    /// Free bytes where the program goes.
    pub room_bytes: Option<u64>,
    pub enforcing: bool,
    pub kept: Option<Kept>,
    /// A rollback that was done and not settled, or settled.
    pub rollback: Option<Rollback>,
}

/// The version that the last change of the agent left for a way back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Kept {
    /// SHA-256, as of the program that is there.
    pub program: String,
    pub version: String,
    /// SHA-256 of its units; absent if it does not have all of today's.
    pub units: Option<String>,
}

/// What a rollback noted on the host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rollback {
    /// SHA-256 of the program that it put in place.
    pub program: String,
    /// Of the deployment that did it; empty where that has none.
    pub by: String,
    /// The program has reported since.
    pub settled: bool,
}

/// Whether something can be put somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// `program`, `unit`, `policy`, `state`
    pub what: String,
    /// The nearest folder that exists.
    pub folder: String,
    pub state: PlaceState,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PlaceState {
    Good,
    NoExec,
    Full,
    /// What the system said.
    Refused(String),
}

impl Survey {
    pub(crate) fn read(answers: &Answers) -> Survey {
        let sum = |name: &'static str| answers.get(name).map(|text| first_word(text).to_string());
        let version = |name: &'static str| {
            answers.get(name).and_then(|said| said.rsplit(' ').next()).unwrap_or("").to_string()
        };
        let mut had: Vec<String> = answers.all("had").map(str::to_string).collect();
        let policy = answers.all("policy").next().map(str::to_string);
        let active = answers.get("active").is_some();
        had.extend(policy.is_some().then(|| "policy".to_string()));
        had.extend(active.then(|| "active".to_string()));
        Survey {
            program: sum("program"),
            version: version("version"),
            units: sum("unit"),
            policy,
            hub: answers.get("hub").map(str::to_string),
            identity: answers.get("identity").is_some(),
            agent: answers.get("agent").map(str::to_string),
            active,
            had,
            places: answers.all("writable").filter_map(place).collect(),
            room_bytes: answers.get("room").and_then(|text| text.parse::<u64>().ok()).map(|kib| kib * 1024),
            enforcing: answers.get("selinux") == Some("Enforcing"),
            kept: sum("kept").map(|program| Kept {
                program,
                version: version("kept_version"),
                units: sum("kept_unit"),
            }),
            rollback: answers.get("rollback").and_then(rollback),
        }
    }

    /// The folder that staging folders are made in: on the file system of the program's final place.
    pub(crate) fn base(&self) -> &str {
        self.places.iter().find(|place| place.what == "program").map_or("/", |place| &place.folder)
    }

    /// Whether there is anything of an agent.
    pub(crate) fn is_there(&self) -> bool {
        self.program.is_some() || self.units.is_some() || self.identity || !self.had.is_empty()
    }
}

fn first_word(text: &str) -> &str {
    text.split_whitespace().next().unwrap_or("")
}

/// `begun|done SUM [DEPLOYMENT]`
fn rollback(text: &str) -> Option<Rollback> {
    let mut words = text.split_whitespace();
    let (state, program) = (words.next()?, words.next()?.to_string());
    let by = words.next().unwrap_or("").to_string();
    Some(Rollback { program, by, settled: state == "done" })
}

/// `WHAT STATE FOLDER [what mktemp said]`
fn place(text: &str) -> Option<Place> {
    let mut words = text.splitn(4, ' ');
    let (what, state, folder) = (words.next()?, words.next()?, words.next()?);
    let state = match state {
        "yes" => PlaceState::Good,
        "noexec" => PlaceState::NoExec,
        "full" => PlaceState::Full,
        _ => PlaceState::Refused(words.next().unwrap_or("").to_string()),
    };
    Some(Place { what: what.into(), folder: folder.into(), state })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(lines: &[(&str, &str)]) -> Answers {
        let marks = lines.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        Answers { marks, ..Answers::default() }
    }

    #[test]
    fn a_host_is_read() {
        let facts = Facts::read(&answers(&[
            ("uid", "1000"),
            ("arch", "x86_64"),
            ("bits", "64"),
            ("systemd", "yes"),
            ("sudo", "asks sudo: a password is required"),
        ]));
        assert!(!facts.root && facts.systemd);
        assert_eq!(facts.sudo, Tool::Asks("sudo: a password is required".into()));
        assert_eq!((facts.doas, facts.ahead_seconds), (Tool::Missing, 0), "no clock is no difference");
    }

    #[test]
    fn an_agent_that_is_there_is_read() {
        let survey = Survey::read(&answers(&[
            ("writable", "program yes /opt"),
            ("writable", "state no /var/lib mktemp: failed: Read-only file system"),
            ("room", "1000"),
            ("had", "state"),
            ("policy", ""),
            ("program", "abc  -"),
            ("version", "watchtower-agent 0.1.0"),
            ("kept", "def  -"),
            ("kept_version", "watchtower-agent 0.0.9"),
            ("rollback", "begun abc"),
        ]));
        assert_eq!((survey.base(), survey.version.as_str()), ("/opt", "0.1.0"));
        assert_eq!((survey.program.as_deref(), survey.room_bytes), (Some("abc"), Some(1_024_000)));
        assert_eq!(survey.had, ["state", "policy"], "an empty policy is a policy");
        let kept = Kept { program: "def".into(), version: "0.0.9".into(), units: None };
        assert_eq!(survey.kept, Some(kept));
        let rollback = Rollback { program: "abc".into(), by: String::new(), settled: false };
        assert_eq!(survey.rollback, Some(rollback));
        assert!(matches!(&survey.places[1].state, PlaceState::Refused(said) if said.contains("Read-only")));
    }
}
