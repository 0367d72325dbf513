//! How a person wants to be paged.

use serde::{Deserialize, Serialize};

use crate::{ChannelId, Urgency};

/// Of a page of this urgency, this channel is told this long after the step began. The same channel again later is a reminder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NotifyRule {
    /// Absent: of either urgency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub urgency: Option<Urgency>,
    pub channel_id: ChannelId,
    #[serde(default)]
    pub delay_seconds: u32,
    /// Told also when the next step of the policy has begun meanwhile: only an acknowledgement or the end keeps it back.
    #[serde(default, skip_serializing_if = "is_false")]
    pub run_to_completion: bool,
}

fn is_false(value: &bool) -> bool {
    !value
}
