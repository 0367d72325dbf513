//! The gates, one function each. A gate says yes only on evidence: what is unknown is a no.

use serde::{Deserialize, Serialize};
use watchtower_model::{Timestamp, format_duration_ms};

use crate::{Automation, Breaker, BreakerState, Facts, Population, Rate};

/// How many automations may have led to an event, if the one that asks is among them: what it caused once more is a loop.
pub const LOOP_DEPTH_MAX: usize = 1;
/// Samples older than this many intervals are not "now".
pub const DATA_AGE_INTERVALS_MAX: i64 = 3;

const DAY_MS: i64 = 86_400_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GateName {
    Enabled,
    Halt,
    HubConnected,
    Identity,
    Suppressed,
    Depth,
    Agent,
    FreshData,
    Clock,
    Cooldown,
    AttemptsPerIncident,
    AttemptsPerDay,
    Rate,
    ServerBusy,
    GroupBusy,
    BlastRadius,
    GroupBlastRadius,
    Breaker,
    /// Of firings by the clock: the servers that match, and an earlier run that is not over.
    Targets,
    Overlap,
}

pub(crate) type Answer = (GateName, bool, String);

pub(crate) fn ask_all(def: &Automation, facts: &Facts, now: Timestamp) -> Vec<Answer> {
    let group = facts.group.unwrap_or_default();
    vec![
        enabled(def),
        halt(facts.halted.as_deref()),
        hub_connected(facts.hub_may_be_cut_off),
        identity(facts),
        suppressed(facts),
        depth(def, facts),
        agent(facts),
        fresh_data(facts),
        clock(facts),
        cooldown(def, facts, now),
        attempts_per_incident(def, facts),
        attempts_per_day(def, facts, now),
        rate(def.rate, &facts.recent_starts, now),
        server_busy(facts),
        group_busy(facts),
        blast_radius(GateName::BlastRadius, "targets of the rule", facts.rule),
        blast_radius(GateName::GroupBlastRadius, "servers of the service", group),
        breaker(facts.breaker, now),
    ]
}

fn enabled(def: &Automation) -> Answer {
    let state = if def.enabled { "enabled" } else { "disabled" };
    (GateName::Enabled, def.enabled, format!("the automation is {state}"))
}

/// `why`: what keeps work from being done, if anything.
pub(crate) fn halt(why: Option<&str>) -> Answer {
    (GateName::Halt, why.is_none(), why.unwrap_or("no halt switch is on").into())
}

pub(crate) fn hub_connected(may_be_cut_off: bool) -> Answer {
    let text = if may_be_cut_off {
        "more than 30 % of the servers were lost at once: the hub may be cut off"
    } else {
        "the hub sees its servers"
    };
    (GateName::HubConnected, !may_be_cut_off, text.into())
}

fn identity(facts: &Facts) -> Answer {
    let text = match &facts.identity_refusal {
        None => "the service identity may run this script on this server".into(),
        Some(why) => format!("the service identity may not run it: {why}"),
    };
    (GateName::Identity, facts.identity_refusal.is_none(), text)
}

fn suppressed(facts: &Facts) -> Answer {
    let text = match &facts.suppressed_by {
        None => "no silence or maintenance window is in force".into(),
        Some(what) => format!("suppressed by {what}"),
    };
    (GateName::Suppressed, facts.suppressed_by.is_none(), text)
}

fn depth(def: &Automation, facts: &Facts) -> Answer {
    let led = facts.causes.len();
    if !facts.causes.contains(&def.id) {
        return (
            GateName::Depth,
            true,
            format!("{led} automations led to this event, this one is not among them"),
        );
    }
    let text =
        format!("{led} automations led to this event, this one among them: at most {LOOP_DEPTH_MAX} may");
    (GateName::Depth, led <= LOOP_DEPTH_MAX, text)
}

fn agent(facts: &Facts) -> Answer {
    let text = if facts.agent_connected { "the agent is connected" } else { "the agent is not connected" };
    (GateName::Agent, facts.agent_connected, text.into())
}

