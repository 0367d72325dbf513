//! Administrators, tokens, the bootstrap token.

use serde_json::json;
use watchtower_api_types::Setup;
use watchtower_hub::access;

use crate::hub::{BOOTSTRAP, TestHub};

#[tokio::test(flavor = "multi_thread")]
async fn one_setup_link_makes_one_administrator() {
    let test = TestHub::start().await;
    let link = access::setup_link(&test.hub).await.unwrap().unwrap();
    let token = link.url.split("token=").nth(1).unwrap().to_string();
    let setup = |name: &str| Setup {
        token: token.clone(),
        name: name.into(),
        email: None,
        password: "a long enough one".into(),
    };
    let (a, b) =
        tokio::join!(access::setup(&test.hub, setup("ada")), access::setup(&test.hub, setup("mallory")));
    assert_eq!(usize::from(a.is_ok()) + usize::from(b.is_ok()), 1);
    assert_eq!(test.hub.store.users().await.unwrap().len(), 1);
    test.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bootstrap_token_ends_with_the_first_administrator_or_token() {
    let test = TestHub::start_with(false).await;
    // Somebody who is no administrator does not end it: nobody could make one any more.
    test.admin(
        "POST",
        "/api/v1/users",
        json!({"name": "vi", "password": "a long enough one", "role": "viewer"}),
    )
    .await;
    let made = test.admin("POST", "/api/v1/tokens", json!({"name": "root", "role": "admin"})).await;
    assert_eq!(test.ask(BOOTSTRAP, "GET", "/api/v1/me", json!(null)).await.status, 401);
    let secret = made["secret"].as_str().unwrap();
    assert_eq!(test.ask(secret, "GET", "/api/v1/me", json!(null)).await.status, 200);
    test.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_administrators_cannot_take_the_role_from_each_other() {
    let test = TestHub::start().await;
    for name in ["ada", "bob"] {
        let user = json!({"name": name, "password": "a long enough one", "role": "admin"});
        test.admin("POST", "/api/v1/users", user).await;
    }
    let lower = |name: &str| {
        test.ask(
            BOOTSTRAP,
            "PATCH",
            if name == "ada" { "/api/v1/users/ada" } else { "/api/v1/users/bob" },
            json!({"role": "viewer"}),
        )
    };
    let (a, b) = tokio::join!(lower("ada"), lower("bob"));
    let mut codes = [a.status, b.status];
    codes.sort_unstable();
    assert_eq!(codes, [200, 409]);
    test.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_end_with_their_maker() {
    let test = TestHub::start().await;
    let password = "a long enough one";
    for name in ["ada", "bob"] {
        let user = json!({"name": name, "password": password, "role": "operator"});
        test.admin("POST", "/api/v1/users", user).await;
    }
    let mut secrets = Vec::new();
    for name in ["ada", "bob"] {
        let opened = access::login(&test.hub, name, password).await.unwrap();
        let maker = access::by_session(&test.hub, &opened.secret).await.unwrap();
        let input =
            serde_json::from_value(json!({"name": format!("{name}-ci"), "role": "operator"})).unwrap();
        let (_, secret) = access::create_token(&test.hub, &maker, input).await.unwrap();
        assert_eq!(test.ask(&secret, "GET", "/api/v1/me", json!(null)).await.status, 200);
        secrets.push((maker, secret));
    }
    test.admin("PATCH", "/api/v1/users/ada", json!({"disabled": true})).await;
    assert_eq!(test.ask(&secrets[0].1, "GET", "/api/v1/me", json!(null)).await.status, 401);
    assert_eq!(test.ask(&secrets[1].1, "GET", "/api/v1/me", json!(null)).await.status, 200);
    // Not even one who was let in a moment ago makes another behind it.
    let input = serde_json::from_value(json!({"name": "late", "role": "operator"})).unwrap();
    assert!(access::create_token(&test.hub, &secrets[0].0, input).await.is_err());
    // What was theirs is named; and being enabled again does not bring it back.
    let audit = test.admin("GET", "/api/v1/audit?action=user.update", json!(null)).await;
    assert!(audit["items"][0]["detail"].as_str().unwrap().ends_with("revoked tokens: ada-ci"), "{audit}");
    test.admin("PATCH", "/api/v1/users/ada", json!({"disabled": false})).await;
    assert_eq!(test.ask(&secrets[0].1, "GET", "/api/v1/me", json!(null)).await.status, 401);
    test.admin("DELETE", "/api/v1/users/bob", json!(null)).await;
    assert_eq!(test.ask(&secrets[1].1, "GET", "/api/v1/me", json!(null)).await.status, 401);
    test.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_in_the_place_of_a_token_is_the_person_and_ends_with_it() {
    let test = TestHub::start().await;
    let password = "a long enough one";
    test.admin("POST", "/api/v1/users", json!({"name": "ada", "password": password, "role": "responder"}))
        .await;
    let opened = access::login(&test.hub, "ada", password).await.unwrap();
    let me = test.ask(&opened.secret, "GET", "/api/v1/me", json!(null)).await;
    assert!(me.status == 200 && me.body.contains("\"user\":{"), "{}", me.body);
    let made = test.admin("POST", "/api/v1/incidents", json!({"title": "the disk is full"})).await;
    let ack = format!("/api/v1/incidents/{}/ack", made["number"]);
    let acked = test.ask(&opened.secret, "POST", &ack, json!({})).await;
    assert!(acked.body.contains("\"acknowledged_by\":\"ada\""), "{}", acked.body);
    assert_eq!(
        test.ask(&opened.secret, "POST", "/api/v1/users", json!({})).await.status,
        403,
        "no more than theirs"
    );
    assert_eq!(test.ask("wts_guessed", "GET", "/api/v1/me", json!(null)).await.status, 401);
    let other = access::login(&test.hub, "ada", password).await.unwrap();
    assert_eq!(test.ask(&opened.secret, "POST", "/api/v1/logout", json!(null)).await.status, 204);
    assert_eq!(test.ask(&opened.secret, "GET", "/api/v1/me", json!(null)).await.status, 401);
    assert_eq!(test.ask(&other.secret, "GET", "/api/v1/me", json!(null)).await.status, 200);
    test.admin("PATCH", "/api/v1/users/ada", json!({"disabled": true})).await;
    assert_eq!(test.ask(&other.secret, "GET", "/api/v1/me", json!(null)).await.status, 401);
    test.stop().await;
}
