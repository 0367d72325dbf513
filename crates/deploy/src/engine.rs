//! One deployment from connecting to its end.

use crate::connect::open;
use crate::facts::{Facts, Survey};
use crate::job::JUMPS_MAX;
use crate::plan::CLOCK_AHEAD_MAX_SECONDS;
use crate::remote::{Answers, Remote, Right, SCRIPT_TIMEOUT, Script};
use crate::reporter::Reporter;
use crate::site::Site;
use crate::{
    Action, Bastions, Code, Failure, HubPort, Job, Outcome, Progress, Step, install, rights, rollback,
    uninstall,
};

const PROBE: &str = include_str!("scripts/probe.sh");
const SURVEY: &str = include_str!("scripts/survey.sh");

/// Does the job. Dropping the future cancels it: a script that runs on the host then clears away what it did, and a
/// staging folder that is left goes with the next deployment.
///
/// # Errors
/// The step, the cause and the fix. Before `place` the host is as it was; after it, what was placed is gone again.
pub async fn deploy(
    job: &Job,
    hub: &dyn HubPort,
    progress: Progress<'_>,
    bastions: &Bastions,
) -> Result<Outcome, Failure> {
    let reporter = Reporter::new(progress);
    match run(job, hub, &reporter, bastions).await {
        Ok(outcome) => {
            reporter.end();
            Ok(outcome)
        }
        Err(failure) => {
            reporter.fail(&failure);
            Err(failure)
        }
    }
}

async fn run(
    job: &Job,
    hub: &dyn HubPort,
    reporter: &Reporter<'_>,
    bastions: &Bastions,
) -> Result<Outcome, Failure> {
    reporter.begin(Step::Connect);
    if job.jumps.len() > JUMPS_MAX {
        return Err(Failure::new(
            Step::Connect,
            Code::Jump,
            format!("{} jump hosts are too many: the limit is {JUMPS_MAX}", job.jumps.len()),
            "find a shorter way to the host",
        ));
    }
    let via = bastions.through(&job.jumps, hub).await?;
    let connection = open(&job.login, via, hub, reporter, job.sudo_password.is_some()).await?;
    let mut remote = Remote { connection, right: Right::Plain };
    let (facts, survey) = look(&mut remote, job, reporter).await?;
    let site = Site { job, hub, reporter, remote: &remote, facts, survey };
    let outcome = match job.action {
        Action::Install => install::install(&site).await,
        Action::Uninstall => uninstall::uninstall(&site).await,
        Action::RollBack => rollback::roll_back(&site).await,
    };
    remote.connection.close().await;
    outcome
}

/// Probe, right, survey: root needs one script for all three.
async fn look(remote: &mut Remote, job: &Job, reporter: &Reporter<'_>) -> Result<(Facts, Survey), Failure> {
    reporter.begin(Step::Probe);
    let both = format!("{PROBE}if [ \"$(id -u)\" = 0 ]; then\n{SURVEY}fi\n");
    let answers = ask(remote, Step::Probe, &both).await?;
    if answers.get("uid").is_none() {
        return Err(no_shell(remote, &answers));
    }
    let facts = Facts::read(&answers);
    reporter.detail(format!("{}, {}", facts.os, facts.machine));
    if facts.ahead_seconds.abs() > CLOCK_AHEAD_MAX_SECONDS {
        reporter.remark(format!(
            "the host's clock is off by {} s: set it (timedatectl set-ntp true)",
            facts.ahead_seconds
        ));
    }
    crate::plan::check_system(&facts)?;
    reporter.begin(Step::Sudo);
    remote.right = rights::find(remote, &facts, job.sudo_password.as_ref()).await?;
    reporter.detail(remote.right.as_str());
    reporter.begin(Step::Plan);
    let survey = match facts.root {
        true => Survey::read(&answers),
        false => Survey::read(&ask(remote, Step::Plan, SURVEY).await?),
    };
    Ok((facts, survey))
}

async fn ask(remote: &Remote, step: Step, text: &str) -> Result<Answers, Failure> {
    let script = Script { step, text, variables: &[], data: &[], limit: SCRIPT_TIMEOUT };
    remote.script(&script, |_, _| {}).await
}

/// Signed in, and no answer in our own words.
fn no_shell(remote: &Remote, answers: &Answers) -> Failure {
    let user = &remote.connection.target.user;
    Failure::new(
        Step::Probe,
        Code::Shell,
        format!("{user} may sign in, but gets no POSIX shell to run commands in"),
        format!(
            "check {user}'s login shell (getent passwd {user}), ForceCommand, and what its shell's start-up files do"
        ),
    )
    .detail(&answers.noise)
}