fn fresh_data(facts: &Facts) -> Answer {
    let max_ms = DATA_AGE_INTERVALS_MAX * facts.interval_ms.max(1);
    let max = format_duration_ms(max_ms);
    let (passed, text) = match facts.data_age_ms {
        _ if facts.trigger_is_no_data => (true, "the trigger is the absence of data".into()),
        None => (false, "the server has no data".into()),
        Some(age) => (
            age <= max_ms,
            format!("the newest sample is {} old, at most {max} is fresh", format_duration_ms(age.max(0))),
        ),
    };
    (GateName::FreshData, passed, text)
}

fn clock(facts: &Facts) -> Answer {
    let text =
        if facts.clock_ok { "the server's clock is right" } else { "the server's clock is off or unknown" };
    (GateName::Clock, facts.clock_ok, text.into())
}

fn cooldown(def: &Automation, facts: &Facts, now: Timestamp) -> Answer {
    let Some(last) = facts.attempts.iter().map(|a| a.started_at).max() else {
        return (GateName::Cooldown, true, "no earlier attempt".into());
    };
    let (ago, cooldown) = (now.since(last), def.cooldown_ms);
    let text = format!(
        "the last attempt was {} ago, the cooldown is {}",
        format_duration_ms(ago.max(0)),
        format_duration_ms(cooldown)
    );
    (GateName::Cooldown, ago >= cooldown, text)
}

fn attempts_per_incident(def: &Automation, facts: &Facts) -> Answer {
    let count = facts.attempts.iter().filter(|a| a.same_incident).count();
    let max = def.attempts_per_incident;
    let text = format!("{count} of {max} attempts were made for this incident");
    (GateName::AttemptsPerIncident, count < max as usize, text)
}

fn attempts_per_day(def: &Automation, facts: &Facts, now: Timestamp) -> Answer {
    let count = facts.attempts.iter().filter(|a| now.since(a.started_at) < DAY_MS).count();
    let max = def.attempts_per_day;
    let text = format!("{count} of {max} attempts were made on this server in 24 h");
    (GateName::AttemptsPerDay, count < max as usize, text)
}

pub(crate) fn rate(rate: Rate, recent_starts: &[Timestamp], now: Timestamp) -> Answer {
    let count = recent_starts.iter().filter(|at| now.since(**at) < rate.per_ms).count();
    let per = format_duration_ms(rate.per_ms);
    let text = format!("{count} of {} starts were made in {per}", rate.count);
    (GateName::Rate, count < rate.count as usize, text)
}

fn server_busy(facts: &Facts) -> Answer {
    let (passed, text) = match facts.runs_on_server {
        0 if facts.verifying_on_server => {
            (false, "an earlier repair of this server is being verified".into())
        }
        0 => (true, "nothing runs on this server".into()),
        n => (false, format!("{n} runs on this server are not over")),
    };
    (GateName::ServerBusy, passed, text)
}

fn group_busy(facts: &Facts) -> Answer {
    let n = facts.runs_on_group;
    (GateName::GroupBusy, n == 0, format!("{n} runs on servers of the same service, at most 1 at a time"))
}

/// How many of a population may be in trouble for a repair to be safe: 1 of a group of up to 5, else 3 or
/// 20 %, whichever is more. More than that is not a broken server but a broken service or rule.
pub fn blast_limit(total: u32) -> u32 {
    if total <= 5 { 1 } else { (total / 5).max(3) }
}

fn blast_radius(name: GateName, what: &str, population: Population) -> Answer {
    let Population { firing, total } = population;
    let limit = blast_limit(total);
    let text = format!("{firing} of {total} {what} are in trouble, at most {limit} may be");
    (name, firing <= limit, text)
}

/// A time that people read: milliseconds say nothing here.
pub(crate) fn in_seconds(ms: i64) -> String {
    format_duration_ms((ms + 999) / 1000 * 1000)
}

pub(crate) fn breaker(breaker: Breaker, now: Timestamp) -> Answer {
    let (passed, text) = match breaker.state(now) {
        BreakerState::Closed => (true, "the breaker is closed".into()),
        BreakerState::HalfOpen => (true, "the breaker is half-open: one attempt with approval".into()),
        BreakerState::Open { until } => {
            (false, format!("the breaker is open for another {}", in_seconds(until.since(now))))
        }
    };
    (GateName::Breaker, passed, text)
}
