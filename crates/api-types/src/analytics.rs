//! What became of incidents over a range, by what they have in common, and whom they interrupted.

use watchtower_model::UserId;

use crate::Time;
use crate::derive::shapes;

shapes! {
    /// Over the incidents that began in the range, drills left out.
    pub struct IncidentAnalytics {
        pub from_at: Time,
        pub to_at: Time,
        /// There are more than are counted: ask for a shorter range.
        pub truncated: bool,
        pub total: IncidentFigures,
        /// Most incidents first, as all lists here.
        pub services: Vec<IncidentFigures>,
        pub teams: Vec<IncidentFigures>,
        /// By what opened the incident: a rule, an integration, a heartbeat, a person.
        pub rules: Vec<IncidentFigures>,
        pub people: Vec<PersonFigures>,
        /// Pages that went to channels which are nobody's own.
        pub shared_pages: u32,
    }

    pub struct IncidentFigures {
        /// Of the service, team, rule; `all` of the total.
        pub name: String,
        /// Absent where there is nothing to look up.
        pub id: Option<String>,
        pub incidents: u32,
        pub open: u32,
        pub acknowledged: u32,
        /// From 0 to 1; absent where there are no incidents.
        pub acknowledged_share: Option<f64>,
        /// Over before anybody acknowledged, at most five minutes after they began.
        pub ended_alone: u32,
        pub ended_alone_share: Option<f64>,
        pub time_to_acknowledge_mean_seconds: Option<f64>,
        pub time_to_acknowledge_p50_seconds: Option<f64>,
        pub time_to_acknowledge_p90_seconds: Option<f64>,
        pub time_to_resolve_mean_seconds: Option<f64>,
        pub time_to_resolve_p50_seconds: Option<f64>,
        pub time_to_resolve_p90_seconds: Option<f64>,
    }

    /// Whom pages reached on channels of their own. What reaches a person for one incident within five minutes is one interruption.
    pub struct PersonFigures {
        pub user_id: UserId,
        pub name: String,
        /// The one that was asked for; else that of a schedule the person is part of; else UTC.
        pub timezone: String,
        pub interruptions: u32,
        /// From 22:00 to 07:00 in that zone.
        pub at_night: u32,
        /// 24 numbers, from midnight on, in that zone.
        pub by_hour: Vec<u32>,
    }
}
