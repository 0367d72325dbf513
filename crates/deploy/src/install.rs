//! An installation or an upgrade: upload, reach, place, enrol, start, and the first report.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use watchtower_model::Timestamp;

use crate::connect::of_hub;
use crate::engine::Host;
use crate::plan::{self, UNIT};
use crate::remote::{Remote, SCRIPT_TIMEOUT, Script};
use crate::reporter::Reporter;
use crate::transport::Input;
use crate::{
    AgentBinary, Change, Code, Failure, HubPort, Job, Outcome, PortError, Secret, Step, Trust, reach, said,
    service,
};

const UPLOAD: &str = concat!(include_str!("scripts/proxy.sh"), include_str!("scripts/upload.sh"));
const INSTALL: &str = concat!(
    include_str!("scripts/undo.sh"),
    include_str!("scripts/start.sh"),
    include_str!("scripts/proxy.sh"),
    include_str!("scripts/install.sh")
);
const UNDO: &str = concat!(include_str!("scripts/undo.sh"), "undo\nsay undone yes\n");
const START: &str = concat!(include_str!("scripts/start.sh"), "start\nsay placed yes\n");
/// A rollback is settled: keys that were kept for it are removed, the previous program stays.
const SETTLE: &str = "rm -f \"$previous/identity.key\" \"$previous/bundle.json\"; rmdir \"$previous\" 2>/dev/null\nsay settled yes\n";

/// For a slow line: 6 MiB in ten minutes is 10 KiB/s.
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(600);
/// A report younger than this says that an agent reports.
const FRESH_MS: i64 = 60_000;
/// How long an agent that should be there may take to report again.
const NEXT_REPORT_WAIT: Duration = Duration::from_secs(30);

struct Work<'a> {
    job: &'a Job,
    hub: &'a dyn HubPort,
    reporter: &'a Reporter<'a>,
    remote: &'a Remote,
    host: &'a Host,
    trust: Trust,
    binary: AgentBinary,
}

