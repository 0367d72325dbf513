//! Servers, their agents, the tokens that enrol them, and their processes minute by minute.

use serde::Deserialize;
use watchtower_model::{AgentId, Labels, ServerId, Timestamp};

use crate::db::Val;
use crate::{DbError, Json, Statement, Store, args, one, rows};

#[derive(Debug, Clone, Deserialize)]
pub struct ServerRow {
    pub id: ServerId,
    pub name: String,
    pub labels: Json<Labels>,
    pub created_at: Timestamp,
    pub maintenance_until: Option<Timestamp>,
    pub last_report_at: Option<Timestamp>,
    pub interval_ms: i64,
    /// The agent's facts as it sent them.
    pub facts: Option<String>,
    /// Since when the hub thinks it lost.
    pub lost_at: Option<Timestamp>,
    pub goodbye: Option<String>,
    pub goodbye_at: Option<Timestamp>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct AgentRow {
    pub id: AgentId,
    pub server_id: ServerId,
    pub public_key: Vec<u8>,
    pub enrolled_at: Timestamp,
    pub revoked_at: Option<Timestamp>,
    /// The trust bundle in force in the collector, as it says.
    pub bundle_version: i64,
    /// The one in force in the executor; absent where there is none.
    pub executor_bundle_version: Option<i64>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct EnrolTokenRow {
    pub server_id: ServerId,
    pub created_by: String,
    pub expires_at: Timestamp,
    pub used_at: Option<Timestamp>,
    pub agent_id: Option<AgentId>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct ProcessesRow {
    pub at: Timestamp,
    pub body: String,
}

impl Store {
    pub async fn servers(&self) -> Result<Vec<ServerRow>, DbError> {
        rows(self.db.query("SELECT * FROM servers ORDER BY name", args![]).await?)
    }

    pub async fn server(&self, id: ServerId) -> Result<Option<ServerRow>, DbError> {
        one(self.db.query("SELECT * FROM servers WHERE id = $1", args![id]).await?)
    }

    pub fn insert_server(
        id: ServerId,
        name: &str,
        labels: &Labels,
        interval_ms: i64,
        now: Timestamp,
    ) -> Statement {
        Statement::new(
            "INSERT INTO servers (id, name, labels, created_at, interval_ms) VALUES ($1, $2, $3, $4, $5)",
            args![id, name, Val::json(labels), now, interval_ms],
        )
    }

    pub fn update_server(
        id: ServerId,
        name: &str,
        labels: &Labels,
        maintenance_until: Option<Timestamp>,
    ) -> Statement {
        Statement::expecting(
            "UPDATE servers SET name = $2, labels = $3, maintenance_until = $4 WHERE id = $1",
            args![id, name, Val::json(labels), maintenance_until],
            1,
        )
    }

    /// The agents of a deleted server stay as revoked: their key must not come back under another name.
    pub fn delete_server(id: ServerId, now: Timestamp) -> Vec<Statement> {
        vec![
            Statement::expecting("DELETE FROM servers WHERE id = $1", args![id], 1),
            Statement::new(
                "UPDATE agents SET revoked_at = $2 WHERE server_id = $1 AND revoked_at IS NULL",
                args![id, now],
            ),
            Statement::new("DELETE FROM processes WHERE server_id = $1", args![id]),
        ]
    }

    pub fn set_last_report(id: ServerId, at: Timestamp, interval_ms: i64) -> Statement {
        Statement::new(
            "UPDATE servers SET last_report_at = $2, interval_ms = $3, lost_at = NULL, goodbye = NULL, goodbye_at = NULL \
             WHERE id = $1",
            args![id, at, interval_ms],
        )
    }

    pub fn set_facts(id: ServerId, facts: &str) -> Statement {
        Statement::new("UPDATE servers SET facts = $2 WHERE id = $1", args![id, facts])
    }

    pub fn set_lost(id: ServerId, lost_at: Option<Timestamp>) -> Statement {
        Statement::new("UPDATE servers SET lost_at = $2 WHERE id = $1", args![id, lost_at])
    }

    pub fn set_goodbye(id: ServerId, reason: &str, at: Timestamp) -> Statement {
        Statement::new(
            "UPDATE servers SET goodbye = $2, goodbye_at = $3 WHERE id = $1",
            args![id, reason, at],
        )
    }

    pub async fn agent(&self, id: AgentId) -> Result<Option<AgentRow>, DbError> {
        one(self.db.query("SELECT * FROM agents WHERE id = $1", args![id]).await?)
    }

    /// Agents that may connect.
    pub async fn agents(&self) -> Result<Vec<AgentRow>, DbError> {
        rows(self.db.query("SELECT * FROM agents WHERE revoked_at IS NULL", args![]).await?)
    }

    pub fn insert_enrol_token(
        hash: &str,
        server: ServerId,
        by: &str,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Statement {
        Statement::new(
            "INSERT INTO enrol_tokens (hash, server_id, created_by, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)",
            args![hash, server, by, now, expires_at],
        )
    }

    pub async fn enrol_token(&self, hash: &str) -> Result<Option<EnrolTokenRow>, DbError> {
        one(self.db.query("SELECT server_id, created_by, expires_at, used_at, agent_id FROM enrol_tokens WHERE hash = $1", args![hash]).await?)
    }

    /// Uses the token and makes the agent, which replaces the server's earlier one. Stale when somebody else was faster.
    pub async fn enrol(
        &self,
        hash: &str,
        agent: AgentId,
        server: ServerId,
        public_key: &[u8],
        now: Timestamp,
    ) -> Result<(), DbError> {
        let use_token = Self::use_enrol_token(hash, agent, now);
        let replace = Statement::new(
            "UPDATE agents SET revoked_at = $2 WHERE server_id = $1 AND revoked_at IS NULL",
            args![server, now],
        );
        let insert = Statement::new(
            "INSERT INTO agents (id, server_id, public_key, enrolled_at) VALUES ($1, $2, $3, $4)",
            args![agent, server, public_key, now],
        );
        let change = Store::insert_change("server", server, now);
        self.commit(vec![use_token, replace, insert, change]).await.map(drop)
    }

    /// For a key that is this server's already: the installer was run again.
    pub async fn enrol_again(&self, hash: &str, agent: AgentId, now: Timestamp) -> Result<(), DbError> {
        self.commit(vec![Self::use_enrol_token(hash, agent, now)]).await.map(drop)
    }

    fn use_enrol_token(hash: &str, agent: AgentId, now: Timestamp) -> Statement {
        Statement::expecting(
            "UPDATE enrol_tokens SET used_at = $2, agent_id = $3 WHERE hash = $1 AND used_at IS NULL AND expires_at > $2",
            args![hash, now, agent],
            1,
        )
    }

    pub fn delete_enrol_tokens_before(at: Timestamp) -> Statement {
        Statement::new("DELETE FROM enrol_tokens WHERE expires_at < $1", args![at])
    }

    pub fn insert_processes(server: ServerId, at: Timestamp, body: &str) -> Statement {
        Statement::new(
            "INSERT INTO processes (server_id, at, body) VALUES ($1, $2, $3) ON CONFLICT (server_id, at) DO NOTHING",
            args![server, at, body],
        )
    }

    /// The last snapshot at or before `at`.
    pub async fn processes_at(
        &self,
        server: ServerId,
        at: Timestamp,
    ) -> Result<Option<ProcessesRow>, DbError> {
        let sql = "SELECT at, body FROM processes WHERE server_id = $1 AND at <= $2 ORDER BY at DESC LIMIT 1";
        one(self.db.query(sql, args![server, at]).await?)
    }

    pub fn delete_processes_before(at: Timestamp) -> Statement {
        Statement::new("DELETE FROM processes WHERE at < $1", args![at])
    }
}
