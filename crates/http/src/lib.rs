//! The hub over HTTP: two listeners, the routes of the table of endpoints, Prometheus' API, the live channel, the dashboard.
//!
//! Invariant: no decision is made here. A handler finds its object, asks `access`, calls the hub and shows the answer.

mod agents;
mod alertmanager_api;
mod alertmanager_silences;
mod calendar;
mod caller;
mod csv;
mod dashboard;
mod gzip;
mod headers;
mod health;
mod idempotency;
mod certificates;
mod listen;
mod live;
mod nouns;
mod problem;
mod prometheus;
mod otlp;
mod remote_write;
mod signals;
mod opsgenie;
mod pings;
mod links;
mod slack_actions;
mod twilio_calls;
mod router;
mod serve;
mod times;
mod views;

pub use listen::{ListenError, Tls};
pub use router::router;
pub use serve::{Listeners, Options, ServeError, serve};
