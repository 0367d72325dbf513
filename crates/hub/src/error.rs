//! What can go wrong in the hub, in the terms that an API answers with.

use watchtower_egress::EgressError;
use watchtower_promql::QueryError;
use watchtower_store::DbError;
use watchtower_tsdb::TsdbError;

/// Code, message and hint for the user; the cause only for the log.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    #[error("{what} {name:?} does not exist")]
    NotFound { what: &'static str, name: String },
    #[error("{field}: {message}")]
    Invalid { field: String, message: String },
    #[error("{0}")]
    Conflict(String),
    #[error("{0}")]
    Forbidden(String),
    #[error("sign in first")]
    Unauthenticated,
    #[error("too many attempts; try again in {after_seconds} s")]
    RateLimited { after_seconds: u64 },
    #[error("{0}")]
    Query(#[from] QueryError),
    #[error("{0}")]
    Unavailable(String),
    #[error("{0}")]
    Internal(String),
}

impl HubError {
    pub fn not_found(what: &'static str, name: impl ToString) -> Self {
        HubError::NotFound { what, name: name.to_string().chars().take(128).collect() }
    }

    /// For those who asked: the cause of an internal error is for the log alone.
    pub fn public_text(&self) -> String {
        match self {
            HubError::Internal(_) => "something went wrong inside the hub".into(),
            error => error.to_string(),
        }
    }

    pub fn invalid(field: impl Into<String>, message: impl ToString) -> Self {
        HubError::Invalid { field: field.into(), message: message.to_string() }
    }
}

impl From<DbError> for HubError {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Unique(_) => HubError::Conflict("the name is already taken".into()),
            DbError::Stale => HubError::Conflict("it was changed meanwhile: load it again and repeat".into()),
            DbError::Unavailable(_) | DbError::Timeout => {
                // The cause holds paths: it is for the log.
                tracing::error!("{error}");
                HubError::Unavailable("the database does not answer right now".into())
            }
            _ => HubError::Internal(error.to_string()),
        }
    }
}

impl From<TsdbError> for HubError {
    fn from(error: TsdbError) -> Self {
        match error {
            TsdbError::TooManySeries { .. } | TsdbError::TooManySamples { .. } => {
                HubError::invalid("query", error)
            }
            _ => HubError::Unavailable(error.to_string()),
        }
    }
}

impl From<EgressError> for HubError {
    fn from(error: EgressError) -> Self {
        HubError::Unavailable(error.to_string())
    }
}
