//! An installation or an upgrade: upload, reach, place, enrol, start, and the first report.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use watchtower_model::Timestamp;

use crate::connect::of_hub;
use crate::plan::{self, UNITS};
use crate::remote::{SCRIPT_TIMEOUT, Script};
use crate::site::{NEXT_REPORT_WAIT, Site, another_server};
use crate::transport::Input;
use crate::{AgentBinary, Change, Code, Failure, Outcome, Secret, Step, Trust, reach, said};

const UPLOAD: &str = concat!(include_str!("scripts/proxy.sh"), include_str!("scripts/upload.sh"));
const INSTALL: &str = concat!(
    include_str!("scripts/undo.sh"),
    include_str!("scripts/start.sh"),
    include_str!("scripts/proxy.sh"),
    include_str!("scripts/install.sh")
);
const UNDO: &str = concat!(include_str!("scripts/undo.sh"), "undo\nsay undone yes\n");
/// A rollback is settled: keys that were kept for it are removed, the previous program stays.
const SETTLE: &str = "rm -f \"$previous/identity.key\" \"$previous/bundle.json\"; rmdir \"$previous\" 2>/dev/null\nsay settled yes\n";

/// For a slow line: 6 MiB in ten minutes is 10 KiB/s.
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(600);
/// A report younger than this says that an agent reports.
const FRESH_MS: i64 = 60_000;

struct Work<'a> {
    site: &'a Site<'a>,
    trust: Trust,
    binary: AgentBinary,
}

pub(crate) async fn install(site: &Site<'_>) -> Result<Outcome, Failure> {
    let Site { job, hub, reporter, survey, .. } = site;
    let arch = plan::arch(&site.facts)?;
    let trust = hub.trust().await.map_err(|e| of_hub(Step::Plan, e))?;
    let binary = hub.agent_binary(arch).await.map_err(|e| of_hub(Step::Plan, e))?.ok_or_else(|| {
        Failure::new(
            Step::Plan,
            Code::Arch,
            format!("this hub ships no agent for {arch}"),
            format!("put watchtower-agent-{arch} into the hub's folder of agents (--agents-dir)"),
        )
    })?;
    plan::check_owner(survey, &trust, job.takeover)?;
    plan::check_places(survey, &binary)?;
    let mut work = Work { site, trust, binary };
    if let Some(mode) = survey.policy.as_deref().filter(|mode| *mode != job.policy.as_str()) {
        reporter.remark(format!("the local policy stays {mode}: only root on the host changes it"));
    }
    if job.dry_run {
        let lines = plan::installation(job, survey, &work.binary, site.remote.right.as_str());
        return Ok(work.outcome(Change::Planned(lines)));
    }
    let renew = work.must_enrol().await?;
    if renew.is_none() && plan::is_same(survey, &work.binary) && survey.active && work.reports().await? {
        reporter.detail(format!("version {} is there and reports", work.binary.version));
        return Ok(work.outcome(Change::AlreadyThere));
    }
    let (stage, version) = work.upload().await?;
    // The program itself knows best.
    work.binary.version = version;
    work.bring(&stage, renew).await
}

/// Why an enrolment is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Enrol {
    /// With the key that is there, if any.
    Plain,
    /// With a new key, leaving the old one behind.
    NewKey,
}

