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
