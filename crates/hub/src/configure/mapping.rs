//! Mappings of generic webhooks: checked when they are saved, and tried on a sample.

use watchtower_api_types as api;
use watchtower_intake::signals::Action;
use watchtower_intake::signals::mapped::{Mapping, Written};

use crate::error::HubError;

/// # Errors
/// With the field that is wrong.
pub(crate) fn checked(mapping: &api::SignalMapping) -> Result<Mapping, HubError> {
    let written = mapping.clone();
    let written = Written {
        items: written.items,
        key: written.key,
        title: written.title,
        description: written.description,
        severity: written.severity,
        state: written.state,
        resolved: written.resolved,
        labels: written.labels,
    };
    Mapping::new(&written).map_err(|e| HubError::invalid(format!("mapping.{}", e.field), e.why))
}

/// What a mapping makes of a body.
pub fn preview(input: &api::SignalPreviewInput) -> Result<api::SignalPreview, HubError> {
    let body = input.body.to_string();
    let signals = checked(&input.mapping)?.read(body.as_bytes()).map_err(|e| HubError::invalid("body", e))?;
    let items = signals.into_iter().map(|signal| api::MappedSignal {
        resolved: signal.action == Action::Resolve,
        key: signal.key,
        title: signal.summary,
        description: signal.description,
        severity: signal.severity,
        labels: signal.labels.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect(),
    });
    Ok(api::SignalPreview { items: items.collect() })
}
