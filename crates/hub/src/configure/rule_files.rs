//! Rule files of Prometheus, taken over: each rule becomes one of ours, all of them or none.

use watchtower_api_types as api;
use watchtower_api_types::{RuleInput, RuleKind};
use watchtower_model::Labels;
use watchtower_rules::{FileRule, read_file};
use watchtower_store::Stored;

use super::rules::Rules;
use super::{Noun, OBJECTS_MAX, Replacement, save_all};
use crate::access::Principal;
use crate::error::HubError;
use crate::objects::RuleBody;
use crate::{Hub, random};

/// Takes over a file. A rule of the same name is replaced; what was switched on or off here, and whether it pages, stays.
pub async fn import_rules(
    hub: &Hub,
    by: &Principal,
    input: api::RuleImportInput,
) -> Result<api::RuleImport, HubError> {
    let mut import = api::RuleImport { rules: Vec::new(), problems: Vec::new() };
    let rules = match read_file(&input.text) {
        Ok(rules) => rules,
        Err(error) => {
            import.problems.push(api::ImportProblem { rule: String::new(), message: error.to_string() });
            return Ok(import);
        }
    };
    let mut all = Vec::new();
    for rule in rules {
        let (group, rule) = input_of(rule, input.paging);
        match prepare(hub, by, rule.clone()) {
            Ok(None) => import.rules.push(row(&group, &rule, "unchanged")),
            Ok(Some(one)) => {
                import.rules.push(row(&group, &rule, if one.0.is_some() { "updated" } else { "created" }));
                all.push(one);
            }
            Err(error) => import
                .problems
                .push(api::ImportProblem { rule: rule.name.clone(), message: error.public_text() }),
        }
    }
    let new = all.iter().filter(|(old, ..)| old.is_none()).count();
    if hub.objects().rules.len() + new > OBJECTS_MAX {
        return Err(HubError::Conflict(format!("there would be more than {OBJECTS_MAX} rules")));
    }
    if import.problems.is_empty() && !input.dry_run && !all.is_empty() {
        save_all::<Rules>(hub, by, "import", all).await?;
    }
    Ok(import)
}

fn row(group: &str, rule: &RuleInput, outcome: &str) -> api::ImportedRule {
    api::ImportedRule {
        name: rule.name.clone(),
        group: group.into(),
        kind: rule.kind,
        outcome: outcome.into(),
    }
}

/// `None` when the rule is there as it is.
fn prepare(
    hub: &Hub,
    by: &Principal,
    mut input: RuleInput,
) -> Result<Option<Replacement<RuleBody>>, HubError> {
    let old = crate::objects::find(&hub.objects().rules, &input.name).cloned();
    if let Some(old) = &old {
        (input.enabled, input.paging) = (old.body.input.enabled, old.body.input.paging);
    }
    let id = old.as_ref().map_or_else(|| random::id(hub.now()), |old| old.id);
    let body = Rules::body(hub, by, id, input, old.as_ref())?;
    let same =
        |old: &Stored<RuleBody>| serde_json::to_value(&old.body).ok() == serde_json::to_value(&body).ok();
    if old.as_ref().is_some_and(same) { Ok(None) } else { Ok(Some((old, id, body))) }
}

fn input_of(rule: FileRule, paging: bool) -> (String, RuleInput) {
    match rule {
        FileRule::Alerting { group, spec } => {
            let input = RuleInput {
                alert_name: spec.alert_name.filter(|name| *name != spec.name),
                paging,
                severity: spec.severity,
                expr: Some(spec.expr.trim().into()),
                for_seconds: spec.for_ms as f64 / 1000.0,
                keep_firing_for_seconds: spec.keep_firing_for_ms as f64 / 1000.0,
                labels: Labels::from_pairs(spec.labels),
                annotations: spec.annotations,
                ..RuleInput::new(spec.name, RuleKind::Metric)
            };
            (group, input)
        }
        FileRule::Recording { group, name, spec } => {
            let input = RuleInput {
                expr: Some(spec.expr.trim().into()),
                record: Some(spec.record),
                labels: Labels::from_pairs(spec.labels),
                ..RuleInput::new(name, RuleKind::Recording)
            };
            (group, input)
        }
    }
}
