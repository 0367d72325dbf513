//! An uninstallation, and the proof that nothing is left.

use crate::connect::of_hub;
use crate::engine::Host;
use crate::plan;
use crate::remote::{Remote, SCRIPT_TIMEOUT, Script};
use crate::reporter::Reporter;
use crate::{Change, Code, Failure, HubPort, Job, Outcome, Step, said};

const REMOVE: &str = include_str!("scripts/remove.sh");

pub(crate) async fn uninstall(
    job: &Job,
    hub: &dyn HubPort,
    reporter: &Reporter<'_>,
    remote: &Remote,
    host: &Host,
) -> Result<Outcome, Failure> {
    let trust = hub.trust().await.map_err(|e| of_hub(Step::Plan, e))?;
    plan::check_owner(&host.survey, &trust, job.takeover)?;
    let outcome = |change| Outcome {
        change,
        version: String::new(),
        arch: host.facts.machine.clone(),
        host_key: remote.connection.host_key.fingerprint(),
        remarks: reporter.remarks(),
    };
    if job.dry_run {
        return Ok(outcome(Change::Planned(plan::removal(&host.survey))));
    }
    if !host.survey.is_there() {
        return Ok(outcome(Change::NothingThere));
    }
    reporter.begin(Step::Remove);
    let script =
        Script { step: Step::Remove, text: REMOVE, variables: &[], data: &[], limit: SCRIPT_TIMEOUT };
    let answers = remote.script(&script, said::follow(reporter)).await?;
    if let Some(note) = answers.get("note") {
        reporter.remark(note);
    }
    if answers.get("removed").is_none() {
        return Err(said::failure(reporter.step(), &answers, &host.survey));
    }
    let left: Vec<&str> = answers.all("left").collect();
    match left.is_empty() {
        true => Ok(outcome(Change::Uninstalled)),
        false => Err(Failure::new(
            Step::Verify,
            Code::Remove,
            format!("still there after the uninstallation: {}", left.join(", ")),
            "remove it by hand as root; read-only or immutable files (lsattr) are the usual reason",
        )),
    }
}
