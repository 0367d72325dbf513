//! Who is trusted, and who is not.

use watchtower_agent::enrol::{EnrolError, enrol};
use watchtower_agent::identity::{Identity, load_bundle};
use watchtower_agent::link::LinkError;
use watchtower_agent::state_dir::StateDir;
use watchtower_protocol::{HubMessage, Refusal, RefusalCode, TLS_SERVER_NAME, TrustBundle};

use crate::hub::{Hub, leaf, signing_key};

fn input(bundle: &TrustBundle) -> String {
    format!("the-token\n{}\n", bundle.to_line())
}

#[tokio::test]
async fn enrolment_is_idempotent_and_another_hub_needs_a_takeover() {
    let dir = tempfile::tempdir().unwrap();
    let state = StateDir::open(dir.path()).unwrap();
    let hub = Hub::start().await;
    let mut ids = Vec::new();
    for _ in 0..2 {
        let input = input(&hub.bundle);
        let (result, peer) =
            tokio::join!(enrol(dir.path(), dir.path(), &input, false, None), hub.welcome(None));
        result.unwrap();
        ids.push(peer.agent_id);
    }
    assert_eq!(ids[0], ids[1]);
    assert_eq!(load_bundle(&state).unwrap(), hub.bundle);

    let mut other = Hub::start().await;
    other.bundle.hub_id = "hub-2".into();
    let refused = enrol(dir.path(), dir.path(), &input(&other.bundle), false, None).await;
    assert!(matches!(refused, Err(EnrolError::OtherHub(hub)) if hub == "hub-1"));
    let input = input(&other.bundle);
    let (result, peer) = tokio::join!(enrol(dir.path(), dir.path(), &input, true, None), other.welcome(None));
    result.unwrap();
    assert_ne!(peer.agent_id, ids[0], "a key is never shared between hubs");
    assert_eq!(Identity::load(&state).unwrap().agent_id, peer.agent_id);
    assert_eq!(load_bundle(&state).unwrap().hub_id, "hub-2");
}

#[tokio::test]
async fn the_token_travels_and_a_refusal_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let hub = Hub::start().await;
    let input = input(&hub.bundle);
    let refusing = async {
        let mut peer = hub.accept().await.unwrap();
        assert_eq!(peer.hello().await.token.as_deref(), Some("the-token"));
        let refusal = Refusal { code: RefusalCode::TokenUsed, message: "used on Monday".into() };
        peer.send(&HubMessage::Refused(refusal)).await;
    };
    let (result, ()) = tokio::join!(enrol(dir.path(), dir.path(), &input, false, None), refusing);
    let error = result.unwrap_err();
    assert!(error.to_string().contains("used on Monday"), "{error}");
    assert!(!dir.path().join("bundle.json").exists());
}

#[tokio::test]
async fn a_hub_with_another_ca_is_refused_before_anything_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let (trusted, wrong) = (Hub::start().await, Hub::start().await);
    let bundle = TrustBundle { urls: wrong.bundle.urls.clone(), ..trusted.bundle.clone() };
    let input = input(&bundle);
    let (result, peer) = tokio::join!(enrol(dir.path(), dir.path(), &input, false, None), wrong.accept());
    assert!(matches!(result, Err(EnrolError::Link(LinkError::Tls { .. }))), "{result:?}");
    assert!(peer.is_none());
}

#[tokio::test]
async fn a_leaf_for_another_name_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let hub = Hub::start_with(leaf("evil.example")).await;
    let input = input(&hub.bundle);
    let (result, peer) = tokio::join!(enrol(dir.path(), dir.path(), &input, false, None), hub.accept());
    assert!(matches!(result, Err(EnrolError::Link(LinkError::Tls { .. }))), "{result:?}");
    assert!(peer.is_none());
}

#[tokio::test]
async fn a_hub_that_cannot_prove_its_identity_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut hub = Hub::start().await;
    let bundle = hub.bundle.clone();
    hub.identity = signing_key();
    let input = input(&bundle);
    let impostor = async {
        let mut peer = hub.accept().await.unwrap();
        let hello = peer.hello().await;
        hub.challenge(&mut peer, &hello).await;
        peer.next_or_end().await
    };
    let (result, said) = tokio::join!(enrol(dir.path(), dir.path(), &input, false, None), impostor);
    assert!(matches!(result, Err(EnrolError::Link(LinkError::WrongHub))), "{result:?}");
    assert!(said.is_none(), "nothing is proven to an impostor");
}

#[tokio::test]
async fn bad_input_is_told_line_by_line() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(enrol(dir.path(), dir.path(), "", false, None).await, Err(EnrolError::BadToken)));
    assert!(matches!(
        enrol(dir.path(), dir.path(), "token\n", false, None).await,
        Err(EnrolError::BadBundle(_))
    ));
}

#[tokio::test]
async fn a_server_with_a_wrong_clock_can_still_connect() {
    for (from, to) in [(2500, 2600), (1990, 2000)] {
        let dir = tempfile::tempdir().unwrap();
        let mut leaf = leaf(TLS_SERVER_NAME);
        leaf.not_before = rcgen::date_time_ymd(from, 1, 1);
        leaf.not_after = rcgen::date_time_ymd(to, 1, 1);
        let hub = Hub::start_with(leaf).await;
        let input = input(&hub.bundle);
        let (result, _) = tokio::join!(enrol(dir.path(), dir.path(), &input, false, None), hub.welcome(None));
        result.unwrap();
    }
}
