//! How a person wants to be paged: which channel, how long after the step began, for which urgency.
//!
//! Invariant: somebody with a channel that works is told at the time the first of their rules names, whatever became of that
//! rule's own channel.

use std::collections::BTreeMap;

use thiserror::Error;
use watchtower_model::{ChannelId, NotifyRule, Urgency};

/// Rules of one person.
pub const NOTIFY_RULES_MAX: usize = 20;
/// The longest that a rule waits: as long as the longest step.
pub const NOTIFY_DELAY_SECONDS_MAX: u32 = (crate::STEP_DELAY_MS_MAX / 1_000) as u32;

/// One message of a page to a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Knock {
    pub delay_ms: i64,
    pub channel: ChannelId,
    /// The next step of the policy does not keep it back.
    pub to_completion: bool,
}

/// Which rule is not to be saved, and why.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NotifyRuleError {
    #[error("notify_rules: at most {NOTIFY_RULES_MAX}, not {0}")]
    Count(usize),
    #[error("notify_rules[{0}].channel_id: is not among the person's channels")]
    Channel(usize),
    #[error("notify_rules[{0}].delay_seconds: at most {NOTIFY_DELAY_SECONDS_MAX}")]
    Delay(usize),
    #[error("notify_rules: nothing is sent at once for high urgency; give one of its rules a delay of 0")]
    Late,
}

fn holds_for(rule: &NotifyRule, urgency: Urgency) -> bool {
    rule.urgency.is_none_or(|own| own == urgency)
}

/// Checks a person's rules before they are saved. No rules at all are well: every channel is used at once.
pub fn check_notify_rules(rules: &[NotifyRule], channels: &[ChannelId]) -> Result<(), NotifyRuleError> {
    if rules.len() > NOTIFY_RULES_MAX {
        return Err(NotifyRuleError::Count(rules.len()));
    }
    for (at, rule) in rules.iter().enumerate() {
        if !channels.contains(&rule.channel_id) {
            return Err(NotifyRuleError::Channel(at));
        }
        if rule.delay_seconds > NOTIFY_DELAY_SECONDS_MAX {
            return Err(NotifyRuleError::Delay(at));
        }
    }
    let mut high = rules.iter().filter(|rule| holds_for(rule, Urgency::High)).peekable();
    if high.peek().is_some() && high.all(|rule| rule.delay_seconds > 0) {
        return Err(NotifyRuleError::Late);
    }
    Ok(())
}

