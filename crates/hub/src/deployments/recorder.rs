//! What a deployment tells while it goes on: kept in memory, written to the store a few times a second.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Duration;

use tokio::sync::Notify;
use watchtower_api_types::StepStatus;
use watchtower_deploy::Notice;
use watchtower_model::{BatchId, DeploymentId, truncate};
use watchtower_store::{DeploymentStepRow, Statement, Store};

use super::access::Access;
use crate::{Hub, live};

/// Bytes of a step's output that are kept: its end.
const OUTPUT_BYTES_MAX: usize = 16 * 1024;
const DETAIL_BYTES_MAX: usize = 1024;
/// Steps of one deployment; more than there are kinds of.
const STEPS_MAX: usize = 64;
/// How often the store is written while there is something new.
const FLUSH_EVERY: Duration = Duration::from_millis(250);
const CUT: &str = "… (the beginning is cut)\n";

pub(super) struct Recorder {
    hub: Hub,
    id: DeploymentId,
    batch: BatchId,
    access: Access,
    told: Mutex<Told>,
    news: Notify,
}

#[derive(Default)]
struct Told {
    steps: Vec<DeploymentStepRow>,
    /// Positions of those that the store does not have as they are.
    unsaved: BTreeSet<usize>,
}

impl Recorder {
    pub fn new(hub: Hub, id: DeploymentId, batch: BatchId, access: Access) -> Recorder {
        Recorder { hub, id, batch, access, told: Mutex::default(), news: Notify::new() }
    }

    fn told(&self) -> std::sync::MutexGuard<'_, Told> {
        self.told.lock().expect("no code panics while it holds the steps")
    }

    /// Takes one notice. Never waits.
    pub fn take(&self, notice: Notice) {
        let now = self.hub.now();
        let mut told = self.told();
        match notice {
            Notice::Started(step) => {
                if told.steps.len() < STEPS_MAX {
                    let position = told.steps.len();
                    told.steps.push(DeploymentStepRow {
                        position: position as i64,
                        name: step.as_str().into(),
                        status: StepStatus::Running.as_str().into(),
                        started_at: now,
                        ended_at: None,
                        detail: String::new(),
                        output: String::new(),
                    });
                    told.unsaved.insert(position);
                }
            }
            Notice::Line(_, line) => {
                told.change_last(|step| append(&mut step.output, &self.access.mask(&line)))
            }
            Notice::Ended { detail, .. } => told.change_last(|step| {
                step.status = StepStatus::Succeeded.as_str().into();
                step.ended_at = Some(now);
                step.detail = self.short(&detail);
            }),
            Notice::Failed { failure, .. } => told.change_last(|step| {
                step.status = StepStatus::Failed.as_str().into();
                step.ended_at = Some(now);
                step.detail = self.short(&format!("{}: {}", failure.code.as_str(), failure.cause));
                append(&mut step.output, &self.access.mask(&failure.detail));
            }),
        }
        drop(told);
        self.news.notify_one();
    }

    fn short(&self, text: &str) -> String {
        truncate(&self.access.mask(text), DETAIL_BYTES_MAX).to_string()
    }

    /// The step that is under way, or was last.
    pub fn last_step(&self) -> String {
        self.told().steps.last().map(|step| step.name.clone()).unwrap_or_default()
    }

    /// Writes what is new, for ever.
    pub async fn keep_saving(&self) {
        loop {
            self.news.notified().await;
            tokio::time::sleep(FLUSH_EVERY).await;
            let (statements, positions) = self.unsaved();
            if let Err(error) = self.hub.store.commit(statements).await {
                tracing::warn!(deployment = %self.id, "writing its steps: {error}");
                self.told().unsaved.extend(positions);
                self.news.notify_one();
            }
            live::publish_deployments(&self.hub, self.batch);
        }
    }

    fn unsaved(&self) -> (Vec<Statement>, BTreeSet<usize>) {
        let mut told = self.told();
        let positions = std::mem::take(&mut told.unsaved);
        let save = |position: &usize| Store::save_deployment_step(self.id, &told.steps[*position]);
        (positions.iter().map(save).collect(), positions)
    }

    /// Statements that write every step as it ended; one that did not end gets `status`.
    pub fn ended(&self, status: StepStatus) -> Vec<Statement> {
        let now = self.hub.now();
        let mut told = self.told();
        for step in told.steps.iter_mut().filter(|step| step.ended_at.is_none()) {
            step.status = status.as_str().into();
            step.ended_at = Some(now);
        }
        told.steps.iter().map(|step| Store::save_deployment_step(self.id, step)).collect()
    }
}

impl Told {
    fn change_last(&mut self, change: impl FnOnce(&mut DeploymentStepRow)) {
        let Some(position) = self.steps.len().checked_sub(1) else { return };
        change(&mut self.steps[position]);
        self.unsaved.insert(position);
    }
}

/// Adds lines, keeping the end. PostgreSQL has no NUL in its texts.
fn append(output: &mut String, text: &str) {
    if text.is_empty() {
        return;
    }
    output.push_str(&text.replace('\0', "\u{fffd}"));
    if !output.ends_with('\n') {
        output.push('\n');
    }
    if output.len() > OUTPUT_BYTES_MAX {
        let mut from = output.len() - OUTPUT_BYTES_MAX + CUT.len();
        while !output.is_char_boundary(from) {
            from += 1;
        }
        *output = format!("{CUT}{}", &output[from..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_keeps_its_end_and_says_so() {
        let mut output = String::new();
        for n in 0..5_000 {
            append(&mut output, &format!("line ü {n}"));
        }
        assert!(output.len() <= OUTPUT_BYTES_MAX && output.starts_with(CUT), "{}", output.len());
        assert!(output.ends_with("line ü 4999\n"));
        append(&mut output, "a\0b");
        assert!(output.ends_with("a\u{fffd}b\n"));
    }
}
