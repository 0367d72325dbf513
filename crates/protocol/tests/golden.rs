//! The bytes that agents of this version speak. A change here is a change of the protocol.

use ring::signature::{Ed25519KeyPair, KeyPair};
use watchtower_model::{AgentId, EventKind, ExecutionId, Id, Labels, Severity, Timestamp, stale_nan};
use watchtower_protocol::limits::{FRAME_BYTES_MAX, HANDSHAKE_BYTES_MAX};
use watchtower_protocol::*;

fn text<M: serde::Serialize>(message: &M) -> String {
    match encode(message, Encoding::Json) {
        Frame::Text(text) => text,
        Frame::Binary(_) => panic!("text was asked for"),
    }
}

fn report() -> Report {
    Report {
        epoch: 3,
        seq: 17,
        lane: Lane::Live,
        t: Timestamp(1_795_000_000_000),
        age_ms: 2,
        interval_ms: 10_000,
        dictionary: "0".repeat(32),
        samples: vec![
            (0, Value(1.5)),
            (1, Value(f64::NAN)),
            (2, Value(f64::INFINITY)),
            (3, Value(stale_nan())),
            (4, Value(42.0)),
        ],
        processes: None,
        facts: None,
        events: vec![AgentEvent {
            kind: EventKind::new("unit.failed"),
            severity: Severity::Error,
            message: "nginx.service failed".into(),
            labels: Labels::from_pairs([("unit", "nginx.service")]),
            t: Timestamp(1_795_000_000_000),
        }],
    }
}

