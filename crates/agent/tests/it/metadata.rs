//! What a scraped target says of its metrics' names, as a hub hears it.

use std::sync::{Arc, Mutex};

use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use watchtower_model::{MetricMetadata, MetricType};
use watchtower_protocol::{AgentMessage, HubMessage, NamedMetadata};

use crate::hub::{Enrolled, Hub, Peer};

const JOBS: &str = "# HELP jobs_total Jobs done.\n# TYPE jobs_total counter\njobs_total 1\n";

/// Answers every request by the text of the moment; where it does.
async fn target(text: &Arc<Mutex<String>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let text = Arc::clone(text);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = format!("HTTP/1.1 200 OK\r\n\r\n{}", text.lock().unwrap());
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    address
}

fn named(name: &str, kind: MetricType, help: &str) -> NamedMetadata {
    NamedMetadata { name: name.into(), said: MetricMetadata::new(kind, help, "") }
}

/// What is told next, whatever else comes.
async fn told(peer: &mut Peer) -> Vec<NamedMetadata> {
    loop {
        if let AgentMessage::Metadata(metadata) = peer.next().await {
            return metadata.metrics;
        }
    }
}

/// So many reports come, and nothing is told.
async fn nothing_told(peer: &mut Peer, reports: usize) {
    let mut seen = 0;
    while seen < reports {
        match peer.next().await {
            AgentMessage::Report(_) => seen += 1,
            AgentMessage::Metadata(metadata) => panic!("told again: {metadata:?}"),
            _ => {}
        }
    }
}

#[tokio::test]
async fn names_are_told_once_on_a_connection_and_to_hubs_that_know_of_it() {
    let text = Arc::new(Mutex::new(JOBS.to_string()));
    let address = target(&text).await;
    let hub = Hub::start().await;
    let agent = Enrolled::new(&hub.bundle, "");
    let dir = agent.dir.path().join("scrape.d");
    std::fs::create_dir(&dir).unwrap();
    let job = format!(
        "[[scrape]]\njob = 'a'\ntargets = ['{address}']\ninterval_seconds = 1\ntimeout_seconds = 1\n"
    );
    std::fs::write(dir.join("a.toml"), job).unwrap();
    let (_stop, _task) = agent.run();
    let mut peer = hub.welcome(None).await;
    let jobs = named("jobs_total", MetricType::Counter, "Jobs done.");
    assert_eq!(told(&mut peer).await, std::slice::from_ref(&jobs));
    nothing_told(&mut peer, 3).await;
    *text.lock().unwrap() = format!("{JOBS}# TYPE queue gauge\nqueue 3\n");
    let queue = named("queue", MetricType::Gauge, "");
    assert_eq!(told(&mut peer).await, std::slice::from_ref(&queue));
    drop(peer);

    let mut peer = hub.welcome(None).await;
    assert_eq!(told(&mut peer).await, [jobs, queue]);
    peer.send(&HubMessage::Unsupported { what: "message".into() }).await;
    nothing_told(&mut peer, 1).await;
    *text.lock().unwrap() = format!("{JOBS}# TYPE more gauge\nmore 3\n");
    nothing_told(&mut peer, 4).await;
}
