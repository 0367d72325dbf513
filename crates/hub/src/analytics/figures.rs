//! The numbers of a set of incidents. Pure.

use watchtower_api_types::IncidentFigures;
use watchtower_model::Timestamp;
use watchtower_store::AnalysedRow;

/// An incident that nobody acknowledged and that was over so soon was not worth a page.
const ALONE_MS: i64 = 5 * 60_000;

pub(super) fn figures(name: String, id: Option<String>, rows: &[&AnalysedRow]) -> IncidentFigures {
    let count = |what: &dyn Fn(&AnalysedRow) -> bool| rows.iter().filter(|row| what(row)).count() as u32;
    let incidents = rows.len() as u32;
    let acknowledged = count(&|row| row.first_acknowledged_at.is_some());
    let ended_alone = count(&ended_alone);
    let share = |part: u32| (incidents > 0).then(|| f64::from(part) / f64::from(incidents));
    let mut to_ack = times(rows, |row| row.first_acknowledged_at);
    let mut to_resolve = times(rows, |row| row.resolved_at);
    IncidentFigures {
        name,
        id,
        incidents,
        open: count(&|row| row.resolved_at.is_none()),
        acknowledged,
        acknowledged_share: share(acknowledged),
        ended_alone,
        ended_alone_share: share(ended_alone),
        time_to_acknowledge_mean_seconds: mean(&to_ack),
        time_to_acknowledge_p50_seconds: quantile(&mut to_ack, 0.5),
        time_to_acknowledge_p90_seconds: quantile(&mut to_ack, 0.9),
        time_to_resolve_mean_seconds: mean(&to_resolve),
        time_to_resolve_p50_seconds: quantile(&mut to_resolve, 0.5),
        time_to_resolve_p90_seconds: quantile(&mut to_resolve, 0.9),
    }
}

fn ended_alone(row: &AnalysedRow) -> bool {
    let soon = row.resolved_at.is_some_and(|end| end.since(row.triggered_at) <= ALONE_MS);
    soon && row.first_acknowledged_at.is_none()
}

/// Milliseconds from the trigger to what there is of this.
fn times(rows: &[&AnalysedRow], end: impl Fn(&AnalysedRow) -> Option<Timestamp>) -> Vec<i64> {
    rows.iter().filter_map(|row| Some(end(row)?.since(row.triggered_at).max(0))).collect()
}

/// Of milliseconds, in seconds.
fn mean(values: &[i64]) -> Option<f64> {
    let sum: i64 = values.iter().sum();
    (!values.is_empty()).then(|| sum as f64 / values.len() as f64 / 1000.0)
}

/// Nearest rank, of milliseconds, in seconds.
pub fn quantile(values: &mut [i64], q: f64) -> Option<f64> {
    values.sort_unstable();
    let rank = (q * values.len() as f64).ceil().max(1.0) as usize - 1;
    values.get(rank).map(|ms| *ms as f64 / 1000.0)
}
