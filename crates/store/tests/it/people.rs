//! Users, sessions and API tokens.

use watchtower_model::{ChannelId, NotifyRule, Urgency, UserId};
use watchtower_store::{DbError, Json, Store, TokenRow, UserRow};

use crate::place::{NOW, Place, at, commit, id};

fn user(name: &str) -> UserRow {
    UserRow {
        id: id(),
        name: name.into(),
        email: Some("ü@example.org".into()),
        password_hash: "$argon2id$…".into(),
        role: "operator".into(),
        servers: None,
        channels: Json(vec![id::<ChannelId>()]),
        notify_rules: Json(Vec::new()),
        disabled: false,
        created_at: NOW,
        last_login_at: None,
    }
}

pub async fn users_are_found_saved_and_deleted_with_their_sessions(place: Place) {
    let store = place.open().await;
    let mut ada = user("ada");
    commit(&store, Store::save_user(&ada)).await;
    commit(&store, Store::insert_session("h1", ada.id, NOW, at(1000))).await;
    assert_eq!(store.find_user("ada").await.unwrap().unwrap().channels, ada.channels);
    assert_eq!(store.find_user(&ada.id.to_string()).await.unwrap().unwrap().name, "ada");

    ada.disabled = true;
    ada.servers = Some("env=\"prod\"".into());
    let rule = NotifyRule {
        urgency: Some(Urgency::Low),
        channel_id: ada.channels.0[0],
        delay_seconds: 60,
        run_to_completion: true,
    };
    ada.notify_rules = Json(vec![rule]);
    ada.last_login_at = Some(at(5));
    commit(&store, Store::save_user(&ada)).await;
    let found = store.user(ada.id).await.unwrap().unwrap();
    assert_eq!(found.notify_rules, ada.notify_rules);
    assert!(found.disabled && found.servers == ada.servers && found.last_login_at == Some(at(5)));
    assert_eq!(store.users().await.unwrap().len(), 1);

    let twin = store.commit(vec![Store::save_user(&user("ada"))]).await;
    assert!(matches!(twin, Err(DbError::Unique(_))), "{twin:?}");

    commit(&store, Store::delete_user(ada.id)).await;
    assert!(store.session("h1", NOW).await.unwrap().is_none(), "a deleted user's session lives");
    let again = store.commit(vec![Store::delete_user(ada.id)]).await;
    assert!(matches!(again, Err(DbError::Stale)), "{again:?}");
}

pub async fn sessions_end(place: Place) {
    let store = place.open().await;
    let ada = user("ada");
    commit(&store, Store::save_user(&ada)).await;
    for (hash, until) in [("short", 10), ("long", 1000), ("other", 1000)] {
        commit(&store, Store::insert_session(hash, ada.id, NOW, at(until))).await;
    }
    assert!(store.session("short", at(9)).await.unwrap().is_some());
    assert!(store.session("short", at(10)).await.unwrap().is_none());
    assert_eq!(commit(&store, Store::delete_expired_sessions(at(10))).await, 1);
    assert_eq!(commit(&store, Store::delete_session("other")).await, 1);
    assert_eq!(commit(&store, Store::delete_sessions_of(ada.id)).await, 1);
    let stranger = store.commit(vec![Store::insert_session("x", id::<UserId>(), NOW, at(1))]).await;
    assert!(matches!(stranger, Err(DbError::ForeignKey(_))), "{stranger:?}");
}

pub async fn tokens_are_found_by_hash_and_revoked_once(place: Place) {
    let store = place.open().await;
    let token = TokenRow {
        id: id(),
        name: "ci".into(),
        role: "viewer".into(),
        scopes: Json(vec!["query".into()]),
        servers: Some("env=\"a\"".into()),
        created_by: "ada".into(),
        created_at: NOW,
        expires_at: Some(at(100)),
        last_used_at: None,
        revoked_at: None,
    };
    commit(&store, Store::insert_token(&token, "hash")).await;
    assert!(store.token_by_hash("other").await.unwrap().is_none());
    assert_eq!(store.server_restrictions().await.unwrap(), ["env=\"a\""]);
    commit(&store, Store::touch_token(token.id, at(3))).await;
    commit(&store, Store::revoke_token(token.id, at(5))).await;
    commit(&store, Store::revoke_token(token.id, at(9))).await;
    let found = store.token_by_hash("hash").await.unwrap().unwrap();
    assert_eq!(
        (found.last_used_at, found.revoked_at),
        (Some(at(3)), Some(at(5))),
        "the first revocation stands"
    );
    assert_eq!(
        (&found.scopes, &found.servers, found.expires_at),
        (&token.scopes, &token.servers, token.expires_at)
    );
    assert_eq!(store.tokens().await.unwrap().len(), 1);
    for (name, by) in [("one", "ada"), ("two", "bob")] {
        let other = TokenRow { id: id(), name: name.into(), created_by: by.into(), ..found.clone() };
        commit(&store, Store::insert_token(&other, name)).await;
    }
    assert_eq!(commit(&store, Store::revoke_tokens_of("ada", at(7))).await, 1);
    assert_eq!(store.token_by_hash("one").await.unwrap().unwrap().revoked_at, Some(at(7)));
    assert_eq!(store.token_by_hash("two").await.unwrap().unwrap().revoked_at, None);
    assert_eq!(store.token(token.id).await.unwrap().unwrap().revoked_at, Some(at(5)));
    commit(&store, Store::revoke_tokens_of("bob", at(8))).await;
    assert!(store.server_restrictions().await.unwrap().is_empty(), "what is revoked restricts nobody");
}