/// The messages of a page to somebody, in their order. Without a usable rule for this urgency, every channel that works is used at
/// once; where the first rule's channel does not work, the next takes its time.
pub fn knocks(
    channels: &[ChannelId],
    rules: &[NotifyRule],
    urgency: Urgency,
    works: impl Fn(ChannelId) -> bool,
) -> Vec<Knock> {
    let of_urgency: Vec<Knock> = rules
        .iter()
        .filter(|rule| holds_for(rule, urgency) && channels.contains(&rule.channel_id))
        .map(|rule| Knock {
            delay_ms: i64::from(rule.delay_seconds) * 1_000,
            channel: rule.channel_id,
            to_completion: rule.run_to_completion,
        })
        .collect();
    // Two rules for one message are one, and the more persistent of them counts.
    let mut usable: BTreeMap<(i64, ChannelId), bool> = BTreeMap::new();
    for knock in of_urgency.iter().filter(|knock| works(knock.channel)) {
        *usable.entry((knock.delay_ms, knock.channel)).or_default() |= knock.to_completion;
    }
    let mut out: Vec<Knock> = usable
        .into_iter()
        .map(|((delay_ms, channel), to_completion)| Knock { delay_ms, channel, to_completion })
        .collect();
    match (out.first_mut(), of_urgency.iter().map(|knock| knock.delay_ms).min()) {
        (Some(first), Some(soonest)) => first.delay_ms = soonest,
        _ => {
            out = channels
                .iter()
                .filter(|id| works(**id))
                .map(|id| Knock { delay_ms: 0, channel: *id, to_completion: false })
                .collect();
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use watchtower_model::Id;

    const APP: ChannelId = ChannelId(Id::from_bytes([1; 16]));
    const SMS: ChannelId = ChannelId(Id::from_bytes([2; 16]));
    const MAIL: ChannelId = ChannelId(Id::from_bytes([3; 16]));
    const ALL: [ChannelId; 3] = [APP, SMS, MAIL];

    fn rule(urgency: Option<Urgency>, channel_id: ChannelId, minutes: u32) -> NotifyRule {
        NotifyRule { urgency, channel_id, delay_seconds: minutes * 60, run_to_completion: false }
    }

    fn plan(rules: &[NotifyRule], urgency: Urgency, broken: &[ChannelId]) -> Vec<(ChannelId, i64)> {
        let knocks = knocks(&ALL, rules, urgency, |id| !broken.contains(&id));
        knocks.into_iter().map(|knock| (knock.channel, knock.delay_ms / 60_000)).collect()
    }

    #[test]
    fn rules_of_the_urgency_decide_and_without_one_all_channels_are_used_at_once() {
        let rules = [
            rule(Some(Urgency::High), SMS, 5),
            rule(Some(Urgency::High), APP, 0),
            rule(Some(Urgency::High), APP, 2),
            rule(None, MAIL, 10),
        ];
        assert_eq!(plan(&rules, Urgency::High, &[]), [(APP, 0), (APP, 2), (SMS, 5), (MAIL, 10)]);
        assert_eq!(plan(&rules, Urgency::Low, &[]), [(MAIL, 10)]);
        assert_eq!(plan(&rules[..3], Urgency::Low, &[]), [(APP, 0), (SMS, 0), (MAIL, 0)]);
        assert_eq!(plan(&[], Urgency::High, &[SMS]), [(APP, 0), (MAIL, 0)]);
    }

    #[test]
    fn a_rule_may_go_on_across_the_next_step() {
        let late = rule(None, SMS, 5);
        let rules = [rule(None, APP, 0), late, NotifyRule { run_to_completion: true, ..late }];
        let told = knocks(&ALL, &rules, Urgency::High, |_| true);
        let told: Vec<_> = told.into_iter().map(|knock| (knock.channel, knock.to_completion)).collect();
        assert_eq!(told, [(APP, false), (SMS, true)]);
    }

    #[test]
    fn a_channel_that_does_not_work_gives_its_time_to_the_next() {
        let rules = [rule(None, APP, 0), rule(None, SMS, 5), rule(None, MAIL, 10)];
        assert_eq!(plan(&rules, Urgency::High, &[APP]), [(SMS, 0), (MAIL, 10)]);
        assert_eq!(plan(&rules[..1], Urgency::High, &[APP]), [(SMS, 0), (MAIL, 0)]);
        assert_eq!(plan(&rules, Urgency::High, &ALL), []);
    }

    #[test]
    fn each_bound_is_named() {
        let check = |rules: &[NotifyRule]| check_notify_rules(rules, &ALL).map_err(|e| e.to_string());
        assert_eq!(check(&[]), Ok(()));
        assert_eq!(check(&[rule(Some(Urgency::Low), MAIL, 30), rule(None, APP, 0)]), Ok(()));
        // What may wait may wait for each of its channels.
        assert_eq!(check(&[rule(Some(Urgency::Low), MAIL, 30)]), Ok(()));
        let refused = [
            (vec![rule(None, APP, 0); 21], "notify_rules: at most"),
            (vec![rule(None, APP, 0), rule(None, ChannelId(Id::NIL), 1)], "notify_rules[1].channel_id:"),
            (vec![rule(None, APP, 1441)], "notify_rules[0].delay_seconds:"),
            (vec![rule(Some(Urgency::High), APP, 1)], "notify_rules: nothing is sent at once"),
            (vec![rule(None, APP, 1)], "notify_rules: nothing is sent at once"),
        ];
        for (rules, field) in refused {
            let said = check(&rules).expect_err("it is out of a bound");
            assert!(said.starts_with(field), "{said}");
        }
    }
}
