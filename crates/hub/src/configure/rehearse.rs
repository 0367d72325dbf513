//! Changes that are only tried: what the hub would say to each, on top of those before it.

use watchtower_api_types::{ConfigChange, ConfigCheck, ConfigProblem};

use super::stepping::Stepping;
use crate::Hub;
use crate::access::Principal;
use crate::error::HubError;

/// What is wrong with changes that are made one after the other; nothing when the hub would take them all. Large configurations take their
/// time, on a thread that nobody else waits for.
pub async fn rehearse(
    hub: &Hub,
    by: &Principal,
    changes: Vec<ConfigChange>,
) -> Result<ConfigCheck, HubError> {
    let (hub, by) = (hub.clone(), by.clone());
    let rehearsed = tokio::task::spawn_blocking(move || all(&hub, &by, &changes)).await;
    rehearsed.map_err(|error| HubError::Internal(error.to_string()))?
}

fn all(hub: &Hub, by: &Principal, changes: &[ConfigChange]) -> Result<ConfigCheck, HubError> {
    let mut stepping = Stepping::new(hub, by, changes.len())?;
    let mut check = ConfigCheck { problems: Vec::new(), unchanged: Vec::new() };
    let mut failed = Vec::<String>::new();
    for (index, change) in changes.iter().enumerate() {
        let error = match stepping.step(change) {
            Ok(step) => {
                check.unchanged.extend((!step.changed).then_some(index as u32));
                continue;
            }
            Err(error) => error,
        };
        let input = change.input.to_string();
        // What refers to something that is refused is not wrong by itself.
        if !failed.iter().any(|id| input.contains(id.as_str())) {
            let (field, message) = match error {
                HubError::Invalid { field, message } => (field, message),
                other => (String::new(), other.to_string()),
            };
            check.problems.push(ConfigProblem { index: index as u32, field, message });
        }
        failed.push(change.id.to_string());
    }
    Ok(check)
}
