//! A rollback that somebody wants: the version that is kept on the host and the one that is there change places.
//!
//! Invariants: identity, journal and policy are not touched, so that nothing is enrolled and no right widened; the host notes
//! a rollback until its first report, so that one that was cut short is finished and not turned round.

use watchtower_model::Timestamp;

use crate::connect::of_hub;
use crate::facts::{Kept, Survey};
use crate::plan;
use crate::site::{Site, another_server};
use crate::{Change, Code, Failure, Outcome, Step};

const EXCHANGE: &str = concat!(include_str!("scripts/start.sh"), include_str!("scripts/rollback.sh"));
/// The note stays, for the same deployment taken up again.
const SETTLE: &str = "mv -f \"$previous/begun\" \"$previous/done\" && say settled yes\n";

/// Both versions, and what is still to be done.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Way {
    pub from: String,
    pub to: String,
    pub left: Left,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    All,
    /// The exchange was done, and nobody has seen a report since.
    Proof,
    /// This very deployment did it.
    Nothing,
}

pub(crate) async fn roll_back(site: &Site<'_>) -> Result<Outcome, Failure> {
    let Site { job, hub, reporter, survey, .. } = site;
    let trust = hub.trust().await.map_err(|e| of_hub(Step::Plan, e))?;
    // Taken over, it would have to be enrolled.
    plan::check_owner(survey, &trust, false)?;
    if survey.program.is_none() || !survey.identity {
        return Err(no_agent("there is no agent on this host"));
    }
    check_server(site).await?;
    let way = way(survey, job.id.as_deref())?;
    if job.dry_run {
        return Ok(site.outcome(Change::Planned(lines(&way, site)), &survey.version));
    }
    reporter.detail(format!("{} -> {}", way.from, way.to));
    reporter.begin(Step::RollBack);
    let started = match way.left {
        Left::Nothing => return Ok(went_back(site, way)),
        // What fails in the middle is taken back by the host itself.
        Left::All => Ok(exchange(site, note(survey, job.id.as_deref())).await?),
        Left::Proof => site.start(Step::RollBack).await,
    };
    let reported = match started {
        Ok(before) => site.first_report(before).await,
        Err(failure) => Err(failure),
    };
    match reported {
        Ok(()) => {
            site.script(Step::FirstReport, SETTLE, &[], "settled").await?;
            Ok(went_back(site, way))
        }
        // Nothing is known about the agent when the hub does not answer: it stays, and the same again finishes it.
        Err(failure) if failure.code == Code::Hub => Err(failure),
        Err(failure) => Err(put_forward(site, &way, failure).await?),
    }
}

fn went_back(site: &Site<'_>, way: Way) -> Outcome {
    site.outcome(Change::WentBack { from: way.from }, way.to)
}

fn no_agent(cause: &str) -> Failure {
    let fix = "install one: watchtower agent deploy, or Add servers in the dashboard";
    Failure::new(Step::Plan, Code::NoAgent, cause, fix)
}

/// An agent that is no server's, or another's, would never report as this one. One whose program cannot tell may still.
async fn check_server(site: &Site<'_>) -> Result<(), Failure> {
    match site.owner().await? {
        _ if site.survey.agent.is_none() => Ok(()),
        Some(owner) if site.is_ours(&owner) => Ok(()),
        Some(owner) => {
            let fix = format!("roll it back as {}", owner.name);
            Err(another_server(&owner, fix))
        }
        None => Err(no_agent("the agent on this host is no server of this hub")),
    }
}

pub(crate) fn way(survey: &Survey, id: Option<&str>) -> Result<Way, Failure> {
    let nothing = |cause: &str| {
        let fix = "install the version that is wanted: watchtower agent upgrade, from a hub that ships it";
        Failure::new(Step::Plan, Code::NothingKept, cause, fix)
    };
    let Some(kept @ Kept { program, units, .. }) = &survey.kept else {
        return Err(nothing("the host keeps no version to go back to"));
    };
    if units.is_none() {
        return Err(nothing(
            "the version that is kept is an agent of one process: there is no way back to it",
        ));
    }
    let (here, other) = (survey.version.clone(), kept.version.clone());
    let ours = survey.rollback.as_ref().filter(|noted| survey.program.as_ref() == Some(&noted.program));
    match ours {
        Some(noted) if !noted.settled => Ok(Way { from: other, to: here, left: Left::Proof }),
        Some(noted) if id == Some(&noted.by) => Ok(Way { from: other, to: here, left: Left::Nothing }),
        _ if survey.program.as_ref() == Some(program) && survey.units == *units => {
            Err(nothing("the version that is kept is the one that runs"))
        }
        _ => Ok(Way { from: here, to: other, left: Left::All }),
    }
}

