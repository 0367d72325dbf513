//! The hub's own counters, for `/metrics` and the status page.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts up.
#[derive(Default)]
pub struct Counter(AtomicU64);

impl Counter {
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[derive(Default)]
pub struct Meters {
    pub reports: Counter,
    pub samples: Counter,
    pub bad_messages: Counter,
    pub refused_agents: Counter,
    pub evaluations: Counter,
    pub evaluation_errors: Counter,
    /// Live reports that no evaluator was free for: their rules ran with the next report.
    pub evaluations_skipped: Counter,
    pub deliveries: Counter,
    pub delivery_failures: Counter,
    pub queries: Counter,
    pub executions: Counter,
    /// Incidents that the auditor found overdue.
    pub overdue: Counter,
}

impl Meters {
    /// Name, help, value: each a counter of the exposition format.
    pub fn all(&self) -> [(&'static str, &'static str, u64); 12] {
        [
            ("watchtower_reports_total", "Reports taken.", self.reports.get()),
            ("watchtower_samples_total", "Samples taken from agents.", self.samples.get()),
            (
                "watchtower_bad_messages_total",
                "Messages of agents that were refused.",
                self.bad_messages.get(),
            ),
            (
                "watchtower_refused_agents_total",
                "Connections of agents that were refused.",
                self.refused_agents.get(),
            ),
            ("watchtower_rule_evaluations_total", "Evaluations of rules.", self.evaluations.get()),
            (
                "watchtower_rule_evaluation_errors_total",
                "Evaluations that failed.",
                self.evaluation_errors.get(),
            ),
            (
                "watchtower_rule_evaluations_skipped_total",
                "Evaluations left to the next report.",
                self.evaluations_skipped.get(),
            ),
            ("watchtower_deliveries_total", "Messages delivered to channels.", self.deliveries.get()),
            (
                "watchtower_delivery_failures_total",
                "Tries to deliver that failed.",
                self.delivery_failures.get(),
            ),
            ("watchtower_queries_total", "PromQL queries.", self.queries.get()),
            ("watchtower_executions_total", "Executions that ended.", self.executions.get()),
            ("watchtower_overdue_total", "Timers the auditor found overdue.", self.overdue.get()),
        ]
    }
}
