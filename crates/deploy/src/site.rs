//! One host under work: what every deployment asks of it, and of the hub about it.

use std::pin::pin;
use std::time::Duration;

use tokio::sync::Notify;
use watchtower_model::Timestamp;

use crate::connect::of_hub;
use crate::facts::{Facts, Survey};
use crate::remote::{Answers, Remote, SCRIPT_TIMEOUT, Script};
use crate::reporter::Reporter;
use crate::transport::Input;
use crate::{Change, Code, Failure, HubPort, Job, Outcome, Owner, PortError, Secret, Step, said, service};

const START: &str = concat!(include_str!("scripts/start.sh"), "start\nsay placed yes\n");
/// How long an agent that should be there may take to report again.
pub(crate) const NEXT_REPORT_WAIT: Duration = Duration::from_secs(30);

pub(crate) struct Site<'a> {
    pub job: &'a Job,
    pub hub: &'a dyn HubPort,
    pub reporter: &'a Reporter<'a>,
    pub remote: &'a Remote,
    pub facts: Facts,
    pub survey: Survey,
}

impl Site<'_> {
    pub(crate) fn outcome(&self, change: Change, version: impl Into<String>) -> Outcome {
        Outcome {
            change,
            version: version.into(),
            arch: self.facts.machine.clone(),
            host_key: self.remote.connection.host_key.fingerprint(),
            remarks: self.reporter.remarks(),
        }
    }

    /// Runs a script without data, which marks its good end by `done`.
    pub(crate) async fn script(
        &self,
        step: Step,
        text: &str,
        variables: &[(&str, String)],
        done: &str,
    ) -> Result<Answers, Failure> {
        let script = Script { step, text, variables, data: &[], limit: SCRIPT_TIMEOUT };
        let answers = self.remote.script(&script, said::follow(self.reporter)).await?;
        match answers.get(done) {
            Some(_) => Ok(answers),
            None => Err(said::failure(self.reporter.step(), &answers, &self.survey)),
        }
    }

    /// Runs a script that stops the agent, waits for a word, and starts another one: every report later than the answer is that
    /// one's. A host that gets no word puts back what it had. `lines`: what the script reads before.
    pub(crate) async fn replace(
        &self,
        text: &str,
        variables: &[(&str, String)],
        lines: Option<&Secret>,
        done: &str,
    ) -> Result<Option<Timestamp>, Failure> {
        let (stopped, go) = (Notify::new(), Notify::new());
        let word = [Input::Until(&go), Input::Text("go\n")];
        let data: Vec<Input<'_>> = lines.map(Input::Secret).into_iter().chain(word).collect();
        let step = self.reporter.step();
        let script = Script { step, text, variables, data: &data, limit: SCRIPT_TIMEOUT };
        let mut follow = said::follow(self.reporter);
        let heard = |name: &str, value: &str| match name {
            "stopped" => stopped.notify_one(),
            _ => follow(name, value),
        };
        let failed = |answers: &Answers| said::failure(self.reporter.step(), answers, &self.survey);
        let mut work = pin!(self.remote.script(&script, heard));
        let before = tokio::select! {
            ended = &mut work => return Err(failed(&ended?)),
            () = stopped.notified() => self.newest().await?,
        };
        go.notify_one();
        let answers = work.await?;
        answers.get(done).map(|_| before).ok_or_else(|| failed(&answers))
    }

    /// The server whose agent is there; `None` when it is no server's, or cannot be told.
    pub(crate) async fn owner(&self) -> Result<Option<Owner>, Failure> {
        let Some(agent) = &self.survey.agent else { return Ok(None) };
        self.hub.server_of(agent).await.map_err(|e| of_hub(Step::Plan, e))
    }

    pub(crate) fn is_ours(&self, owner: &Owner) -> bool {
        owner.name == self.job.server || owner.id == self.job.server
    }

    pub(crate) async fn newest(&self) -> Result<Option<Timestamp>, Failure> {
        self.after(None, Duration::ZERO).await.map_err(|e| of_hub(Step::FirstReport, e))
    }

    pub(crate) async fn after(
        &self,
        after: Option<Timestamp>,
        wait: Duration,
    ) -> Result<Option<Timestamp>, PortError> {
        self.hub.report_after(&self.job.server, after, wait).await
    }

    /// Starts the program that is there now, after the one before was stopped: every report later than the answer is this
    /// one's.
    pub(crate) async fn start(&self, step: Step) -> Result<Option<Timestamp>, Failure> {
        let before = self.newest().await?;
        self.reporter.begin(step);
        self.script(step, START, &[], "placed").await?;
        Ok(before)
    }

    pub(crate) async fn first_report(&self, before: Option<Timestamp>) -> Result<(), Failure> {
        let Site { job, hub, reporter, remote, survey, .. } = self;
        service::first_report(*hub, &job.server, before, remote, reporter, survey).await
    }

    /// Says whether the version that was put back reports. One that does not is no second failure.
    pub(crate) async fn is_back(&self, version: &str, before: Option<Timestamp>) {
        match self.after(before, NEXT_REPORT_WAIT).await {
            Ok(Some(_)) => self.reporter.detail(format!("version {version} reports again")),
            _ => self.reporter.remark(format!("version {version} is back, and has not reported yet")),
        }
    }
}

/// The host is a server of this hub by another name.
pub(crate) fn another_server(owner: &Owner, fix: String) -> Failure {
    let cause = format!("this host is already the server {} of this hub", owner.name);
    Failure::new(Step::Plan, Code::Duplicate, cause, fix)
}