fn lines(way: &Way, site: &Site<'_>) -> Vec<String> {
    let Way { from, to, left } = way;
    let first = match left {
        Left::All => format!("put the agent back: {from} -> {to}, keep {from} in its turn"),
        Left::Proof => format!("finish the rollback that was begun: {from} -> {to}"),
        Left::Nothing => return vec![format!("nothing: {to} was put back")],
    };
    let policy = site.survey.policy.as_deref().unwrap_or("none");
    vec![
        first,
        format!("leave the agent's key, its journal and the local policy as they are: {policy}"),
        format!("restart it and wait for its first report, all as {}", site.remote.right.as_str()),
    ]
}

/// As [`crate::facts::Rollback`] is read.
fn note(survey: &Survey, id: Option<&str>) -> String {
    let program = survey.kept.as_ref().map_or("", |kept| &kept.program);
    format!("{program} {}", id.unwrap_or(""))
}

/// Puts the other version in place and starts it: every report later than the answer is its own. `note` goes to the file that
/// says that a rollback was begun; empty: there is none.
async fn exchange(site: &Site<'_>, note: String) -> Result<Option<Timestamp>, Failure> {
    let variables = [("HAD", site.survey.had.join(" ")), ("NOTE", note)];
    site.replace(EXCHANGE, &variables, None, "exchanged").await
}

/// The version that was there comes back in place of one that does not report: the failure to end with.
async fn put_forward(site: &Site<'_>, way: &Way, because: Failure) -> Result<Failure, Failure> {
    site.reporter.fail(&because);
    site.reporter.begin(Step::CleanUp);
    let before = exchange(site, String::new()).await?;
    site.is_back(&way.from, before).await;
    let fix = format!("{}; version {} was put back", because.fix, way.from);
    Ok(Failure { fix, ..because })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Rollback;

    fn survey(kept: Option<(&str, Option<&str>)>, note: Option<(&str, &str, bool)>) -> Survey {
        let kept = kept.map(|(program, units)| Kept {
            program: program.into(),
            version: format!("of {program}"),
            units: units.map(String::from),
        });
        let rollback =
            note.map(|(program, by, settled)| Rollback { program: program.into(), by: by.into(), settled });
        let (program, units) = (Some("new".to_string()), Some("u2".to_string()));
        Survey { program, version: "of new".into(), units, kept, rollback, ..Survey::default() }
    }

    fn left(kept: &str, note: Option<(&str, &str, bool)>) -> Option<Left> {
        way(&survey(Some((kept, Some("u1"))), note), Some("d1")).ok().map(|way| way.left)
    }

    #[test]
    fn what_cannot_be_gone_back_to_is_refused() {
        for kept in [None, Some(("old", None)), Some(("new", Some("u2")))] {
            let refused = way(&survey(kept, None), None).unwrap_err();
            assert_eq!(refused.code, Code::NothingKept, "{kept:?}");
        }
        assert!(way(&survey(Some(("new", Some("u1"))), None), None).is_ok(), "only its units differ");
    }

    #[test]
    fn a_rollback_is_finished_and_never_turned_round_by_the_same_deployment() {
        assert_eq!(left("old", None), Some(Left::All));
        assert_eq!(left("old", Some(("new", "d0", false))), Some(Left::Proof));
        assert_eq!(left("old", Some(("new", "d1", false))), Some(Left::Proof));
        assert_eq!(left("old", Some(("new", "d1", true))), Some(Left::Nothing));
        assert_eq!(left("old", Some(("new", "d0", true))), Some(Left::All), "another one goes back again");
        assert_eq!(left("old", Some(("gone", "d1", false))), Some(Left::All), "replaced since");
        let nobody = way(&survey(Some(("old", Some("u1"))), Some(("new", "", true))), None).unwrap();
        assert_eq!((nobody.left, nobody.to.as_str()), (Left::All, "of old"));
    }
}
