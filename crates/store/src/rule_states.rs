//! Where each rule stands, partition by partition: a restart neither loses nor repeats a transition.

use serde::Deserialize;
use watchtower_model::{RuleId, Timestamp};

use crate::{DbError, Statement, Store, args, rows};

#[derive(Debug, Clone, Deserialize)]
pub struct RuleStateRow {
    pub rule_id: RuleId,
    /// A server's id, or empty for a rule that is evaluated whole.
    pub part: String,
    pub body: String,
    pub evaluated_at: Timestamp,
}

impl Store {
    pub async fn rule_states(&self) -> Result<Vec<RuleStateRow>, DbError> {
        rows(self.db.query("SELECT * FROM rule_states", args![]).await?)
    }

    /// Those whose part begins with `event/`: alerts that wait for their rule's delay.
    pub async fn waiting_rule_states(&self) -> Result<Vec<RuleStateRow>, DbError> {
        rows(
            self.db
                .query("SELECT * FROM rule_states WHERE part >= 'event/' AND part < 'event0'", args![])
                .await?,
        )
    }

    pub fn save_rule_state(rule: RuleId, part: &str, body: &str, evaluated_at: Timestamp) -> Statement {
        Statement::new(
            "INSERT INTO rule_states (rule_id, part, body, evaluated_at) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (rule_id, part) DO UPDATE SET body = excluded.body, evaluated_at = excluded.evaluated_at",
            args![rule, part, body, evaluated_at],
        )
    }

    /// Unless there is one already.
    pub fn insert_rule_state(rule: RuleId, part: &str, body: &str, evaluated_at: Timestamp) -> Statement {
        Statement::new(
            "INSERT INTO rule_states (rule_id, part, body, evaluated_at) VALUES ($1, $2, $3, $4) ON CONFLICT (rule_id, part) DO NOTHING",
            args![rule, part, body, evaluated_at],
        )
    }

    pub fn delete_rule_state(rule: RuleId, part: &str) -> Statement {
        Statement::new("DELETE FROM rule_states WHERE rule_id = $1 AND part = $2", args![rule, part])
    }

    pub fn delete_rule_states_of(rule: RuleId) -> Statement {
        Statement::new("DELETE FROM rule_states WHERE rule_id = $1", args![rule])
    }

    pub fn delete_rule_states_of_part(part: &str) -> Statement {
        Statement::new("DELETE FROM rule_states WHERE part = $1", args![part])
    }
}
