//! The command line, read by hand: the agent is copied to every server and stays small.
//!
//! Invariant: an option that is not known is an error, never ignored.

use std::path::{Path, PathBuf};

pub const HELP: &str = "\
watchtower-agent: watches this server and reports to a Watchtower hub

  watchtower-agent run        report to the hub until SIGTERM
  watchtower-agent enrol      make this machine a server: token and trust bundle on standard input, one line each
  watchtower-agent collect    print one report as JSON; needs no hub
  watchtower-agent probe URL  can this machine reach the hub at URL?
  watchtower-agent id         print the id that this agent is known by
  watchtower-agent policy     show what this server lets the hub do
  watchtower-agent halt       run no command of the hub until cleared here
  watchtower-agent execute    run what run's hub commands and the policy permits; started by its socket, as root
  watchtower-agent uninstall  stop the service and remove every file of the agent

Options
  --state-dir DIR   identity, journal and spool      (default /var/lib/watchtower)
  --policy FILE     the local policy                 (default /etc/watchtower/policy.toml)
  --executor SOCK   run: commands go to the executor behind this socket (default: they run inside)
  --executor-dir D  journal and executions (default /var/lib/watchtower-executor where it exists, else as --state-dir)
  --proxy URL       http://host:port, tunnels by CONNECT (default: https_proxy; run, enrol, probe)
  --takeover        enrol: leave the hub this server belongs to
  --clear           halt: let commands run again
  --pin PIN         probe: base64 SHA-256 of the hub's CA key (default: those of the trust bundle)
  -y, --yes         uninstall: do not ask
  --version, --help

Exit codes: 0 done, 1 failed, 2 wrong usage
";

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    Run,
    Execute,
    Supervise { dir: PathBuf },
    ApplyUpdate { plan: PathBuf },
    Guard,
    Enrol { takeover: bool },
    Collect { repeat: Option<u32> },
    Probe { url: String, pins: Vec<String> },
    Id,
    Policy,
    Halt { clear: bool },
    Uninstall { yes: bool },
    Version,
    Help,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Args {
    pub action: Action,
    pub state_dir: PathBuf,
    pub policy: PathBuf,
    pub proxy: Option<String>,
    pub executor: Option<PathBuf>,
    executor_dir: Option<PathBuf>,
}

const STATE_DIR: &str = "/var/lib/watchtower";
/// Made by the installer, for an executor that is a service of its own.
const EXECUTOR_DIR: &str = "/var/lib/watchtower-executor";

impl Args {
    /// Journal, halt switch and executions. An agent with a directory of its own keeps all in it.
    pub fn executor_dir(&self) -> PathBuf {
        match &self.executor_dir {
            Some(given) => given.clone(),
            None if self.state_dir == Path::new(STATE_DIR) && Path::new(EXECUTOR_DIR).is_dir() => {
                EXECUTOR_DIR.into()
            }
            None => self.state_dir.clone(),
        }
    }
}

/// Options as they were found, before it is known whether the action takes them.
#[derive(Debug, Default)]
struct Found {
    words: Vec<String>,
    state_dir: Option<PathBuf>,
    policy: Option<PathBuf>,
    proxy: Option<String>,
    executor: Option<PathBuf>,
    executor_dir: Option<PathBuf>,
    pins: Vec<String>,
    repeat: Option<u32>,
    takeover: bool,
    clear: bool,
    yes: bool,
    version: bool,
    help: bool,
}

/// `words` without the program's name. The error is a line for the user.
pub fn parse(words: impl IntoIterator<Item = String>) -> Result<Args, String> {
    let found = find(words)?;
    let action = action(&found)?;
    Ok(Args {
        action,
        state_dir: found.state_dir.unwrap_or_else(|| STATE_DIR.into()),
        policy: found.policy.unwrap_or_else(|| "/etc/watchtower/policy.toml".into()),
        proxy: found.proxy,
        executor: found.executor,
        executor_dir: found.executor_dir,
    })
}

