//! Deployments with their steps, host keys, saved credentials.

use watchtower_model::{BatchId, CredentialId, DeploymentId, HostKeyId};
use watchtower_store::{
    CredentialRow, DbError, DeploymentEnd, DeploymentFilter, DeploymentRow, DeploymentStepRow, HostKeyRow,
    Json, Store,
};

use crate::place::{NOW, Place, at, commit, id};

fn deployment(number: i64, batch_id: BatchId) -> DeploymentRow {
    DeploymentRow {
        id: id(),
        number,
        batch_id,
        retry_of: None,
        action: "install".into(),
        server: format!("web-{number}"),
        server_id: None,
        target: format!("root@web-{number}"),
        options: "{}".into(),
        status: "pending".into(),
        change: None,
        version: None,
        arch: None,
        remarks: Json(Vec::new()),
        failure: None,
        created_by: "ada".into(),
        created_at: NOW,
        started_at: None,
        finished_at: None,
    }
}

fn step(position: i64, name: &str, status: &str) -> DeploymentStepRow {
    DeploymentStepRow {
        position,
        name: name.into(),
        status: status.into(),
        started_at: at(position),
        ended_at: None,
        detail: String::new(),
        output: "line\n".into(),
    }
}

async fn with_deployments(place: &Place, batch: BatchId) -> (Store, DeploymentId) {
    let store = place.open().await;
    let rows: Vec<_> = (1..=3).map(|number| deployment(number, batch)).collect();
    store.commit(rows.iter().map(Store::insert_deployment).collect()).await.unwrap();
    (store, rows[0].id)
}

pub async fn a_deployment_ends_once(place: Place) {
    let (store, first) = with_deployments(&place, id()).await;
    commit(&store, Store::start_deployment(first, at(1))).await;
    let end = |status, remark: &str| DeploymentEnd {
        status,
        remarks: vec![remark.into()],
        failure: Some("{}".into()),
        ..Default::default()
    };
    assert_eq!(commit(&store, Store::end_deployment(first, &end("failed", "a"), at(2))).await, 1);
    assert_eq!(commit(&store, Store::end_deployment(first, &end("succeeded", "b"), at(3))).await, 0);
    assert_eq!(commit(&store, Store::start_deployment(first, at(4))).await, 0, "it has ended");
    let found = store.find_deployment("1").await.unwrap().unwrap();
    assert_eq!(
        (found.status.as_str(), found.remarks.0, found.finished_at),
        ("failed", vec!["a".into()], Some(at(2)))
    );
    let open: Vec<_> = store.open_deployments().await.unwrap().iter().map(|row| row.number).collect();
    assert_eq!(open, [2, 3]);
    assert_eq!(store.deployments_in_progress().await.unwrap(), 2);
    assert_eq!(commit(&store, Store::delete_deployments_before(at(3))).await, 1);
    assert!(store.find_deployment(&first.to_string()).await.unwrap().is_none());
}

pub async fn steps_are_written_as_they_are_now(place: Place) {
    let (store, first) = with_deployments(&place, id()).await;
    let connect = step(0, "connect", "running");
    store
        .commit(vec![
            Store::save_deployment_step(first, &connect),
            Store::save_deployment_step(first, &step(1, "host_key", "running")),
        ])
        .await
        .unwrap();
    let done = DeploymentStepRow {
        status: "succeeded".into(),
        ended_at: Some(at(9)),
        output: "a\nb\n".into(),
        ..connect.clone()
    };
    commit(&store, Store::save_deployment_step(first, &done)).await;
    assert_eq!(commit(&store, Store::save_deployment_step(first, &connect)).await, 0, "it has ended");
    commit(&store, Store::stop_deployment_steps(first, "failed", at(20))).await;
    let steps = store.deployment_steps(first).await.unwrap();
    assert_eq!(steps[0], done);
    assert_eq!((steps[1].status.as_str(), steps[1].ended_at), ("failed", Some(at(20))));
    commit(&store, Store::delete_deployment_steps(first)).await;
    assert!(store.deployment_steps(first).await.unwrap().is_empty());
}

