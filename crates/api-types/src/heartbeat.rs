//! Heartbeats: jobs that say that they ran, and are missed when they do not.

use watchtower_model::{HeartbeatId, IntegrationId, ServiceId};

use crate::Time;
use crate::derive::{inputs, shapes, words};

words! {
    pub enum HeartbeatState {
        /// Nothing has come yet: it is not missed.
        New = "new",
        Up = "up",
        /// It said that it began, not yet that it ended.
        Started = "started",
        /// It did not come in time, or said that it failed.
        Down = "down",
        /// Switched off: what comes is kept, nobody is told.
        Paused = "paused",
    }

    pub enum PingKind {
        Success = "success",
        Start = "start",
        Fail = "fail",
        /// Kept, and changes nothing.
        Log = "log",
    }
}

shapes! {
    pub struct Heartbeat {
        pub id: HeartbeatId,
        pub name: String,
        /// Its name below the ping key of an integration.
        pub slug: Option<String>,
        pub integration_id: Option<IntegrationId>,
        /// Where its pings go. Who knows it can ping: it is no secret among those who may see this.
        pub url: String,
        pub period_seconds: Option<f64>,
        pub cron: Option<String>,
        pub timezone: Option<String>,
        pub grace_seconds: f64,
        pub finish_within_seconds: f64,
        pub service_id: Option<ServiceId>,
        pub enabled: bool,
        pub state: HeartbeatState,
        pub last_ping_at: Option<Time>,
        pub last_success_at: Option<Time>,
        pub last_duration_seconds: Option<f64>,
        pub started_at: Option<Time>,
        /// When somebody is told, unless it comes before.
        pub due_at: Option<Time>,
        pub created_at: Time,
    }

    pub struct Ping {
        pub at: Time,
        pub kind: PingKind,
        pub exit_code: Option<u8>,
        /// How the sender names the run that this begins or ends.
        pub rid: Option<String>,
        /// From its start, where that was told.
        pub duration_seconds: Option<f64>,
        /// Method and user agent.
        pub sent_by: String,
        pub body: String,
    }
}

inputs! {
    pub struct HeartbeatInput {
        pub name: String,
        /// Made of the name where an integration is given.
        #[serde(default)]
        pub slug: Option<String>,
        /// An integration of kind `heartbeat`, whose key and the slug are another address for the pings.
        #[serde(default)]
        pub integration_id: Option<IntegrationId>,
        /// At most so long from one success to the next; one of this and `cron`.
        #[serde(default)]
        pub period_seconds: Option<f64>,
        /// Minute, hour, day of the month, month, day of the week.
        #[serde(default)]
        pub cron: Option<String>,
        /// IANA name of the zone whose clocks count; UTC when absent.
        #[serde(default)]
        pub timezone: Option<String>,
        /// How much later it may come; 3600 when absent.
        #[serde(default)]
        pub grace_seconds: Option<f64>,
        /// How long it may take from its start; `grace_seconds` when absent.
        #[serde(default)]
        pub finish_within_seconds: Option<f64>,
        /// What is paged; absent: the routes decide, by the label `heartbeat`.
        #[serde(default)]
        pub service_id: Option<ServiceId>,
        #[serde(default = "yes")]
        pub enabled: bool,
    }
}

fn yes() -> bool {
    true
}
