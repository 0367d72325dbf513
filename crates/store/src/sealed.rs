//! Every place that holds sealed secrets, found and replaced row by row.
//!
//! Invariant: a secret is replaced only where it is still the one that was read; whoever changed or removed it meanwhile wins.

use serde::Deserialize;

use crate::{DbError, Statement, Store, args, rows};

/// A column that holds sealed secrets: bare, or as the field `sealed` of a JSON document.
struct Place {
    /// What its secrets are sealed for: `<context>:<id>`.
    context: &'static str,
    in_json: bool,
    /// `$1` pattern, `$2` limit.
    find: &'static str,
    /// `$1` id, `$2` the text that was read, `$3` the new one.
    replace: &'static str,
    /// `$1` pattern.
    count: &'static str,
    /// `$1` and `$2` patterns of what is known.
    count_others: &'static str,
}

/// A new place is a line here.
const PLACES: &[Place] = &[
    Place {
        context: "credential",
        in_json: false,
        find: "SELECT id, sealed AS text FROM credentials WHERE sealed LIKE $1 LIMIT $2",
        replace: "UPDATE credentials SET sealed = $3 WHERE id = $1 AND sealed = $2",
        count: "SELECT COUNT(*) FROM credentials WHERE sealed LIKE $1",
        count_others: "SELECT COUNT(*) FROM credentials WHERE sealed NOT LIKE $1 AND sealed NOT LIKE $2",
    },
    Place {
        context: "channel",
        in_json: true,
        find: "SELECT id, body AS text FROM objects WHERE kind = 'channel' AND body LIKE $1 LIMIT $2",
        replace: "UPDATE objects SET body = $3 WHERE kind = 'channel' AND id = $1 AND body = $2",
        count: "SELECT COUNT(*) FROM objects WHERE kind = 'channel' AND body LIKE $1",
        count_others: "SELECT COUNT(*) FROM objects WHERE kind = 'channel' AND body NOT LIKE $1 AND body NOT LIKE $2",
    },
    Place {
        context: "channel",
        in_json: true,
        find: "SELECT id, body AS text FROM object_versions WHERE kind = 'channel' AND body LIKE $1 LIMIT $2",
        replace: "UPDATE object_versions SET body = $3 WHERE kind = 'channel' AND id = $1 AND body = $2",
        count: "SELECT COUNT(*) FROM object_versions WHERE kind = 'channel' AND body LIKE $1",
        count_others: "SELECT COUNT(*) FROM object_versions WHERE kind = 'channel' AND body NOT LIKE $1 AND body NOT LIKE $2",
    },
    Place {
        context: "automation",
        in_json: true,
        find: "SELECT id, body AS text FROM objects WHERE kind = 'automation' AND body LIKE $1 LIMIT $2",
        replace: "UPDATE objects SET body = $3 WHERE kind = 'automation' AND id = $1 AND body = $2",
        count: "SELECT COUNT(*) FROM objects WHERE kind = 'automation' AND body LIKE $1",
        // Most have no secrets.
        count_others: "SELECT COUNT(*) FROM objects WHERE kind = 'automation' AND body LIKE '%\"sealed\":\"v1:%' \
                       AND body NOT LIKE $1 AND body NOT LIKE $2",
    },
    Place {
        context: "automation",
        in_json: true,
        find: "SELECT id, body AS text FROM object_versions WHERE kind = 'automation' AND body LIKE $1 LIMIT $2",
        replace: "UPDATE object_versions SET body = $3 WHERE kind = 'automation' AND id = $1 AND body = $2",
        count: "SELECT COUNT(*) FROM object_versions WHERE kind = 'automation' AND body LIKE $1",
        count_others: "SELECT COUNT(*) FROM object_versions WHERE kind = 'automation' AND body LIKE '%\"sealed\":\"v1:%' \
                       AND body NOT LIKE $1 AND body NOT LIKE $2",
    },
    Place {
        context: "run",
        in_json: false,
        find: "SELECT id, sealed AS text FROM runs WHERE sealed <> '' AND sealed LIKE $1 LIMIT $2",
        replace: "UPDATE runs SET sealed = $3 WHERE id = $1 AND sealed = $2",
        count: "SELECT COUNT(*) FROM runs WHERE sealed <> '' AND sealed LIKE $1",
        count_others: "SELECT COUNT(*) FROM runs WHERE sealed <> '' AND sealed NOT LIKE $1 AND sealed NOT LIKE $2",
    },
    Place {
        context: "idempotency",
        in_json: false,
        find: "SELECT key AS id, reply AS text FROM idempotency WHERE reply LIKE $1 LIMIT $2",
        replace: "UPDATE idempotency SET reply = $3 WHERE key = $1 AND reply = $2",
        count: "SELECT COUNT(*) FROM idempotency WHERE reply LIKE $1",
        // The answer of a request that is under way is empty.
        count_others: "SELECT COUNT(*) FROM idempotency WHERE reply <> '' AND reply NOT LIKE $1 AND reply NOT LIKE $2",
    },
];

impl Place {
    fn pattern(&self, key_id: &str) -> String {
        if self.in_json { format!("%\"sealed\":\"v1:{key_id}:%") } else { format!("v1:{key_id}:%") }
    }

    fn sealed(&self, text: &str) -> Option<String> {
        #[derive(Deserialize)]
        struct Body {
            sealed: String,
        }
        if self.in_json {
            serde_json::from_str::<Body>(text).ok().map(|body| body.sealed)
        } else {
            Some(text.to_string())
        }
    }
}

/// One sealed secret, where it was found.
pub struct SealedRow {
    place: &'static Place,
    id: String,
    text: String,
    /// What it is sealed for.
    pub context: String,
    pub sealed: String,
}

impl Store {
    /// Up to `limit` secrets that this key sealed.
    pub async fn sealed_with(&self, key_id: &str, limit: i64) -> Result<Vec<SealedRow>, DbError> {
        #[derive(Deserialize)]
        struct Found {
            id: String,
            text: String,
        }
        for place in PLACES {
            let found: Vec<Found> =
                rows(self.db.query(place.find, args![place.pattern(key_id), limit]).await?)?;
            if !found.is_empty() {
                let row = |Found { id, text }| {
                    let sealed = place.sealed(&text).unwrap_or_default();
                    SealedRow { place, context: format!("{}:{id}", place.context), id, text, sealed }
                };
                return Ok(found.into_iter().map(row).collect());
            }
        }
        Ok(Vec::new())
    }

    /// The same secret, sealed anew. Touches nothing if it is no longer the one that was read.
    pub fn reseal(row: &SealedRow, sealed: &str) -> Statement {
        let text = row.text.replace(&row.sealed, sealed);
        Statement::new(row.place.replace, args![&row.id, &row.text, text])
    }

    pub async fn count_sealed_with(&self, key_id: &str) -> Result<i64, DbError> {
        let mut count = 0;
        for place in PLACES {
            let found = self.db.query(place.count, args![place.pattern(key_id)]).await?;
            count += found.first().map_or(0, |row| row.int());
        }
        Ok(count)
    }

    /// Secrets that neither of these keys sealed.
    pub async fn count_sealed_otherwise(&self, known: [&str; 2]) -> Result<i64, DbError> {
        let mut count = 0;
        for place in PLACES {
            let [one, other] = known.map(|key_id| place.pattern(key_id));
            let found = self.db.query(place.count_others, args![one, other]).await?;
            count += found.first().map_or(0, |row| row.int());
        }
        Ok(count)
    }
}
