//! One deployment from connecting to its end.

use crate::{Bastions, Code, Failure, HubPort, Job, Outcome, Progress, Step};

/// Does the job. Cancelling is dropping the future: the host then keeps its staging folder until the next deployment.
pub async fn deploy(
    job: &Job,
    hub: &dyn HubPort,
    progress: Progress<'_>,
    bastions: &Bastions,
) -> Result<Outcome, Failure> {
    let _ = (job, hub, progress, bastions);
    Err(Failure::new(Step::Connect, Code::Hub, "this build cannot deploy yet", "use a newer one"))
}