pub(crate) async fn install(
    job: &Job,
    hub: &dyn HubPort,
    reporter: &Reporter<'_>,
    remote: &Remote,
    host: &Host,
) -> Result<Outcome, Failure> {
    let arch = plan::arch(&host.facts)?;
    let trust = hub.trust().await.map_err(|e| of_hub(Step::Plan, e))?;
    let binary = hub.agent_binary(arch).await.map_err(|e| of_hub(Step::Plan, e))?.ok_or_else(|| {
        Failure::new(
            Step::Plan,
            Code::Arch,
            format!("this hub ships no agent for {arch}"),
            format!("put watchtower-agent-{arch} into the hub's folder of agents (--agents-dir)"),
        )
    })?;
    plan::check_owner(&host.survey, &trust, job.takeover)?;
    plan::check_places(&host.survey, &binary)?;
    let mut work = Work { job, hub, reporter, remote, host, trust, binary };
    if let Some(mode) = host.survey.policy.as_deref().filter(|mode| *mode != job.policy.as_str()) {
        reporter.remark(format!("the local policy stays {mode}: only root on the host changes it"));
    }
    if job.dry_run {
        let lines = plan::installation(job, &host.survey, &work.binary, remote.right.as_str());
        return Ok(work.outcome(Change::Planned(lines)));
    }
    let renew = work.must_enrol().await?;
    if renew.is_none()
        && plan::is_same(&host.survey, &work.binary)
        && host.survey.active
        && work.reports().await?
    {
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
        Outcome {
            change,
            version: self.binary.version.clone(),
            arch: self.host.facts.machine.clone(),
            host_key: self.remote.connection.host_key.fingerprint(),
            remarks: self.reporter.remarks(),
        }
    }

    async fn must_enrol(&self) -> Result<Option<Enrol>, Failure> {
        let survey = &self.host.survey;
        let ours = survey.hub.as_deref() == Some(self.trust.hub_id.as_str()) && survey.identity;
        if !ours {
            return Ok(Some(Enrol::Plain));
        }
        // A key that no server has any more, or that cannot be told, is left behind: the hub would not take it again.
        let Some(here) = &survey.agent else { return Ok(Some(Enrol::NewKey)) };
        let owner = self.hub.server_of(here).await.map_err(|e| of_hub(Step::Plan, e))?;
        match owner {
            Some(owner) if owner.name == self.job.server || owner.id == self.job.server => Ok(None),
            None => Ok(Some(Enrol::NewKey)),
            Some(_) if self.job.takeover => Ok(Some(Enrol::NewKey)),
            Some(owner) => Err(Failure::new(
                Step::Plan,
                Code::Duplicate,
                format!("this host is already the server {} of this hub", owner.name),
                format!("deploy to it as {}, or make it {} (--takeover)", owner.name, self.job.server),
            )),
        }
    }

    async fn newest(&self) -> Result<Option<Timestamp>, Failure> {
        self.after(None, Duration::ZERO).await.map_err(|e| of_hub(Step::FirstReport, e))
    }

    async fn after(&self, after: Option<Timestamp>, wait: Duration) -> Result<Option<Timestamp>, PortError> {
        self.hub.report_after(&self.job.server, after, wait).await
    }

    /// Whether the agent that is there reports.
    async fn reports(&self) -> Result<bool, Failure> {
        let Some(newest) = self.newest().await? else { return Ok(false) };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64);
        if (now - newest.0).abs() < FRESH_MS {
            return Ok(true);
        }
        // The hub's clock may differ from ours: the next report tells.
        let next = self.after(Some(newest), NEXT_REPORT_WAIT).await.map_err(|e| of_hub(Step::Plan, e))?;
        Ok(next.is_some())
    }

    /// Uploads, checks, runs once and looks from there to the hub: one command. Answers the staging folder, and the version
    /// that the program says it is.
    async fn upload(&self) -> Result<(String, String), Failure> {
        self.reporter.begin(Step::Upload);
        let pins: Vec<String> = self.trust.pins.iter().map(|pin| format!("--pin {pin}")).collect();
        let variables = [
            ("BASE", self.host.survey.base().to_string()),
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
        self.reporter.detail(format!("{:.1} MiB", self.binary.bytes.len() as f64 / f64::from(1 << 20)));
        let answers = self.remote.script(&script, said::follow(self.reporter)).await?;
        match (answers.get("stage"), answers.all("unreached").last()) {
            (Some(stage), _) => {
                self.reporter.detail(answers.get("reached").unwrap_or_default());
                let version = answers.get("version").unwrap_or(&self.binary.version);
                Ok((stage.to_string(), version.to_string()))
            }
            (None, Some(unreached)) if answers.get("fail").is_none() => {
                Err(reach::failed(unreached, self.host.facts.ahead_seconds))
            }
            (None, _) => Err(said::failure(self.reporter.step(), &answers, &self.host.survey)),
        }
    }

    /// From the staged program to the first report.
    async fn bring(&self, stage: &str, enrol: Option<Enrol>) -> Result<Outcome, Failure> {
        let upgrade = self.host.survey.program.is_some();
        let before = if upgrade { None } else { self.newest().await? };
        let token = match self.token(enrol).await {
            Ok(token) => token,
            Err(failure) => {
                self.remove(stage).await;
                return Err(failure);
            }
        };
        self.place(stage, enrol, &token, !upgrade).await?;
        let started = match upgrade {
            false => Ok(before),
            true => self.start_new().await,
        };
        let reported = match started {
            Ok(before) => {
                service::first_report(
                    self.hub,
                    &self.job.server,
                    before,
                    self.remote,
                    self.reporter,
                    &self.host.survey,
                )
                .await
            }
            Err(failure) => Err(failure),
        };
        match (reported, upgrade) {
            (Ok(()), _) => self.settle(upgrade).await,
            (Err(failure), true) if failure.code != Code::Hub => self.roll_back(failure).await,
            // Nothing is known about the agent when the hub does not answer: it stays.
            (Err(failure), true) => Err(failure),
            (Err(failure), false) => {
                self.reporter.fail(&failure);
                self.reporter.begin(Step::CleanUp);
                self.undo().await?;
                Err(failure)
            }
        }
    }

    async fn token(&self, enrol: Option<Enrol>) -> Result<Secret, Failure> {
        match enrol {
            Some(_) => self.hub.invite(&self.job.server).await.map_err(|e| of_hub(Step::Enrol, e)),
            None => Ok(Secret::new("")),
        }
    }

    async fn place(
        &self,
        stage: &str,
        enrol: Option<Enrol>,
        token: &Secret,
        start: bool,
    ) -> Result<(), Failure> {
        self.reporter.begin(Step::Place);
        let had = self.host.survey.had.join(" ");
        let variables = [
            ("STAGE", stage.to_string()),
            ("HAD", had),
            ("POLICY", self.job.policy.as_str().to_string()),
            ("UNIT", UNIT.trim_end().to_string()),
            ("RENEW", if enrol == Some(Enrol::NewKey) { "yes" } else { "" }.to_string()),
            ("TAKEOVER", if self.job.takeover { "--takeover" } else { "" }.to_string()),
            ("START", if start { "yes" } else { "" }.to_string()),
        ];
        let lines = Secret::new(format!("{}\n{}\n", token.reveal(), self.trust.bundle));
        let script = Script {
            step: Step::Place,
            text: INSTALL,
            variables: &variables,
            data: &[Input::Secret(&lines)],
            limit: SCRIPT_TIMEOUT,
        };
        let answers = self.remote.script(&script, said::follow(self.reporter)).await?;
        match answers.get("placed") {
            Some(_) => Ok(()),
            None => Err(said::failure(self.reporter.step(), &answers, &self.host.survey)),
        }
    }

    /// Starts the new program after the old one was stopped: every report from now on is the new one's.
    async fn start_new(&self) -> Result<Option<Timestamp>, Failure> {
        let before = self.newest().await?;
        self.reporter.begin(Step::Start);
        let script =
            Script { step: Step::Start, text: START, variables: &[], data: &[], limit: SCRIPT_TIMEOUT };
        let answers = self.remote.script(&script, |_, _| {}).await?;
        match answers.get("placed") {
            Some(_) => Ok(before),
            None => Err(said::failure(Step::Start, &answers, &self.host.survey)),
        }
    }

    async fn settle(&self, upgrade: bool) -> Result<Outcome, Failure> {
        if !upgrade {
            return Ok(self.outcome(Change::Installed));
        }
        let script = Script {
            step: Step::FirstReport,
            text: SETTLE,
            variables: &[],
            data: &[],
            limit: SCRIPT_TIMEOUT,
        };
        self.remote.script(&script, |_, _| {}).await?;
        Ok(self.outcome(Change::Upgraded { from: self.host.survey.version.clone() }))
    }

    /// Puts the previous version back.
    async fn roll_back(&self, because: Failure) -> Result<Outcome, Failure> {
        self.reporter.fail(&because);
        self.reporter.begin(Step::RollBack);
        let before = self.newest().await?;
        self.undo().await?;
        let to = self.host.survey.version.clone();
        match self.after(before, NEXT_REPORT_WAIT).await {
            Ok(Some(_)) => self.reporter.detail(format!("version {to} reports again")),
            _ => self.reporter.remark(format!("version {to} is back, and has not reported yet")),
        }
        let outcome = self.outcome(Change::RolledBack { to: to.clone(), because });
        Ok(Outcome { version: to, ..outcome })
    }

    async fn undo(&self) -> Result<(), Failure> {
        let step = self.reporter.step();
        let variables = [("HAD", self.host.survey.had.join(" "))];
        let script = Script { step, text: UNDO, variables: &variables, data: &[], limit: SCRIPT_TIMEOUT };
        let answers = self.remote.script(&script, |_, _| {}).await?;
        match answers.get("undone") {
            Some(_) => Ok(()),
            None => Err(said::failure(step, &answers, &self.host.survey)),
        }
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
        let _ = self.remote.script(&script, |_, _| {}).await;
    }
}
