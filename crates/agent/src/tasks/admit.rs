//! Whether a command may be carried out, decided before anything is touched.
//!
//! Invariant: the signature is verified over the transmitted bytes before they are parsed.

use ring::digest::{SHA256, digest};
use watchtower_model::limits::SCRIPT_BYTES_MAX;
use watchtower_model::{AgentId, ExecutionId, Timestamp, check_line, format_duration_ms};
use watchtower_protocol::limits::COMMAND_SKEW_MS;
use watchtower_protocol::{Command, CommandBody, Envelope, Purpose, RunScript, TrustBundle, verify};

/// Variables and their bytes that a command may set.
const VARIABLES_MAX: usize = 128;
const VARIABLE_BYTES_MAX: usize = 32 * 1024;
/// Words of an interpreter's command line.
const INTERPRETER_WORDS_MAX: usize = 16;
/// The longest time a script may be given.
const TIMEOUT_MS_MAX: u64 = 24 * 3_600_000;
/// Variables that change what a program is rather than what it is given.
const FORBIDDEN_PREFIXES: [&str; 7] = ["LD_", "BASH_", "PYTHON", "PERL", "RUBY", "NODE_", "GCONV_"];
const FORBIDDEN: [&str; 9] =
    ["PATH", "IFS", "ENV", "SHELLOPTS", "PS4", "CDPATH", "GLOBIGNORE", "LOCPATH", "HOSTALIASES"];

/// A command that is not carried out. `code` is one of those that [`watchtower_protocol::ExecutionState`] lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Known only once the signature was found good.
    pub execution_id: Option<ExecutionId>,
    pub not_after: Timestamp,
    pub code: &'static str,
    pub reason: String,
}

/// Checks signature, addressee and time. `now` is on the hub's clock as far as the agent knows it.
pub fn admit(
    envelope: &Envelope,
    bundle: &TrustBundle,
    agent_id: AgentId,
    now: Timestamp,
) -> Result<Command, Refused> {
    let refused = |execution_id, not_after, code, reason| Refused { execution_id, not_after, code, reason };
    let payload = verify(Purpose::Command, envelope, bundle.keys_for(Purpose::Command))
        .map_err(|error| refused(None, now, "bad_signature", error.to_string()))?;
    let command: Command = serde_json::from_slice(&payload).map_err(|error| {
        refused(None, now, "bad_command", format!("the command is not understood: {error}"))
    })?;
    let id = Some(command.body.execution_id());
    let not = |code, reason: String| Err(refused(id, command.not_after, code, reason));
    if command.agent_id != agent_id {
        return not("wrong_agent", format!("the command is for agent {}", command.agent_id));
    }
    if let Err(reason) = check_time(&command, now) {
        return not("expired", reason);
    }
    if let CommandBody::Run(run) = &command.body
        && let Err(reason) = check_run(run)
    {
        return not("bad_command", reason);
    }
    Ok(command)
}

/// The reason names both clocks: which of them is wrong is for a person to see.
fn check_time(command: &Command, now: Timestamp) -> Result<(), String> {
    let Command { issued_at, not_after, .. } = command;
    if now > *not_after {
        let late = whole_seconds(now.since(*not_after));
        return Err(format!("it was to be done by {not_after}; here it is {now}, {late} later"));
    }
    if now < *issued_at - COMMAND_SKEW_MS {
        let early = whole_seconds(issued_at.since(now));
        return Err(format!(
            "it was issued at {issued_at}; here it is {now}, {early} earlier: check the clocks"
        ));
    }
    Ok(())
}

fn whole_seconds(ms: i64) -> String {
    format_duration_ms(ms / 1000 * 1000)
}

fn check_run(run: &RunScript) -> Result<(), String> {
    if run.body.len() > SCRIPT_BYTES_MAX {
        return Err(format!("the script is larger than {SCRIPT_BYTES_MAX} bytes"));
    }
    let hash: String =
        digest(&SHA256, run.body.as_bytes()).as_ref().iter().map(|b| format!("{b:02x}")).collect();
    if hash != run.script_sha256 {
        return Err("script_sha256 is not the hash of the script".into());
    }
    if !(1..=INTERPRETER_WORDS_MAX).contains(&run.interpreter.len())
        || run.interpreter.iter().any(|word| word.is_empty() || check_line(word, 1024).is_err())
    {
        return Err("interpreter must be a program and its arguments".into());
    }
    if !(1..=TIMEOUT_MS_MAX).contains(&run.timeout_ms) {
        return Err(format!("timeout_ms must be between 1 and {TIMEOUT_MS_MAX}"));
    }
    if run.environment.len() > VARIABLES_MAX {
        return Err(format!("more than {VARIABLES_MAX} environment variables"));
    }
    run.environment.iter().try_for_each(|(name, value)| check_variable(name, value))
}

fn check_variable(name: &str, value: &str) -> Result<(), String> {
    let shaped = name.bytes().next().is_some_and(|b| b.is_ascii_uppercase() || b == b'_')
        && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
        && name.len() <= 128;
    if !shaped {
        return Err(format!("environment: {name:?} must match [A-Z_][A-Z0-9_]*"));
    }
    if FORBIDDEN.contains(&name) || FORBIDDEN_PREFIXES.iter().any(|prefix| name.starts_with(prefix)) {
        return Err(format!("environment: {name} may not be set: it changes what programs do"));
    }
    if value.len() > VARIABLE_BYTES_MAX || value.contains('\0') {
        return Err(format!("environment: the value of {name} is too long or holds a zero byte"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_clock_is_told_with_both_times_and_fits_the_journal() {
        let (from, until) = (Timestamp(1_764_464_400_000), Timestamp(1_764_465_000_000));
        let body = CommandBody::Status { execution_id: watchtower_model::Id::NIL.into() };
        let agent_id = AgentId(watchtower_model::Id::NIL);
        let command = Command { agent_id, issued_at: from, not_after: until, body };
        assert_eq!(check_time(&command, from - COMMAND_SKEW_MS), Ok(()));
        assert_eq!(check_time(&command, until), Ok(()));
        for (now, told) in [
            (
                until.plus_ms(259_200_500),
                "2025-11-30T01:10:00.000Z; here it is 2025-12-03T01:10:00.500Z, 3d later",
            ),
            (Timestamp(0), "2025-11-30T01:00:00.000Z; here it is 1970-01-01T00:00:00.000Z, 20422d1h earlier"),
            (from.plus_ms(-400_000_000_001), "4629d15h6m40s earlier"),
        ] {
            let reason = check_time(&command, now).unwrap_err();
            assert!(reason.contains(told), "{reason}");
            assert!(
                reason.len() <= crate::tasks::journal::REASON_BYTES_MAX,
                "{} bytes: {reason}",
                reason.len()
            );
        }
    }

    #[test]
    fn variables_that_change_programs_are_refused() {
        for name in ["PATH", "LD_PRELOAD", "BASH_ENV", "ENV", "IFS", "PYTHONPATH", "lower", "1X", "A-B", ""] {
            assert!(check_variable(name, "x").is_err(), "{name}");
        }
        for name in ["SERVICE", "_X1", "WATCHTOWER_ALERT", "LANG", "TZ"] {
            assert!(check_variable(name, "x").is_ok(), "{name}");
        }
        assert!(check_variable("X", "a\0b").is_err());
    }
}