#[test]
fn report_bytes() {
    let message = AgentMessage::Report(Box::new(report()));
    assert_eq!(
        text(&message),
        r#"{"type":"report","epoch":3,"seq":17,"lane":"live","t":1795000000000,"age_ms":2,"interval_ms":10000,"dictionary":"00000000000000000000000000000000","samples":[[0,1.5],[1,"NaN"],[2,"+Inf"],[3,"stale"],[4,42]],"events":[{"kind":"unit.failed","severity":"error","message":"nginx.service failed","labels":{"unit":"nginx.service"},"t":1795000000000}]}"#
    );
    let back: AgentMessage = decode(&Frame::Text(text(&message)), FRAME_BYTES_MAX).unwrap();
    assert_eq!(decode_from_agent(&Frame::Text(text(&message)), FRAME_BYTES_MAX).unwrap(), message);
    // Nothing promises that the type comes first.
    let (head, rest) = (r#"{"type":"report","#, text(&message).split_off(r#"{"type":"report","#.len()));
    assert!(text(&message).starts_with(head));
    let turned = format!("{},\"type\":\"report\"}}", format!("{{{rest}").strip_suffix('}').unwrap());
    assert_eq!(decode_from_agent(&Frame::Text(turned), FRAME_BYTES_MAX).unwrap(), message);
    assert_eq!(back, message);
    back.check().unwrap();
}

#[test]
fn dictionary_hash() {
    let entry = |name: &str, labels: &[(&str, &str)]| SeriesEntry {
        name: name.into(),
        labels: Labels::from_pairs(labels.iter().copied()),
    };
    let dictionary = Dictionary {
        series: vec![
            entry("node_load1", &[]),
            entry("node_cpu_seconds_total", &[("cpu", "0"), ("mode", "idle")]),
        ],
    };
    assert_eq!(
        text(&AgentMessage::Dictionary(dictionary.clone())),
        r#"{"type":"dictionary","series":[{"n":"node_load1"},{"n":"node_cpu_seconds_total","l":{"cpu":"0","mode":"idle"}}]}"#
    );
    assert_eq!(dictionary.hash(), "f56acc9646902d4ae84ab793a0b2e7a8");
    let swapped = Dictionary { series: dictionary.series.iter().rev().cloned().collect() };
    assert_ne!(swapped.hash(), dictionary.hash());
    assert!(Dictionary { series: vec![entry("m", &[("job", "x")])] }.check().is_ok());
    for reserved in ["__name__", "instance"] {
        assert!(Dictionary { series: vec![entry("m", &[(reserved, "x")])] }.check().is_err());
    }
}

#[test]
fn hub_messages() {
    let id = ExecutionId(Id::from_bytes([7; 16]));
    let cases: [(HubMessage, &str); 4] = [
        (HubMessage::Ack(Progress { epoch: 3, seq: 17 }), r#"{"type":"ack","epoch":3,"seq":17}"#),
        (
            HubMessage::Interval { interval_ms: 1000, lease_ms: 60_000 },
            r#"{"type":"interval","interval_ms":1000,"lease_ms":60000}"#,
        ),
        (HubMessage::Collect, r#"{"type":"collect"}"#),
        (
            HubMessage::OutputAck { execution_id: id, stream: Stream::Stdout, offset: 9 },
            r#"{"type":"output_ack","execution_id":"07070707-0707-0707-0707-070707070707","stream":"stdout","offset":9}"#,
        ),
    ];
    for (message, bytes) in cases {
        assert_eq!(text(&message), bytes);
        assert_eq!(decode::<HubMessage>(&Frame::Text(bytes.into()), FRAME_BYTES_MAX).unwrap(), message);
    }
}

#[test]
fn metadata_bytes() {
    use watchtower_model::{MetricMetadata, MetricType};
    let named = |name: &str, kind, help, unit| NamedMetadata {
        name: name.into(),
        said: MetricMetadata::new(kind, help, unit),
    };
    let metrics = vec![
        named("jobs_total", MetricType::Counter, "Jobs\ndone.", ""),
        named("age_seconds", MetricType::GaugeHistogram, "", "seconds"),
    ];
    let message = AgentMessage::Metadata(Metadata { metrics });
    assert_eq!(
        text(&message),
        r#"{"type":"metadata","metrics":[{"n":"jobs_total","type":"counter","help":"Jobs\ndone.","unit":""},{"n":"age_seconds","type":"gaugehistogram","help":"","unit":"seconds"}]}"#
    );
    assert_eq!(decode_from_agent(&Frame::Text(text(&message)), FRAME_BYTES_MAX).unwrap(), message);
    message.check().unwrap();
    // A type of a newer agent, and texts that are left out.
    let newer = r#"{"type":"metadata","metrics":[{"n":"a","type":"novel","more":1}]}"#;
    let newer: AgentMessage = decode(&Frame::Text(newer.into()), FRAME_BYTES_MAX).unwrap();
    assert_eq!(
        newer,
        AgentMessage::Metadata(Metadata { metrics: vec![named("a", MetricType::Unknown, "", "")] })
    );
    let long = NamedMetadata {
        name: "a".into(),
        said: MetricMetadata { help: "x".repeat(1025), ..MetricMetadata::default() },
    };
    for refused in [
        vec![named("a b", MetricType::Gauge, "", "")],
        vec![named("a", MetricType::Gauge, "", ""); 201],
        vec![long],
    ] {
        assert!(AgentMessage::Metadata(Metadata { metrics: refused }).check().is_err());
    }
}

#[test]
fn trust_bytes() {
    let cases = [
        (TrustHeld { version: 3, executor: Some(2) }, r#"{"type":"trust","version":3,"executor":2}"#),
        (TrustHeld { version: 1, executor: None }, r#"{"type":"trust","version":1}"#),
    ];
    for (held, bytes) in cases {
        let message = AgentMessage::Trust(held);
        assert_eq!(text(&message), bytes);
        assert_eq!(decode_from_agent(&Frame::Text(bytes.into()), FRAME_BYTES_MAX).unwrap(), message);
        message.check().unwrap();
    }
    let bundle = TrustBundle {
        version: 2,
        hub_id: "h".into(),
        urls: vec!["https://hub:8401".into()],
        roots: vec![Pin("AA==".into()), Pin("AQ==".into())],
        identity_key: vec![0; 3],
        signing_keys: vec![SigningKey { purpose: Purpose::Command, public_key: vec![1; 3] }],
    };
    assert_eq!(
        serde_json::to_string(&bundle).unwrap(),
        r#"{"version":2,"hub_id":"h","urls":["https://hub:8401"],"roots":["AA==","AQ=="],"identity_key":"AAAA","signing_keys":[{"purpose":"command","public_key":"AQEB"}]}"#
    );
    let envelope =
        Envelope { payload_b64: "e30=".into(), key_id: "9f86d081884c7d65".into(), sig: "AA==".into() };
    assert_eq!(
        text(&HubMessage::Bundle(envelope)),
        r#"{"type":"bundle","payload_b64":"e30=","key_id":"9f86d081884c7d65","sig":"AA=="}"#
    );
}

#[test]
fn newer_minor_versions_are_tolerated() {
    let known: HubMessage =
        decode(&Frame::Text(r#"{"type":"collect","why":"new field"}"#.into()), FRAME_BYTES_MAX).unwrap();
    assert_eq!(known, HubMessage::Collect);
    let unknown: HubMessage =
        decode(&Frame::Text(r#"{"type":"teleport","to":"mars"}"#.into()), FRAME_BYTES_MAX).unwrap();
    assert_eq!(unknown, HubMessage::Unknown);
}

#[test]
fn hostile_frames_are_refused() {
    let bomb = zstd::bulk::compress(&vec![b' '; 64 * 1024 * 1024], 1).unwrap();
    assert!(matches!(
        decode::<AgentMessage>(&Frame::Binary(bomb), FRAME_BYTES_MAX),
        Err(DecodeError::BadCompression)
    ));
    let long = Frame::Text(" ".repeat(HANDSHAKE_BYTES_MAX + 1));
    assert!(matches!(decode::<AgentMessage>(&long, HANDSHAKE_BYTES_MAX), Err(DecodeError::TooLarge { .. })));
    for junk in ["", "null", "[]", "{\"type\":1}", "{\"type\":\"report\"}", "\u{0}"] {
        assert!(decode::<AgentMessage>(&Frame::Text(junk.into()), FRAME_BYTES_MAX).is_err(), "{junk}");
        assert!(decode_from_agent(&Frame::Text(junk.into()), FRAME_BYTES_MAX).is_err(), "{junk}");
    }
    let mut bad = report();
    bad.events[0].message = "two\nlines".into();
    assert!(bad.check().is_err());
    bad = report();
    bad.dictionary = "../../etc/passwd".into();
    assert!(bad.check().is_err());
}

#[test]
fn zstd_is_used_where_it_pays() {
    let mut message = report();
    message.samples = (0..250).map(|i| (i, Value(f64::from(i) * 1.25))).collect();
    let message = AgentMessage::Report(Box::new(message));
    let frame = encode(&message, Encoding::Zstd);
    assert!(matches!(&frame, Frame::Binary(bytes) if bytes.len() < text(&message).len() / 2));
    assert_eq!(decode::<AgentMessage>(&frame, FRAME_BYTES_MAX).unwrap(), message);
    assert!(matches!(encode(&HubMessage::Collect, Encoding::Zstd), Frame::Text(_)));
}

#[test]
fn signatures_hold_for_one_purpose_only() {
    let key = Ed25519KeyPair::from_seed_unchecked(&[1; 32]).unwrap();
    let public = key.public_key().as_ref();
    let envelope = sign(Purpose::Command, b"{}", &key);
    assert_eq!(verify(Purpose::Command, &envelope, [public]).unwrap(), b"{}");
    assert_eq!(verify(Purpose::Bundle, &envelope, [public]), Err(EnvelopeError::BadSignature));
    assert_eq!(verify(Purpose::Command, &envelope, []), Err(EnvelopeError::UnknownKey));
    let mut tampered = envelope.clone();
    tampered.payload_b64 = sign(Purpose::Command, b"{ }", &key).payload_b64;
    assert_eq!(verify(Purpose::Command, &tampered, [public]), Err(EnvelopeError::BadSignature));
}

#[test]
fn proofs_bind_role_peer_nonce_and_session() {
    let key = Ed25519KeyPair::from_seed_unchecked(&[2; 32]).unwrap();
    let agent = agent_id_of(key.public_key().as_ref());
    let bytes = proof_bytes(Role::Agent, "hub-1", agent, &[3; 32], &[4; 32]);
    let signature = key.sign(&bytes);
    verify_proof(&bytes, signature.as_ref(), key.public_key().as_ref()).unwrap();
    for other in [
        proof_bytes(Role::Hub, "hub-1", agent, &[3; 32], &[4; 32]),
        proof_bytes(Role::Agent, "hub-2", agent, &[3; 32], &[4; 32]),
        proof_bytes(Role::Agent, "hub-1", AgentId(Id::NIL), &[3; 32], &[4; 32]),
        proof_bytes(Role::Agent, "hub-1", agent, &[9; 32], &[4; 32]),
        proof_bytes(Role::Agent, "hub-1", agent, &[3; 32], &[9; 32]),
    ] {
        assert!(verify_proof(&other, signature.as_ref(), key.public_key().as_ref()).is_err());
    }
}
