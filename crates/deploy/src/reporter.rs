//! Turns the course of a deployment into notices: each step begins and ends once.

use std::sync::Mutex;
use std::time::Instant;

use crate::{Failure, Notice, Progress, Step};

pub(crate) struct Reporter<'a> {
    progress: Progress<'a>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    current: Option<(Step, Instant)>,
    detail: String,
    remarks: Vec<String>,
    told: bool,
}

impl<'a> Reporter<'a> {
    pub(crate) fn new(progress: Progress<'a>) -> Reporter<'a> {
        Reporter { progress, state: Mutex::default() }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("no holder panics")
    }

    /// The step that goes on; the probe before the first.
    pub(crate) fn step(&self) -> Step {
        self.state().current.map_or(Step::Connect, |(step, _)| step)
    }

    /// Ends the step before. Beginning the same step again changes nothing.
    pub(crate) fn begin(&self, step: Step) {
        if self.state().current.is_some_and(|(current, _)| current == step) {
            return;
        }
        self.end();
        self.state().current = Some((step, Instant::now()));
        (self.progress)(Notice::Started(step));
    }

    /// What the current step found.
    pub(crate) fn detail(&self, text: impl Into<String>) {
        self.state().detail = text.into();
    }

    /// Shown now, and kept for the outcome.
    pub(crate) fn remark(&self, text: impl Into<String>) {
        let text = text.into();
        self.line(&text);
        self.state().remarks.push(text);
    }

    pub(crate) fn remarks(&self) -> Vec<String> {
        self.state().remarks.clone()
    }

    pub(crate) fn line(&self, text: &str) {
        (self.progress)(Notice::Line(self.step(), text.to_string()));
    }

    pub(crate) fn end(&self) {
        let (current, detail) = {
            let mut state = self.state();
            (state.current.take(), std::mem::take(&mut state.detail))
        };
        if let Some((step, begun)) = current {
            (self.progress)(Notice::Ended { step, took: begun.elapsed(), detail });
        }
    }

    /// A failure is told once, where it happens, though there may be something to clear away after it.
    pub(crate) fn fail(&self, failure: &Failure) {
        if std::mem::replace(&mut self.state().told, true) {
            return self.end();
        }
        let current = self.state().current.take();
        let took = current.map_or_else(Default::default, |(_, begun)| begun.elapsed());
        (self.progress)(Notice::Failed { step: failure.step, took, failure: failure.clone() });
    }
}
