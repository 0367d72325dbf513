//! Incidents that never were: what templates are shown, and checked against.

use watchtower_model::{Severity, Timestamp};
use watchtower_notify::{Link, Message, MessageState, Words};

use super::compose::Facts;

/// 2026-11-28T03:14:07Z
const SINCE: Timestamp = Timestamp(1_795_835_647_000);
/// Whatever would break out of a JSON text, or a line.
const HOSTILE: &str = "a \"b\" \\ c\u{1}\td\n{{ $title }} \u{2028}";

/// One with everything that there may be.
pub(super) fn usual(public_url: &str, end: bool) -> (Message, Facts) {
    let own = |text: &str| text.to_string();
    let pair = |name: &str, value: &str| (own(name), own(value));
    let mut lines =
        vec![own("paged because the incident opened"), own("/var has 512 MB left"), format!("since {SINCE}")];
    if end {
        lines.remove(0);
    }
    let mut message = Message {
        incident_number: Some(142),
        incident_key: own("sample"),
        title: own("db-1: /var is 96 % full"),
        severity: Severity::Error,
        state: if end { MessageState::Resolved } else { MessageState::Triggered },
        service: own("database"),
        server: Some(own("db-1")),
        lines,
        links: vec![
            Link { label: own("Open"), url: format!("{public_url}/i/142") },
            Link { label: own("Runbook"), url: own("https://wiki.example.com/disk-full") },
        ],
        acknowledge_url: None,
        acknowledge_token: None,
        digits_url: None,
        earlier: Vec::new(),
        test: false,
        output: (!end).then(|| own("vacuum: no space left on device")),
        words: Words::default(),
    };
    if !end {
        ask(&mut message, public_url);
    }
    let facts = Facts {
        reason: (!end).then(|| own("the incident opened")),
        who: end.then(|| own("ada")),
        since: Some(SINCE),
        value: Some(96.4),
        labels: vec![
            pair("alertname", "Disk full"),
            pair("env", "prod"),
            pair("instance", "db-1"),
            pair("mountpoint", "/var"),
        ],
        annotations: vec![
            pair("summary", "db-1: /var is 96 % full"),
            pair("description", "/var has 512 MB left"),
        ],
    };
    (message, facts)
}

/// With a way to acknowledge, which leads nowhere.
pub(super) fn ask(message: &mut Message, public_url: &str) {
    message.acknowledge_url = Some(format!("{public_url}/a/***"));
    message.acknowledge_token = Some("***".into());
    message.digits_url = Some(format!("{public_url}/integrations/twilio/calls/***"));
}

/// What a template must bear: the usual, the least there is, and texts of somebody hostile.
pub(super) fn all(end: bool) -> [(Message, Facts); 3] {
    let (usual, facts) = usual("https://hub.example", end);
    let least = Message {
        incident_number: None,
        server: None,
        lines: Vec::new(),
        links: Vec::new(),
        acknowledge_url: None,
        output: None,
        ..usual.clone()
    };
    let hostile = Message {
        title: HOSTILE.into(),
        service: HOSTILE.into(),
        server: Some(HOSTILE.into()),
        lines: vec![HOSTILE.into(); 3],
        links: vec![Link { label: HOSTILE.into(), url: HOSTILE.into() }],
        output: Some(HOSTILE.into()),
        ..usual.clone()
    };
    let each =
        |pairs: &[(String, String)]| pairs.iter().map(|(name, _)| (name.clone(), HOSTILE.into())).collect();
    let of_hostile = Facts {
        reason: Some(HOSTILE.into()),
        who: Some(HOSTILE.into()),
        value: Some(f64::NAN),
        labels: each(&facts.labels),
        annotations: each(&facts.annotations),
        ..facts
    };
    [(usual, facts), (least, Facts::default()), (hostile, of_hostile)]
}
