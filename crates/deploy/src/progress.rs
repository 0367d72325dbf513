//! What is told while a deployment goes on.

use std::time::Duration;

use crate::{Failure, Step};

/// One thing to tell. Steps begin and end in pairs and never overlap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    Started(Step),
    /// What the host printed, or a remark: one line without control characters.
    Line(Step, String),
    /// `detail` says in a few words what the step found: `Debian 12, x86_64`.
    Ended {
        step: Step,
        took: Duration,
        detail: String,
    },
    Failed {
        step: Step,
        took: Duration,
        failure: Failure,
    },
}

/// Called in order, from the deployment's own task: must not block.
pub type Progress<'a> = &'a (dyn Fn(Notice) + Send + Sync);
