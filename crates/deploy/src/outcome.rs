//! How a deployment that did not fail ended.

use crate::Fingerprint;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    pub change: Change,
    /// Of the agent that is on the host now; empty after an uninstallation, and where there is none.
    pub version: String,
    /// As `uname -m` says it.
    pub arch: String,
    /// The host's key, for the record.
    pub host_key: Fingerprint,
    /// What is good to know and no failure: a clock that is off, a policy that stays as it was.
    pub remarks: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    Installed,
    /// The same program, enrolled and reporting: nothing was touched.
    AlreadyThere,
    Upgraded {
        from: String,
    },
    /// The new version did not report, so the previous one runs again; the upgrade's own failure.
    RolledBack {
        to: String,
        because: crate::Failure,
    },
    /// The version that was kept on the host runs again, because somebody wanted it.
    WentBack {
        from: String,
    },
    Uninstalled,
    /// An uninstallation found nothing to remove.
    NothingThere,
    /// A dry run: what would be done, a line each.
    Planned(Vec<String>),
}

impl Change {
    /// Stable words for tables and JSON.
    pub fn as_str(&self) -> &'static str {
        match self {
            Change::Installed => "installed",
            Change::AlreadyThere => "already_there",
            Change::Upgraded { .. } => "upgraded",
            Change::RolledBack { .. } | Change::WentBack { .. } => "rolled_back",
            Change::Uninstalled => "uninstalled",
            Change::NothingThere => "nothing_there",
            Change::Planned(_) => "planned",
        }
    }
}
