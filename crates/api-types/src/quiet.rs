//! When nobody is paged: silences, maintenance windows that were planned, and inhibitions.

use watchtower_model::{ChannelId, InhibitionId, MaintenanceWindowId, SilenceId};

use crate::Time;
use crate::derive::{inputs, shapes, words};

words! {
    pub enum QuietState {
        /// Its time is to come.
        Pending = "pending",
        /// It covers alerts now.
        Active = "active",
        /// It is over, or switched off, and does not come again.
        Expired = "expired",
    }
}

shapes! {
    pub struct Silence {
        pub id: SilenceId,
        pub matchers: String,
        pub starts_at: Time,
        pub ends_at: Time,
        pub state: QuietState,
        pub comment: String,
        pub created_by: String,
        /// Only alerts of these servers: those that its maker is restricted to. Absent: all.
        pub servers: Option<String>,
        /// Open alerts that its matchers match now; 0 of one that is over.
        pub open_alerts: u32,
        pub created_at: Time,
    }

    pub struct MaintenanceWindow {
        pub id: MaintenanceWindowId,
        pub name: String,
        pub matchers: String,
        pub comment: String,
        pub notify: Vec<ChannelId>,
        pub enabled: bool,
        pub cron: Option<String>,
        pub timezone: Option<String>,
        pub duration_seconds: Option<f64>,
        pub starts_at: Option<Time>,
        pub ends_at: Option<Time>,
        pub state: QuietState,
        /// When it is, in words.
        pub words: String,
        /// The one under way, and the next ones.
        pub next: Vec<QuietTime>,
        /// Open alerts that its matchers match now.
        pub open_alerts: u32,
        pub created_at: Time,
    }

    pub struct Inhibition {
        pub id: InhibitionId,
        pub name: String,
        pub source: String,
        pub target: String,
        pub equal: Vec<String>,
        pub comment: String,
        pub enabled: bool,
        pub created_by: String,
        /// Only alerts of these servers: those that its maker is restricted to. Absent: all.
        pub servers: Option<String>,
        /// Open alerts that it takes for a cause now; 0 while it is switched off.
        pub open_sources: u32,
        /// Open alerts that nobody is paged for because of it now.
        pub inhibited_alerts: u32,
        pub created_at: Time,
    }

    /// One time at which nobody is paged.
    pub struct QuietTime {
        pub starts_at: Time,
        pub ends_at: Time,
    }
}

inputs! {
    pub struct SilenceInput {
        /// Of alerts' labels, those of their servers among them: `alertname="Disk full",env="prod"`.
        pub matchers: String,
        /// Absent: now.
        #[serde(default)]
        pub starts_at: Option<Time>,
        pub ends_at: Time,
        /// Why, for those who wonder at night.
        pub comment: String,
    }

    /// Either once, from `starts_at` to `ends_at`, or again and again: `cron`, `timezone` and `duration_seconds`.
    pub struct MaintenanceWindowInput {
        pub name: String,
        /// Of alerts' labels, those of their servers among them.
        pub matchers: String,
        #[serde(default)]
        pub comment: String,
        /// Channels that are told when it begins and when it ends.
        #[serde(default)]
        pub notify: Vec<ChannelId>,
        #[serde(default = "yes")]
        pub enabled: bool,
        /// When it begins, again and again: five fields, as in a crontab.
        #[serde(default)]
        pub cron: Option<String>,
        /// Of `cron`, by its IANA name; UTC when absent.
        #[serde(default)]
        pub timezone: Option<String>,
        /// How long each lasts, in real time whatever clocks are set to meanwhile.
        #[serde(default)]
        pub duration_seconds: Option<f64>,
        #[serde(default)]
        pub starts_at: Option<Time>,
        #[serde(default)]
        pub ends_at: Option<Time>,
    }

    /// While an alert that matches `source` is open, nobody is paged for those that match `target` and are like it in `equal`.
    pub struct InhibitionInput {
        pub name: String,
        /// Of the alerts that are the cause, the labels of their servers among them: `alertname="Server lost"`.
        pub source: String,
        /// Of the alerts that follow from it. One that matches both is not inhibited by another that does.
        pub target: String,
        /// Names of labels whose values must be the same on both; one that both lack is the same.
        #[serde(default)]
        pub equal: Vec<String>,
        #[serde(default)]
        pub comment: String,
        #[serde(default = "yes")]
        pub enabled: bool,
    }
}

fn yes() -> bool {
    true
}
