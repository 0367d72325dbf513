//! Where a case runs: a database of its own, on either engine.

use std::sync::atomic::{AtomicU64, Ordering};

use tempfile::TempDir;
use watchtower_model::{Id, Timestamp};
use watchtower_store::{DbError, Statement, Store};
use watchtower_testkit::postgres::Postgres;

pub const NOW: Timestamp = Timestamp(1_800_000_000_000);

pub enum Place {
    Sqlite(TempDir),
    Postgres { _server: Postgres, url: String },
}

impl Place {
    pub fn sqlite() -> Place {
        Place::Sqlite(TempDir::new().unwrap())
    }

    pub fn postgres() -> Option<Place> {
        let server = Postgres::start()?;
        let url = server.database();
        Some(Place::Postgres { _server: server, url })
    }

    /// Opens the database; again after dropping a store is a restart.
    pub async fn try_open(&self) -> Result<Store, DbError> {
        match self {
            Place::Sqlite(dir) => Store::open_sqlite(&dir.path().join("watchtower.db")),
            Place::Postgres { url, .. } => Store::connect_postgres(url).await,
        }
    }

    pub async fn open(&self) -> Store {
        self.try_open().await.unwrap()
    }
}

/// A new id: ids of one test sort in the order they were made.
pub fn id<T: From<Id>>() -> T {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let n = NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    T::from(Id::v7(NOW, [0, 0, 0, 0, n[3], n[4], n[5], n[6], n[7], 0]))
}

/// Commits one statement.
pub async fn commit(store: &Store, statement: Statement) -> u64 {
    store.commit(vec![statement]).await.unwrap()[0]
}

pub fn at(ms: i64) -> Timestamp {
    NOW.plus_ms(ms)
}
