//! Whether a command may be carried out, decided before anything is touched.
//!
//! Invariant: the signature is verified over the transmitted bytes before they are parsed.

use ring::digest::{SHA256, digest};
use watchtower_model::limits::SCRIPT_BYTES_MAX;
use watchtower_model::{AgentId, ExecutionId, Timestamp, check_line};
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
    if now > command.not_after {
        return not("expired", format!("it was to be done by {}", command.not_after));
    }
    if now < command.issued_at - COMMAND_SKEW_MS {
        let reason =
            format!("it was issued at {}, which is in the future: check the clocks", command.issued_at);
        return not("expired", reason);
    }
    if let CommandBody::Run(run) = &command.body
        && let Err(reason) = check_run(run)
    {
        return not("bad_command", reason);
    }
    Ok(command)
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
