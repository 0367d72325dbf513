//! Maintenance, and who may connect as a server's agent.

use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::json;
use tokio::sync::mpsc;
use watchtower_hub::link::{self, Inbound};
use watchtower_protocol::{
    AgentMessage, Encoding, Frame, Hello, HubMessage, Proof, RefusalCode, Role, VERSION, agent_id_of, decode,
    encode, proof_bytes,
};

use crate::hub::TestHub;

struct Agent {
    key: Ed25519KeyPair,
}

impl Agent {
    fn new(seed: u8) -> Agent {
        Agent { key: Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap() }
    }

    /// Goes through the handshake; the hub's last word.
    async fn connect(&self, test: &TestHub, token: Option<&str>) -> HubMessage {
        let (frames, inbound) = mpsc::channel(8);
        let (out, mut answers) = mpsc::channel::<Frame>(8);
        let exporter = vec![7; 32];
        tokio::spawn(link::serve(
            test.hub.clone(),
            Inbound { frames: inbound, out, exporter: exporter.clone() },
        ));
        let public_key = self.key.public_key().as_ref().to_vec();
        let hello = Hello {
            version: VERSION,
            public_key: public_key.clone(),
            nonce: vec![1; 32],
            agent_version: "test".into(),
            encodings: Vec::new(),
            token: token.map(String::from),
        };
        frames.send(encode(&AgentMessage::Hello(hello), Encoding::Json)).await.unwrap();
        let frame = answers.recv().await.unwrap();
        let HubMessage::Challenge(challenge) = decode(&frame, 65_536).unwrap() else {
            panic!("no challenge")
        };
        let bytes = proof_bytes(
            Role::Agent,
            &challenge.hub_id,
            agent_id_of(&public_key),
            &challenge.nonce,
            &exporter,
        );
        let signature = self.key.sign(&bytes).as_ref().to_vec();
        frames.send(encode(&AgentMessage::Proof(Proof { signature }), Encoding::Json)).await.unwrap();
        decode(&answers.recv().await.unwrap(), 65_536).unwrap()
    }
}

async fn installer(test: &TestHub) -> String {
    let made = test.admin("POST", "/api/v1/servers/web-1/enrolment", json!(null)).await;
    made["token"].as_str().unwrap().into()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replaced_agent_does_not_come_back_with_its_used_token() {
    let test = TestHub::start().await;
    test.admin("POST", "/api/v1/servers", json!({"name": "web-1"})).await;
    let (old, new) = (Agent::new(1), Agent::new(2));
    let token = installer(&test).await;
    assert!(matches!(old.connect(&test, Some(&token)).await, HubMessage::Welcome(_)));
    // Its first answer may have been lost: the same key may say it again.
    assert!(matches!(old.connect(&test, Some(&token)).await, HubMessage::Welcome(_)));
    let second = installer(&test).await;
    assert!(matches!(new.connect(&test, Some(&second)).await, HubMessage::Welcome(_)));
    for token in [Some(token.as_str()), None] {
        match old.connect(&test, token).await {
            HubMessage::Refused(refusal) => assert_eq!(refusal.code, RefusalCode::Revoked),
            other => panic!("let in: {other:?}"),
        }
    }
    test.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn incidents_go_on_after_maintenance_even_when_the_hub_died_in_between() {
    let test = TestHub::start().await;
    test.admin("POST", "/api/v1/servers", json!({"name": "web-1"})).await;
    let until = test.hub.now().plus_ms(3_600_000).to_rfc3339();
    test.admin("PATCH", "/api/v1/servers/web-1", json!({"maintenance_until": until})).await;
    let made = test.admin("POST", "/api/v1/incidents", json!({"title": "t", "server": "web-1"})).await;
    let id = made["id"].as_str().unwrap().parse().unwrap();
    let suppressed = || async {
        let row = test.hub.store.incident(id).await.unwrap().unwrap();
        watchtower_hub::respond::read_state(&row).unwrap().suppressed.is_some()
    };
    assert!(suppressed().await);
    // As a hub leaves it that died between the end of the maintenance and telling the incident.
    let server = test.hub.servers.find("web-1").unwrap();
    let past = test.hub.now().plus_ms(-1);
    server.with(|state| state.maintenance_until = Some(past));
    test.until("it pages again", || async { !suppressed().await }).await;
    test.until("the row says so", || async { server.with(|state| state.maintenance_until.is_none()) }).await;
    let row = test.hub.store.server(server.id).await.unwrap().unwrap();
    assert_eq!(row.maintenance_until, None);
    test.stop().await;
}
