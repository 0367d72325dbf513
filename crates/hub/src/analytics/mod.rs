//! What became of incidents over a range: how long people took, which rules are noisy, whom pages interrupted and when.
//!
//! Invariant: everything is counted from the same incidents, those that began in the range and that the caller may see.

mod figures;
mod people;

use std::collections::{BTreeMap, HashSet};

use watchtower_api_types::{IncidentAnalytics, IncidentFigures};
use watchtower_model::{ServerId, ServiceId, Timestamp};
use watchtower_store::{AnalysedRow, AnalyticsFilter, Object, Stored};

use crate::error::HubError;
use crate::{Hub, Objects, objects};
use figures::figures;
pub use figures::quantile;
use people::Reached;

/// Incidents and pages that are counted at most; the answer says when there were more.
const INCIDENTS_MAX: i64 = 50_000;
const PAGES_MAX: i64 = 200_000;

#[derive(Debug, Clone)]
pub struct Question {
    pub from: Timestamp,
    pub to: Timestamp,
    /// Incidents of these services; absent means of all.
    pub services: Option<Vec<ServiceId>>,
    /// Whose clocks tell the hour; absent means each person's own.
    pub timezone: Option<String>,
}

/// Over the incidents of those servers that `sees` lets through.
pub async fn incidents(
    hub: &Hub,
    question: &Question,
    sees: impl Fn(Option<ServerId>) -> bool,
) -> Result<IncidentAnalytics, HubError> {
    if question.to <= question.from {
        return Err(HubError::invalid("from", "must be before `to`"));
    }
    let filter = |limit: i64| AnalyticsFilter {
        from: question.from,
        to: question.to,
        services: question.services.clone(),
        limit,
    };
    // One more than is counted tells whether there are more.
    let mut rows = hub.store.analysed_incidents(&filter(INCIDENTS_MAX + 1)).await?;
    let mut pages = hub.store.analysed_pages(&filter(PAGES_MAX + 1)).await?;
    let truncated = rows.len() as i64 > INCIDENTS_MAX || pages.len() as i64 > PAGES_MAX;
    rows.truncate(INCIDENTS_MAX as usize);
    pages.truncate(PAGES_MAX as usize);
    rows.retain(|row| sees(row.server_id));
    let seen: HashSet<_> = rows.iter().map(|row| row.id).collect();
    pages.retain(|page| seen.contains(&page.incident_id));
    let objects = &*hub.objects();
    let users = hub.store.users().await?;
    let zones = people::zones(objects, &users, question.timezone.as_deref())?;
    let Reached { people, shared } = people::reached(&pages, &users, &zones);
    Ok(IncidentAnalytics {
        from_at: question.from.into(),
        to_at: question.to.into(),
        truncated,
        total: figures("all".into(), None, &rows.iter().collect::<Vec<_>>()),
        services: by(
            &rows,
            |row| Some(row.service_id.to_string()),
            |id| named("service", &objects.services, id, |service| &service.0.name),
        ),
        teams: by(
            &rows,
            |row| Some(objects.service(row.service_id)?.body.0.team_id?.to_string()),
            |id| named("team", &objects.teams, id, |team| &team.0.name),
        ),
        rules: by(
            &rows,
            |row| Some(row.source.clone().unwrap_or_default()),
            |source| origin(objects, source),
        ),
        people,
        shared_pages: shared,
    })
}

/// Figures by the id that `id` gives an incident; each id is looked up once.
fn by(
    rows: &[AnalysedRow],
    id: impl Fn(&AnalysedRow) -> Option<String>,
    name: impl Fn(&str) -> String,
) -> Vec<IncidentFigures> {
    let mut groups: BTreeMap<String, Vec<&AnalysedRow>> = BTreeMap::new();
    for row in rows {
        if let Some(id) = id(row) {
            groups.entry(id).or_default().push(row);
        }
    }
    let one =
        |(id, rows): (String, Vec<&AnalysedRow>)| figures(name(&id), (!id.is_empty()).then_some(id), &rows);
    let mut all: Vec<IncidentFigures> = groups.into_iter().map(one).collect();
    all.sort_by(|a, b| b.incidents.cmp(&a.incidents).then_with(|| a.name.cmp(&b.name)));
    all
}

/// The name of the object of this id, or that it is gone.
fn named<T: Object>(kind: &str, list: &[Stored<T>], id: &str, name: impl Fn(&T) -> &str) -> String {
    let found = objects::find(list, id).filter(|stored| stored.id.to_string() == id);
    found.map_or_else(|| format!("a removed {kind}"), |stored| name(&stored.body).to_string())
}

/// What opened an incident, by the source of its first alert.
fn origin(objects: &Objects, source: &str) -> String {
    match source.split_once(':') {
        Some(("rule", id)) => named("rule", &objects.rules, id, |rule| &rule.input.name),
        Some(("integration", id)) => named("integration", &objects.integrations, id, |one| &one.name),
        Some(("heartbeat", id)) => named("heartbeat", &objects.heartbeats, id, |one| &one.name),
        _ => "by hand or by the API".into(),
    }
}
