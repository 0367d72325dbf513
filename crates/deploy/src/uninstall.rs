//! An uninstallation, and the proof that nothing is left.

use crate::connect::of_hub;
use crate::plan;
use crate::remote::{SCRIPT_TIMEOUT, Script};
use crate::site::Site;
use crate::{Change, Code, Failure, Outcome, Step, said};

const REMOVE: &str = include_str!("scripts/remove.sh");

pub(crate) async fn uninstall(site: &Site<'_>) -> Result<Outcome, Failure> {
    let Site { job, hub, reporter, remote, survey, .. } = site;
    let trust = hub.trust().await.map_err(|e| of_hub(Step::Plan, e))?;
    plan::check_owner(survey, &trust, job.takeover)?;
    let outcome = |change| site.outcome(change, "");
    if job.dry_run {
        return Ok(outcome(Change::Planned(plan::removal(survey))));
    }
    if !survey.is_there() {
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
        return Err(said::failure(reporter.step(), &answers, survey));
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
