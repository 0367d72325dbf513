//! A started agent until its first report, or until it is plain that there will be none.

use std::time::{Duration, Instant};

use watchtower_model::Timestamp;

use crate::connect::of_hub;
use crate::facts::Survey;
use crate::remote::{Answers, Remote, SCRIPT_TIMEOUT, Script};
use crate::reporter::Reporter;
use crate::{Code, Failure, HubPort, Step};

const DIAGNOSE: &str = include_str!("scripts/diagnose.sh");
/// Lines of the journal in a failure.
const JOURNAL_LINES_MAX: usize = 50;
const REPORT_TIMEOUT: Duration = Duration::from_secs(60);
/// How long to wait between two looks at the service itself.
const LOOK_EVERY: Duration = Duration::from_secs(3);

/// Waits for a report later than `before`.
pub(crate) async fn first_report(
    hub: &dyn HubPort,
    server: &str,
    before: Option<Timestamp>,
    remote: &Remote,
    reporter: &Reporter<'_>,
    survey: &Survey,
) -> Result<(), Failure> {
    reporter.begin(Step::FirstReport);
    let begun = Instant::now();
    loop {
        let reported = hub.report_after(server, before, LOOK_EVERY).await;
        if reported.map_err(|e| of_hub(Step::FirstReport, e))?.is_some() {
            return Ok(());
        }
        let variables = [("LINES_MAX", JOURNAL_LINES_MAX.to_string())];
        let script = Script {
            step: Step::FirstReport,
            text: DIAGNOSE,
            variables: &variables,
            data: &[],
            limit: SCRIPT_TIMEOUT,
        };
        let answers = remote.script(&script, |_, _| {}).await?;
        let state = State::read(answers.get("service").unwrap_or(""));
        if state.gives_up() {
            return Err(dead(&state, &answers, survey));
        }
        if begun.elapsed() >= REPORT_TIMEOUT {
            return Err(silent(&answers));
        }
    }
}

/// Properties of the unit.
#[derive(Debug, Default, PartialEq, Eq)]
struct State {
    active: String,
    sub: String,
    restarts: u32,
    exit: String,
}

impl State {
    fn read(text: &str) -> State {
        let of = |name: &str| {
            text.split_whitespace()
                .find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
                .unwrap_or("")
                .to_string()
        };
        State {
            active: of("ActiveState"),
            sub: of("SubState"),
            restarts: of("NRestarts").parse().unwrap_or(0),
            exit: of("ExecMainStatus"),
        }
    }

    /// It ended by itself: systemd would go on trying for ever.
    fn gives_up(&self) -> bool {
        self.active == "failed" || self.sub == "auto-restart" || self.restarts > 0
    }
}

fn journal(answers: &Answers) -> String {
    let lines: Vec<&str> = answers.all("log").chain(answers.all("avc")).collect();
    lines.join("\n")
}

fn dead(state: &State, answers: &Answers, survey: &Survey) -> Failure {
    let blocked = state.exit == "203" && survey.enforcing;
    let (code, cause, fix) = match blocked {
        true => (
            Code::Selinux,
            "SELinux keeps systemd from running the agent (203/EXEC)".to_string(),
            "run `restorecon -RF /opt/watchtower` and look at `ausearch -m avc -ts recent`",
        ),
        false => (
            Code::Service,
            format!("the agent ends as soon as it is started (exit {})", state.exit),
            "the end of its journal, below, says why",
        ),
    };
    Failure::new(Step::FirstReport, code, cause, fix).detail(journal(answers))
}

fn silent(answers: &Answers) -> Failure {
    Failure::new(
        Step::FirstReport,
        Code::NoReport,
        format!("the agent runs, but the hub has no report of it after {} s", REPORT_TIMEOUT.as_secs()),
        "the end of its journal, below, says what it is waiting for",
    )
    .detail(journal(answers))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_that_gives_up_is_seen() {
        let read = |text: &str| State::read(text).gives_up();
        assert!(!read("ActiveState=active SubState=running NRestarts=0 ExecMainStatus=0"));
        assert!(read("ActiveState=activating SubState=auto-restart NRestarts=0 ExecMainStatus=203"));
        assert!(read("ActiveState=active SubState=running NRestarts=2"));
        assert!(read("ActiveState=failed SubState=failed"));
    }
}
