//! Alerts of one rule that begin together share an incident, so that a broken service is one page and not fifty.
//!
//! Invariant: an incident never spans servers that somebody's rights tell apart: who may see one of its servers may see all.

use watchtower_incident::ServiceSnapshot;
use watchtower_matchers::Matchers;
use watchtower_model::{IncidentId, Labels, ServerId};

use super::alerts::Draft;
use super::apply::read_state;
use crate::Hub;
use crate::error::HubError;

/// Unless the service says otherwise.
pub const WINDOW_MS_DEFAULT: i64 = 60_000;
/// Alerts of one transaction.
const TOGETHER_MAX: usize = 500;
/// Open incidents of one rule that are looked at for one to join: more than a window has.
const CANDIDATES_MAX: i64 = 20;

/// Takes the first draft out, with those that share its incident.
pub(super) async fn those_with_the_first(hub: &Hub, drafts: &mut Vec<Draft>) -> Result<Vec<Draft>, HubError> {
    let mut together = vec![drafts.remove(0)];
    let first = &together[0];
    if drafts.is_empty() || !may_share(first) {
        return Ok(together);
    }
    let rights = Restrictions::of_everybody(hub).await?;
    let (mut with, without): (Vec<Draft>, Vec<Draft>) =
        std::mem::take(drafts).into_iter().partition(|draft| {
            may_share(draft)
                && draft.row.rule_id == first.row.rule_id
                && draft.service.as_ref().map(|service| service.id)
                    == first.service.as_ref().map(|service| service.id)
                && rights.same(hub, first.row.server_id, draft.row.server_id)
        });
    *drafts = with.split_off(with.len().min(TOGETHER_MAX - 1));
    drafts.extend(without);
    together.append(&mut with);
    Ok(together)
}

/// The open incident that this alert joins.
pub(super) async fn open_incident(
    hub: &Hub,
    draft: &Draft,
    service: &ServiceSnapshot,
) -> Result<Option<IncidentId>, HubError> {
    if !may_share(draft) {
        return Ok(None);
    }
    let source = format!("{}/", draft.row.source);
    let candidates = hub.store.triggered_incidents_of(service.id, &source, CANDIDATES_MAX).await?;
    let now = hub.now();
    let mut rights = None;
    for row in candidates.iter().filter(|row| !row.test) {
        if !read_state(row)?.gathers(now) {
            continue;
        }
        if rights.is_none() {
            rights = Some(Restrictions::of_everybody(hub).await?);
        }
        if rights.as_ref().is_some_and(|rights| rights.same(hub, row.server_id, draft.row.server_id)) {
            return Ok(Some(row.id));
        }
    }
    Ok(None)
}

/// Alerts of rules are alike by their rule. Others bring keys of their own, drills stand alone, and what is suppressed pages nobody.
fn may_share(draft: &Draft) -> bool {
    let window = draft.service.as_ref().map_or(0, |service| service.group_window_ms);
    draft.row.rule_id.is_some() && window > 0 && !draft.test && draft.signal.suppressed_by.is_none()
}

/// The servers that users and tokens are restricted to.
pub(super) struct Restrictions(Vec<Matchers>);

impl Restrictions {
    pub async fn of_everybody(hub: &Hub) -> Result<Self, HubError> {
        let texts = hub.store.server_restrictions().await?;
        Ok(Restrictions(texts.iter().filter_map(|text| text.parse().ok()).collect()))
    }

    /// Whether alerts about these may share an incident by themselves: what is about no server is of another kind.
    fn same(&self, hub: &Hub, one: Option<ServerId>, other: Option<ServerId>) -> bool {
        one.is_some() == other.is_some() && self.alike(hub, one, other)
    }

    /// Whether everybody sees both or neither. What is about no server, or about one that was removed, is for those who are not
    /// restricted.
    pub fn alike(&self, hub: &Hub, one: Option<ServerId>, other: Option<ServerId>) -> bool {
        let labels = |id: Option<ServerId>| -> Option<Labels> {
            Some(hub.servers.get(id?)?.with(|state| state.selector_labels()))
        };
        let (one, other) = (labels(one), labels(other));
        let sees =
            |who: &Matchers, labels: &Option<Labels>| labels.as_ref().is_some_and(|of| who.matches(of));
        self.0.iter().all(|who| sees(who, &one) == sees(who, &other))
    }
}
