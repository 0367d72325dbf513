//! What our own scripts say about their course and their failures.

use crate::facts::Survey;
use crate::remote::Answers;
use crate::reporter::Reporter;
use crate::{Code, Failure, Step};

/// Moves the reporter along with the script's own steps.
pub(crate) fn follow<'a>(reporter: &'a Reporter<'_>) -> impl FnMut(&str, &str) + Send + use<'a> {
    move |name, value| {
        if let ("step", Some(step)) = (name, Step::parse(value)) {
            reporter.begin(step);
        }
    }
}

/// The failure that a script named, or that it ended without naming one.
pub(crate) fn failure(step: Step, answers: &Answers, survey: &Survey) -> Failure {
    let Some(named) = answers.get("fail") else {
        let exit = answers.exit.map_or("a signal".to_string(), |code| format!("exit {code}"));
        return Failure::new(
            step,
            Code::Place,
            format!("the host's shell ended with {exit} in the middle of its work"),
            "the host's own output below says more; what was done so far was taken back",
        )
        .detail(&answers.noise);
    };
    let (word, said) = named.split_once(' ').unwrap_or((named, ""));
    let code = match Code::parse(word) {
        Some(Code::Enrol) => enrolment(said),
        // Whatever was being done, this is why.
        Some(_) if said.contains("No space left") => Code::Disk,
        Some(_) if said.contains("Read-only file system") => Code::ReadOnly,
        Some(Code::NoExec) if survey.enforcing => Code::Selinux,
        Some(code) => code,
        None => Code::Place,
    };
    let (cause, fix) = words(code, said);
    Failure::new(step, code, cause, fix).detail(format!("{said}\n{}", answers.noise).trim())
}

/// Which refusal of the hub the agent repeats.
fn enrolment(said: &str) -> Code {
    match said {
        _ if said.contains("TokenExpired") => Code::TokenExpired,
        _ if said.contains("TokenUsed") || said.contains("TokenUnknown") => Code::TokenUsed,
        _ if said.contains("enrolled already") => Code::Duplicate,
        _ if said.contains("belongs to hub") => Code::OtherHub,
        _ => Code::Enrol,
    }
}

fn words(code: Code, said: &str) -> (String, &'static str) {
    let last = said.rsplit("watchtower-agent: ").next().unwrap_or(said);
    let (cause, fix) = match code {
        Code::Disk => ("the host's disk is full", "free some space (df -h /opt) and try again"),
        Code::ReadOnly => ("the host's file system is read-only", "remount it writable, then try again"),
        Code::Hash => (
            "the uploaded program is not what was sent",
            "try again; if it stays, look at the host's disk (dmesg)",
        ),
        Code::NoExec => (
            "the program cannot be run on this host",
            "check for noexec mounts and for security software that blocks new programs",
        ),
        Code::Selinux => (
            "SELinux keeps the program from running",
            "look at `ausearch -m avc -ts recent`, and run `restorecon -RF /opt/watchtower`",
        ),
        Code::Service => {
            ("systemd does not start the agent", "look at `journalctl -u watchtower-agent` on the host")
        }
        Code::TokenExpired => ("the hub says that the enrolment took too long", "try again"),
        Code::TokenUsed => (
            "the hub says that the enrolment's token was used before",
            "try again: each deployment has a token of its own",
        ),
        Code::Duplicate => (
            "the agent on this host is already another server of this hub",
            "deploy to it under its own name, or give it a new identity (--takeover)",
        ),
        Code::OtherHub => (
            "the agent on this host belongs to another hub",
            "remove it there first, or take the host over (--takeover)",
        ),
        Code::Enrol => ("the hub does not enrol the agent", "what the agent said below names the reason"),
        Code::Upload => {
            ("the staging folder cannot be made", "check that the file system is writable and not full")
        }
        _ => ("the agent cannot be put in its place", "check the file systems of /opt, /etc and /var/lib"),
    };
    (format!("{cause}: {last}").trim_end_matches([' ', ':']).to_string(), fix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_failures_are_told_apart() {
        for (said, code) in [
            ("E_PLACE cp: Read-only file system", Code::ReadOnly),
            ("E_UPLOAD cp: No space left on device", Code::Disk),
            ("E_ENROL watchtower-agent: the hub refused (TokenExpired): too late", Code::TokenExpired),
            ("E_ENROL watchtower-agent: the hub refused (TokenUsed): used", Code::TokenUsed),
            ("E_ENROL watchtower-agent: this server belongs to hub x", Code::OtherHub),
            ("E_ENROL something", Code::Enrol),
            ("E_WHAT something", Code::Place),
        ] {
            let marks = vec![("fail".to_string(), said.to_string())];
            let failure = failure(Step::Place, &Answers { marks, ..Answers::default() }, &Survey::default());
            assert_eq!(failure.code, code, "{said}");
            assert!(!failure.fix.is_empty() && !failure.cause.ends_with(':'));
        }
        let silent = failure(Step::Place, &Answers::default(), &Survey::default());
        assert_eq!(silent.code, Code::Place);
    }
}