pub async fn deployments_are_filtered_and_paged(place: Place) {
    let batch: BatchId = id();
    let (store, first) = with_deployments(&place, batch).await;
    let server = id();
    commit(&store, Store::insert_deployment(&deployment(4, id()))).await;
    commit(&store, Store::set_deployment_server(first, server)).await;
    commit(&store, Store::start_deployment(first, at(1))).await;
    let numbers = |filter: DeploymentFilter| {
        let store = store.clone();
        async move {
            let found = store.deployments(&DeploymentFilter { limit: 3, ..filter }).await.unwrap();
            found.into_iter().map(|row| row.number).collect::<Vec<_>>()
        }
    };
    assert_eq!(numbers(DeploymentFilter::default()).await, [4, 3, 2]);
    assert_eq!(numbers(DeploymentFilter { before: Some(2), ..Default::default() }).await, [1]);
    assert_eq!(numbers(DeploymentFilter { batch: Some(batch), ..Default::default() }).await, [3, 2, 1]);
    assert_eq!(numbers(DeploymentFilter { server: Some(server), ..Default::default() }).await, [1]);
    assert_eq!(numbers(DeploymentFilter { status: Some("running".into()), ..Default::default() }).await, [1]);
    let of_batch: Vec<_> = store.deployments_of(batch).await.unwrap().iter().map(|row| row.number).collect();
    assert_eq!(of_batch, [1, 2, 3]);
}

fn host_key(host: &str, blob: &[u8], state: &str) -> HostKeyRow {
    HostKeyRow {
        id: id(),
        host: host.into(),
        port: 22,
        algorithm: "ssh-ed25519".into(),
        key_blob: blob.to_vec(),
        fingerprint: format!("SHA256:{blob:?}"),
        state: state.into(),
        added_by: "ada".into(),
        first_seen_at: NOW,
        revoked_at: None,
    }
}

pub async fn a_revoked_host_key_stays(place: Place) {
    let store = place.open().await;
    let (old, new) = (host_key("h", &[0, 255, 10], "pinned"), host_key("h", &[1], "pinned"));
    store.commit(vec![Store::insert_host_key(&old), Store::insert_host_key(&new)]).await.unwrap();
    let again = store.commit(vec![Store::insert_host_key(&host_key("h", &[1], "pinned"))]).await;
    assert!(matches!(again, Err(DbError::Unique(_))), "{again:?}");
    commit(&store, Store::revoke_other_host_keys("h", 22, &new.fingerprint, at(1))).await;
    assert_eq!(commit(&store, Store::revoke_host_key(old.id, at(2))).await, 0, "it is revoked already");
    let keys = store.host_keys_of("h", 22).await.unwrap();
    let states: Vec<_> = keys.iter().map(|key| (key.key_blob.clone(), key.state.as_str())).collect();
    assert_eq!(states, [(vec![0, 255, 10], "revoked"), (vec![1], "pinned")]);
    assert!(store.host_keys_of("h", 2222).await.unwrap().is_empty());
    let page: Vec<HostKeyId> =
        store.host_keys(Some(old.id), 5).await.unwrap().iter().map(|key| key.id).collect();
    assert_eq!((page, store.count_host_keys().await.unwrap()), (vec![new.id], 2));
}

pub async fn credentials_are_found_by_id_and_name(place: Place) {
    let store = place.open().await;
    let row = CredentialRow {
        id: CredentialId(id()),
        name: "fleet key".into(),
        kind: "key".into(),
        user_name: "ops".into(),
        sealed: "v1:x".into(),
        created_by: "ada".into(),
        created_at: NOW,
        last_used_at: None,
    };
    commit(&store, Store::insert_credential(&row)).await;
    let taken =
        store.commit(vec![Store::insert_credential(&CredentialRow { id: id(), ..row.clone() })]).await;
    assert!(matches!(taken, Err(DbError::Unique(_))), "{taken:?}");
    commit(&store, Store::touch_credential(row.id, at(5))).await;
    for name in [row.id.to_string(), row.name.clone()] {
        assert_eq!(store.find_credential(&name).await.unwrap().unwrap().last_used_at, Some(at(5)));
    }
    commit(&store, Store::delete_credential(row.id)).await;
    assert!(store.credentials().await.unwrap().is_empty());
}