fn find(words: impl IntoIterator<Item = String>) -> Result<Found, String> {
    let mut found = Found::default();
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        let (name, inline) = match word.split_once('=') {
            Some((name, value)) if name.starts_with("--") => (name.to_string(), Some(value.to_string())),
            _ => (word, None),
        };
        let flag = inline.is_none();
        let mut value = || inline.clone().or_else(|| words.next()).ok_or(format!("{name} needs a value"));
        match name.as_str() {
            "--state-dir" => found.state_dir = Some(value()?.into()),
            "--policy" => found.policy = Some(value()?.into()),
            "--proxy" => found.proxy = Some(value()?),
            "--executor" => found.executor = Some(value()?.into()),
            "--executor-dir" => found.executor_dir = Some(value()?.into()),
            "--pin" => found.pins.push(value()?),
            "--repeat" => {
                let text = value()?;
                found.repeat = Some(text.parse().map_err(|_| format!("--repeat: {text:?} is not a number"))?);
            }
            "--takeover" if flag => found.takeover = true,
            "--clear" if flag => found.clear = true,
            "-y" | "--yes" if flag => found.yes = true,
            "-V" | "--version" if flag => found.version = true,
            "-h" | "--help" if flag => found.help = true,
            unknown if unknown.starts_with('-') => {
                return Err(format!("unknown option {unknown}; see watchtower-agent --help"));
            }
            _ => found.words.push(name),
        }
    }
    Ok(found)
}

fn action(found: &Found) -> Result<Action, String> {
    if found.help {
        return Ok(Action::Help);
    }
    if found.version {
        return Ok(Action::Version);
    }
    let words: Vec<&str> = found.words.iter().map(String::as_str).collect();
    let action = match words.as_slice() {
        ["run"] => Action::Run,
        ["execute"] => Action::Execute,
        ["supervise", dir] => Action::Supervise { dir: dir.into() },
        ["guard"] => Action::Guard,
        ["apply-update", plan] => Action::ApplyUpdate { plan: plan.into() },
        ["enrol" | "enroll"] => Action::Enrol { takeover: found.takeover },
        ["collect"] => Action::Collect { repeat: found.repeat },
        ["probe", url] => Action::Probe { url: (*url).to_string(), pins: found.pins.clone() },
        ["probe"] => return Err("probe needs the hub's URL, such as https://hub.example:8401".into()),
        ["id"] => Action::Id,
        ["policy"] | ["policy", "show"] => Action::Policy,
        ["halt"] => Action::Halt { clear: found.clear },
        ["uninstall"] => Action::Uninstall { yes: found.yes },
        ["help"] => Action::Help,
        [] => return Err("say what to do; see watchtower-agent --help".into()),
        _ => {
            return Err(format!(
                "{:?} is not understood; see watchtower-agent --help",
                found.words.join(" ")
            ));
        }
    };
    let stray = [
        (found.executor.is_some(), "--executor", matches!(action, Action::Run)),
        (found.takeover, "--takeover", matches!(action, Action::Enrol { .. })),
        (found.clear, "--clear", matches!(action, Action::Halt { .. })),
        (found.yes, "--yes", matches!(action, Action::Uninstall { .. })),
        (found.repeat.is_some(), "--repeat", matches!(action, Action::Collect { .. })),
        (!found.pins.is_empty(), "--pin", matches!(action, Action::Probe { .. })),
    ];
    match stray.into_iter().find(|(given, _, fits)| *given && !fits) {
        Some((_, option, _)) => Err(format!("{option} does not go with {}", words[0])),
        None => Ok(action),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Args, String> {
        parse(line.split_ascii_whitespace().map(str::to_string))
    }

    #[test]
    fn actions_and_options_are_read() {
        let args = parsed("run --state-dir /x --policy=/y").unwrap();
        assert_eq!((args.action, args.state_dir, args.policy), (Action::Run, "/x".into(), "/y".into()));
        assert_eq!(parsed("enrol --takeover").unwrap().action, Action::Enrol { takeover: true });
        assert_eq!(parsed("policy show").unwrap().action, Action::Policy);
        assert_eq!(parsed("collect --repeat 5").unwrap().action, Action::Collect { repeat: Some(5) });
        assert_eq!(parsed("nonsense --help").unwrap().action, Action::Help);
        let probe = parsed("probe https://h:1 --pin a --pin b").unwrap().action;
        assert_eq!(probe, Action::Probe { url: "https://h:1".into(), pins: vec!["a".into(), "b".into()] });
    }

    #[test]
    fn mistakes_are_told() {
        for (line, part) in [
            ("", "--help"),
            ("rnu", "rnu"),
            ("run --takeover", "does not go with run"),
            ("run --sate-dir /x", "--sate-dir"),
            ("run --state-dir", "needs a value"),
            ("halt --clear=yes", "unknown option"),
            ("collect --repeat many", "not a number"),
            ("probe", "URL"),
        ] {
            let error = parsed(line).unwrap_err();
            assert!(error.contains(part), "{line}: {error}");
        }
    }
}
