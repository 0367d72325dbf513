//! What a run's servers have printed, those that said the same together.

use std::collections::{BTreeMap, HashMap};

use watchtower_api_types::{ExecutionState, FoldedOutput};
use watchtower_model::{ExecutionId, RunId};
use watchtower_store::ExecutionRow;

use crate::Hub;
use crate::error::HubError;

/// Longer outputs are seldom alike: each stands alone, with its end.
pub const TEXT_BYTES_MAX: usize = 16 * 1024;

/// What an execution has printed: as it came, and each stream by itself.
#[derive(Default)]
struct Printed {
    arrived: Vec<u8>,
    streams: BTreeMap<String, Vec<u8>>,
}

/// What executions of one group have in common. Each stream by itself: which of two streams came first is chance.
#[derive(PartialEq, Eq, Hash)]
struct Same {
    state: String,
    exit_code: Option<i64>,
    reason: Option<String>,
    streams: BTreeMap<String, Vec<u8>>,
}

/// Groups executions of a run by end and output, the largest group first.
pub async fn fold(hub: &Hub, run: RunId, executions: &[ExecutionRow]) -> Result<Vec<FoldedOutput>, HubError> {
    let mut ends: HashMap<ExecutionId, Printed> = HashMap::new();
    for part in hub.store.output_ends(run, TEXT_BYTES_MAX).await? {
        let printed = ends.entry(part.execution_id).or_default();
        printed.arrived.extend(&part.data);
        printed.streams.entry(part.stream).or_default().extend(part.data);
    }
    Ok(grouped(hub, executions, ends))
}

fn grouped(
    hub: &Hub,
    executions: &[ExecutionRow],
    mut ends: HashMap<ExecutionId, Printed>,
) -> Vec<FoldedOutput> {
    let mut groups: Vec<FoldedOutput> = Vec::new();
    let mut places: HashMap<Same, usize> = HashMap::new();
    for execution in executions {
        let Printed { arrived, streams } = ends.remove(&execution.id).unwrap_or_default();
        let from = arrived.len().saturating_sub(TEXT_BYTES_MAX);
        let (text, truncated) = (&arrived[from..], from > 0);
        let key = Same {
            state: execution.state.clone(),
            exit_code: execution.exit_code,
            reason: execution.reason.clone(),
            streams,
        };
        match places.get(&key) {
            Some(place) if !truncated => groups[*place].servers.push(name(hub, execution)),
            _ => {
                groups.push(group(hub, execution, text, truncated));
                if !truncated {
                    places.insert(key, groups.len() - 1);
                }
            }
        }
    }
    groups.sort_by_key(|group| std::cmp::Reverse(group.servers.len()));
    groups
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