impl Work<'_> {
    fn outcome(&self, change: Change) -> Outcome {
        self.site.outcome(change, &self.binary.version)
    }

    async fn must_enrol(&self) -> Result<Option<Enrol>, Failure> {
        let Site { job, survey, .. } = self.site;
        let ours = survey.hub.as_deref() == Some(self.trust.hub_id.as_str()) && survey.identity;
        if !ours {
            return Ok(Some(Enrol::Plain));
        }
        match self.site.owner().await? {
            Some(owner) if self.site.is_ours(&owner) => Ok(None),
            // A key that no server has any more, or that cannot be told, is left behind: the hub would not take it again.
            None => Ok(Some(Enrol::NewKey)),
            Some(_) if job.takeover => Ok(Some(Enrol::NewKey)),
            Some(owner) => {
                let fix = format!("deploy to it as {}, or make it {} (--takeover)", owner.name, job.server);
                Err(another_server(&owner, fix))
            }
        }
    }

    /// Whether the agent that is there reports.
    async fn reports(&self) -> Result<bool, Failure> {
        let Some(newest) = self.site.newest().await? else { return Ok(false) };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64);
        if (now - newest.0).abs() < FRESH_MS {
            return Ok(true);
        }
        // The hub's clock may differ from ours: the next report tells.
        let next =
            self.site.after(Some(newest), NEXT_REPORT_WAIT).await.map_err(|e| of_hub(Step::Plan, e))?;
        Ok(next.is_some())
    }

    /// Uploads, checks, runs once and looks from there to the hub: one command. Answers the staging folder, and the version
    /// that the program says it is.
    async fn upload(&self) -> Result<(String, String), Failure> {
        self.site.reporter.begin(Step::Upload);
        let pins: Vec<String> = self.trust.pins.iter().map(|pin| format!("--pin {pin}")).collect();
        let variables = [
            ("BASE", self.site.survey.base().to_string()),
            ("SIZE", self.binary.bytes.len().to_string()),
            ("SUM", self.binary.sha256.clone()),
            ("URLS", self.trust.urls.join(" ")),
            ("PINS", pins.join(" ")),
        ];
        let script = Script {
            step: Step::Upload,
            text: UPLOAD,
            variables: &variables,
            data: &[Input::Bytes(&self.binary.bytes)],
            limit: UPLOAD_TIMEOUT,
        };
        self.site.reporter.detail(format!("{:.1} MiB", self.binary.bytes.len() as f64 / f64::from(1 << 20)));
        let answers = self.site.remote.script(&script, said::follow(self.site.reporter)).await?;
        match (answers.get("stage"), answers.all("unreached").last()) {
            (Some(stage), _) => {
                self.site.reporter.detail(answers.get("reached").unwrap_or_default());
                let version = answers.get("version").unwrap_or(&self.binary.version);
                Ok((stage.to_string(), version.to_string()))
            }
            (None, Some(unreached)) if answers.get("fail").is_none() => {
                Err(reach::failed(unreached, self.site.facts.ahead_seconds))
            }
            (None, _) => Err(said::failure(self.site.reporter.step(), &answers, &self.site.survey)),
        }
    }

    /// From the staged program to the first report.
    async fn bring(&self, stage: &str, enrol: Option<Enrol>) -> Result<Outcome, Failure> {
        let upgrade = self.site.survey.program.is_some();
        let token = match self.token(enrol).await {
            Ok(token) => token,
            Err(failure) => {
                self.remove(stage).await;
                return Err(failure);
            }
        };
        let before = self.place(stage, enrol, &token).await?;
        let reported = self.site.first_report(before).await;
        match (reported, upgrade) {
            (Ok(()), _) => self.settle(upgrade).await,
            (Err(failure), true) if failure.code != Code::Hub => self.roll_back(failure).await,
            // Nothing is known about the agent when the hub does not answer: it stays.
            (Err(failure), true) => Err(failure),
            (Err(failure), false) => {
                self.site.reporter.fail(&failure);
                self.site.reporter.begin(Step::CleanUp);
                self.undo().await?;
                Err(failure)
            }
        }
    }

    async fn token(&self, enrol: Option<Enrol>) -> Result<Secret, Failure> {
        match enrol {
            Some(_) => self.site.hub.invite(&self.site.job.server).await.map_err(|e| of_hub(Step::Enrol, e)),
            None => Ok(Secret::new("")),
        }
    }

    /// Puts the staged program in place and starts it: every report later than the answer is its own.
    async fn place(
        &self,
        stage: &str,
        enrol: Option<Enrol>,
        token: &Secret,
    ) -> Result<Option<Timestamp>, Failure> {
        self.site.reporter.begin(Step::Place);
        let mut variables = vec![
            ("STAGE", stage.to_string()),
            ("HAD", self.site.survey.had.join(" ")),
            ("POLICY", self.site.job.policy.as_str().to_string()),
            ("RENEW", if enrol == Some(Enrol::NewKey) { "yes" } else { "" }.to_string()),
            ("TAKEOVER", if self.site.job.takeover { "--takeover" } else { "" }.to_string()),
        ];
        variables.extend(UNITS.map(|(name, text)| (name, text.trim_end().to_string())));
        let lines = Secret::new(format!("{}\n{}\n", token.reveal(), self.trust.bundle));
        self.site.replace(INSTALL, &variables, Some(&lines), "placed").await
    }

    async fn settle(&self, upgrade: bool) -> Result<Outcome, Failure> {
        if !upgrade {
            return Ok(self.outcome(Change::Installed));
        }
        self.site.script(Step::FirstReport, SETTLE, &[], "settled").await?;
        Ok(self.outcome(Change::Upgraded { from: self.site.survey.version.clone() }))
    }

    /// Puts the previous version back.
    async fn roll_back(&self, because: Failure) -> Result<Outcome, Failure> {
        self.site.reporter.fail(&because);
        self.site.reporter.begin(Step::RollBack);
        let before = self.site.newest().await?;
        self.undo().await?;
        let to = self.site.survey.version.clone();
        self.site.is_back(&to, before).await;
        Ok(self.site.outcome(Change::RolledBack { to: to.clone(), because }, to))
    }

    async fn undo(&self) -> Result<(), Failure> {
        let variables = [("HAD", self.site.survey.had.join(" "))];
        self.site.script(self.site.reporter.step(), UNDO, &variables, "undone").await.map(drop)
    }

    /// Of a staging folder that nothing will come of. It would go with the next deployment, too.
    async fn remove(&self, stage: &str) {
        let variables = [("STAGE", stage.to_string())];
        let script = Script {
            step: Step::CleanUp,
            text: "rm -rf \"$STAGE\"\n",
            variables: &variables,
            data: &[],
            limit: SCRIPT_TIMEOUT,
        };
        let _ = self.site.remote.script(&script, |_, _| {}).await;
    }
}
