//! What a run's servers have printed, those that said the same together.

use std::collections::HashMap;

use watchtower_api_types::{ExecutionState, FoldedOutput};
use watchtower_model::{ExecutionId, RunId};
use watchtower_store::ExecutionRow;

use crate::Hub;
use crate::error::HubError;

/// Longer outputs are seldom alike: each stands alone, with its end.
pub const TEXT_BYTES_MAX: usize = 16 * 1024;

/// What executions of one group have in common.
#[derive(PartialEq, Eq, Hash)]
struct Same {
    state: String,
    exit_code: Option<i64>,
    reason: Option<String>,
    bytes: Vec<u8>,
}

/// Groups executions of a run by end and output, the largest group first.
pub async fn fold(hub: &Hub, run: RunId, executions: &[ExecutionRow]) -> Result<Vec<FoldedOutput>, HubError> {
    let mut ends: HashMap<ExecutionId, Vec<u8>> = HashMap::new();
    for part in hub.store.output_ends(run, TEXT_BYTES_MAX).await? {
        ends.entry(part.execution_id).or_default().extend(part.data);
    }
    let mut groups: Vec<FoldedOutput> = Vec::new();
    let mut places: HashMap<Same, usize> = HashMap::new();
    for execution in executions {
        let mut bytes = ends.remove(&execution.id).unwrap_or_default();
        let from = bytes.len().saturating_sub(TEXT_BYTES_MAX);
        let (bytes, truncated) = (bytes.split_off(from), from > 0);
        let key = Same {
            state: execution.state.clone(),
            exit_code: execution.exit_code,
            reason: execution.reason.clone(),
            bytes,
        };
        match places.get(&key) {
            Some(place) if !truncated => groups[*place].servers.push(name(hub, execution)),
            _ => {
                groups.push(group(hub, execution, &key.bytes, truncated));
                if !truncated {
                    places.insert(key, groups.len() - 1);
                }
            }
        }
    }
    groups.sort_by_key(|group| std::cmp::Reverse(group.servers.len()));
    Ok(groups)
}

fn group(hub: &Hub, execution: &ExecutionRow, bytes: &[u8], truncated: bool) -> FoldedOutput {
    FoldedOutput {
        servers: vec![name(hub, execution)],
        state: execution.state.parse().unwrap_or(ExecutionState::Pending),
        exit_code: execution.exit_code.map(|code| code as i32),
        reason: execution.reason.clone(),
        text: String::from_utf8_lossy(bytes).into_owned(),
        truncated,
    }
}

fn name(hub: &Hub, execution: &ExecutionRow) -> String {
    let server = hub.servers.get(execution.server_id).map(|server| server.with(|state| state.name.clone()));
    server.unwrap_or_else(|| "a removed server".into())
}
