//! Objects that people write, with their versions.

use serde::{Deserialize, Serialize};
use watchtower_model::Id;
use watchtower_store::objects::{delete, insert, update};
use watchtower_store::{DbError, Object};

use crate::place::{NOW, Place, at, commit, id};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Thing {
    name: String,
    note: String,
}

impl Object for Thing {
    const KIND: &'static str = "thing";
    fn name(&self) -> String {
        self.name.clone()
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Other {
    name: String,
}

impl Object for Other {
    const KIND: &'static str = "other";
    fn name(&self) -> String {
        self.name.clone()
    }
}

fn thing(name: &str, note: &str) -> Thing {
    Thing { name: name.into(), note: note.into() }
}

pub async fn every_version_is_kept_and_a_stale_update_changes_nothing(place: Place) {
    let store = place.open().await;
    let it: Id = id();
    store.commit(insert(it, &thing("a", "one 'quoted' $1 ?2"), "ada", NOW)).await.unwrap();
    store.commit(update(it, 1, &thing("b", "two"), "bob", at(1))).await.unwrap();

    let stale = store.commit(update(it, 1, &thing("c", "three"), "eve", at(2))).await;
    assert!(matches!(stale, Err(DbError::Stale)), "{stale:?}");
    let found = store.find_object::<Thing>("b").await.unwrap().unwrap();
    assert_eq!((found.version, found.changed_by.as_str(), found.created_at), (2, "bob", NOW));

    let versions = store.object_versions::<Thing>(it).await.unwrap();
    assert_eq!(versions.iter().map(|v| v.version).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(versions[1].body.note, "one 'quoted' $1 ?2");

    let stale = store.commit(vec![delete::<Thing>(it, 1)]).await;
    assert!(matches!(stale, Err(DbError::Stale)), "{stale:?}");
    commit(&store, delete::<Thing>(it, 2)).await;
    assert!(store.object::<Thing>(it).await.unwrap().is_none());
    assert_eq!(
        store.object_versions::<Thing>(it).await.unwrap().len(),
        2,
        "who refers to them still finds them"
    );
    let gone = store.commit(update(it, 2, &thing("d", ""), "eve", at(3))).await;
    assert!(matches!(gone, Err(DbError::Stale)), "{gone:?}");
}

pub async fn names_are_unique_within_a_kind(place: Place) {
    let store = place.open().await;
    let (first, second): (Id, Id) = (id(), id());
    store.commit(insert(first, &thing("a", ""), "ada", NOW)).await.unwrap();
    store.commit(insert(second, &thing("b", ""), "ada", NOW)).await.unwrap();
    store.commit(insert(id(), &Other { name: "a".into() }, "ada", NOW)).await.unwrap();
    let taken = store.commit(insert(id(), &thing("a", ""), "eve", NOW)).await;
    assert!(matches!(taken, Err(DbError::Unique(_))), "{taken:?}");
    let renamed = store.commit(update(second, 1, &thing("a", ""), "eve", NOW)).await;
    assert!(matches!(renamed, Err(DbError::Unique(_))), "{renamed:?}");
    let all = store.objects::<Thing>().await.unwrap();
    assert_eq!(all.iter().map(|o| o.body.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(store.object_versions::<Thing>(second).await.unwrap().len(), 1);
}

/// Whoever is told that a name is taken finds who has it: not a moment later.
pub async fn who_loses_a_name_reads_who_has_it(place: Place) {
    let store = place.open().await;
    for round in 0..20 {
        let name = format!("round {round}");
        let writers: Vec<_> = (0..8)
            .map(|_| {
                let (store, name) = (store.clone(), name.clone());
                tokio::spawn(async move {
                    match store.commit(insert(id(), &thing(&name, "mine"), "ada", NOW)).await {
                        Err(DbError::Unique(_)) => {
                            let found = store.find_object::<Thing>(&name).await.unwrap();
                            assert!(found.is_some(), "{name} is taken by nobody");
                            0
                        }
                        written => written.map(|_| 1).unwrap(),
                    }
                })
            })
            .collect();
        let mut written = 0;
        for writer in writers {
            written += writer.await.unwrap();
        }
        assert_eq!(written, 1);
    }
}

/// What another hub sees of it.
pub async fn every_change_is_marked(place: Place) {
    let store = place.open().await;
    let (first, second) = (id(), id());
    let changes = [
        insert(first, &thing("a", "one"), "ada", NOW),
        update(first, 1, &thing("a", "two"), "ada", at(1)),
        vec![delete::<Thing>(first, 2)],
        insert(second, &thing("a", "one"), "ada", at(2)),
        // Together they leave as many objects as before, of the same version.
        [vec![delete::<Thing>(second, 1)], insert(id(), &thing("a", "one"), "ada", at(3))].concat(),
    ];
    let mut before = store.objects_mark().await.unwrap();
    for change in changes {
        store.commit(change).await.unwrap();
        let mark = store.objects_mark().await.unwrap();
        assert_ne!(mark, before);
        before = mark;
    }
}
