//! Keys seen within their time to live. When full, the key that would expire first makes room: the answer "first"
//! is then given twice, which costs a look at the truth, no more.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Keys remembered at once.
pub const KEYS_MAX: usize = 100_000;

#[derive(Default)]
struct Table {
    until: HashMap<Arc<str>, Instant>,
    by_time: BTreeSet<(Instant, Arc<str>)>,
}

#[derive(Default)]
pub(crate) struct RecentKeys(Mutex<Table>);

impl RecentKeys {
    /// Whether `key` was not seen within its time to live; it is now.
    pub fn first(&self, key: &str, ttl: Duration, now: Instant) -> bool {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.expire(now);
        if table.until.contains_key(key) {
            return false;
        }
        if table.until.len() >= KEYS_MAX {
            table.drop_first();
        }
        let (key, until): (Arc<str>, _) = (key.into(), now + ttl);
        table.until.insert(Arc::clone(&key), until);
        table.by_time.insert((until, key));
        true
    }
}

impl Table {
    fn expire(&mut self, now: Instant) {
        while self.by_time.first().is_some_and(|(until, _)| *until <= now) {
            self.drop_first();
        }
    }

    fn drop_first(&mut self) {
        if let Some((_, key)) = self.by_time.pop_first() {
            self.until.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_expire_and_the_table_stays_bounded() {
        let (keys, now, ttl) = (RecentKeys::default(), Instant::now(), Duration::from_secs(60));
        assert!(keys.first("a", ttl, now) && !keys.first("a", ttl, now + Duration::from_secs(59)));
        assert!(keys.first("a", ttl, now + ttl));
        for i in 0..KEYS_MAX + 10 {
            assert!(keys.first(&format!("k{i}"), ttl, now + ttl));
        }
        let table = keys.0.lock().unwrap();
        assert_eq!((table.until.len(), table.by_time.len()), (KEYS_MAX, KEYS_MAX));
    }
}
