//! A signed command over the wire, its output and its end across a lost connection.

use ring::digest::{SHA256, digest};
use tokio::io::AsyncWriteExt;
use watchtower_agent::clock;
use watchtower_agent::executor::Say;
use watchtower_agent::executor::port::Place;
use watchtower_agent::executor::trust::Trust;
use watchtower_agent::identity::Identity;
use watchtower_agent::state_dir::StateDir;
use watchtower_model::{ExecutionId, Id};
use watchtower_protocol::{
    AgentMessage, Command, CommandBody, ExecutionState, GoodbyeReason, HubMessage, OutputChunk, Purpose,
    RunScript, Stream, sign,
};

use crate::hub::{Enrolled, Hub, Peer};

fn command(hub: &Hub, peer: &Peer, id: u8, body: &str) -> HubMessage {
    let now = clock::now().wall;
    let run = RunScript {
        execution_id: Id::from_bytes([id; 16]).into(),
        script_name: "test".into(),
        script_sha256: digest(&SHA256, body.as_bytes()).as_ref().iter().map(|b| format!("{b:02x}")).collect(),
        interpreter: vec!["/bin/sh".into()],
        body: body.into(),
        environment: Default::default(),
        secrets: Vec::new(),
        timeout_ms: 20_000,
        user: None,
        ad_hoc: true,
        approval: None,
        update: None,
    };
    let command = Command {
        agent_id: peer.agent_id,
        issued_at: now,
        not_after: now.plus_ms(60_000),
        body: CommandBody::Run(run),
    };
    HubMessage::Command(sign(Purpose::Command, &serde_json::to_vec(&command).unwrap(), &hub.commands))
}

/// Waits for the end of an execution; gives its output on the way.
async fn end(peer: &mut Peer, id: u8) -> (ExecutionState, Vec<u8>) {
    let execution_id: ExecutionId = Id::from_bytes([id; 16]).into();
    let mut output = Vec::new();
    loop {
        match peer.next().await {
            AgentMessage::Output(chunk) if chunk.execution_id == execution_id => {
                assert_eq!(chunk.offset, output.len() as u64);
                output.extend_from_slice(&chunk.data);
                let offset = output.len() as u64;
                peer.send(&HubMessage::OutputAck { execution_id, stream: chunk.stream, offset }).await;
            }
            AgentMessage::Execution(update) if update.execution_id == execution_id => match update.state {
                ExecutionState::Accepted | ExecutionState::Running { .. } => {}
                state => return (state, output),
            },
            _ => {}
        }
    }
}

#[tokio::test]
async fn a_command_runs_and_its_end_is_repeated_on_the_next_connection() {
    let hub = Hub::start().await;
    let agent = Enrolled::new(&hub.bundle, "mode = \"full\"");
    let (stop, task) = agent.run();
    let mut peer = hub.welcome(None).await;
    let mark = agent.dir.path().join("mark");
    let run = command(&hub, &peer, 1, &format!("echo done | tee -a {}", mark.display()));
    peer.send(&run).await;
    let (state, output) = end(&mut peer, 1).await;
    assert!(matches!(state, ExecutionState::Finished { exit_code: Some(0), .. }), "{state:?}");
    assert_eq!(output, b"done\n");
    drop(peer);

    // The end was not acknowledged; the command is even delivered again.
    let mut peer = hub.welcome(None).await;
    let (state, _) = end(&mut peer, 1).await;
    assert!(matches!(state, ExecutionState::Finished { .. }), "{state:?}");
    peer.send(&run).await;
    end(&mut peer, 1).await;
    peer.send(&HubMessage::ExecutionAck { execution_id: Id::from_bytes([1; 16]).into() }).await;
    assert_eq!(std::fs::read_to_string(&mark).unwrap(), "done\n", "it ran twice");
    stop.send(GoodbyeReason::Shutdown).unwrap();
    task.await.unwrap();
}

#[tokio::test]
async fn the_local_policy_has_the_last_word_and_a_forged_command_raises_an_event() {
    let hub = Hub::start().await;
    let agent = Enrolled::new(&hub.bundle, "mode = \"monitor\"");
    let (_stop, _task) = agent.run();
    let mut peer = hub.welcome(None).await;
    let run = command(&hub, &peer, 1, "true");
    peer.send(&run).await;
    let (state, _) = end(&mut peer, 1).await;
    assert!(matches!(state, ExecutionState::Rejected { code, .. } if code == "policy"));

    // Signed by the hub's identity, which is for another purpose.
    let HubMessage::Command(mut forged) = run else { unreachable!() };
    forged.key_id = watchtower_protocol::key_id_of(&hub.bundle.identity_key);
    peer.send(&HubMessage::Command(forged)).await;
    let mut codes = Vec::new();
    while codes.len() < 2 {
        for event in peer.report().await.events {
            assert_eq!(event.kind.0, "command.refused");
            codes.push(event.labels.get("code").unwrap().to_string());
        }
    }
    assert_eq!(codes, ["policy", "bad_signature"]);
}

#[tokio::test]
async fn what_runs_outlives_the_agent_and_the_next_one_tells_its_end() {
    let hub = Hub::start().await;
    let agent = Enrolled::new(&hub.bundle, "mode = \"full\"");
    let (stop, task) = agent.run();
    let mut peer = hub.welcome(None).await;
    let go = agent.dir.path().join("go");
    let body = format!("echo on; while [ ! -e {} ]; do sleep 0.05; done; echo off", go.display());
    peer.send(&command(&hub, &peer, 1, &body)).await;
    while !matches!(peer.next().await, AgentMessage::Output(_)) {}
    stop.send(GoodbyeReason::Restart).unwrap();
    while peer.next_or_end().await.is_some() {}
    task.await.unwrap();

    let (_stop, _task) = agent.run();
    let mut peer = hub.welcome(None).await;
    std::fs::write(go, "").unwrap();
    let (state, output) = end(&mut peer, 1).await;
    assert!(matches!(state, ExecutionState::Finished { exit_code: Some(0), .. }), "{state:?}");
    assert_eq!(output, b"on\noff\n", "the hub gets again what it did not acknowledge");
}

#[tokio::test]
async fn without_an_executor_a_server_that_only_watches_says_so() {
    let hub = Hub::start().await;
    let mut agent = Enrolled::new(&hub.bundle, "mode = \"monitor\"");
    agent.settings.executor = Place::Socket(agent.dir.path().join("no-socket"));
    let (_stop, _task) = agent.run();
    let mut peer = hub.welcome(None).await;
    peer.send(&command(&hub, &peer, 1, "true")).await;
    let (state, _) = end(&mut peer, 1).await;
    assert!(matches!(state, ExecutionState::Rejected { code, .. } if code == "policy"));
    loop {
        let report = peer.report().await;
        let facts = report.facts.as_ref().map(|facts| facts.refuses.clone());
        assert!(facts.is_none_or(|refuses| refuses.is_none()), "monitor needs no executor");
        if report.events.iter().any(|event| event.kind.0 == "command.refused") {
            return;
        }
    }
}

/// An executor as its service runs it: a process with the listening socket as standard input.
fn executor(listener: &std::os::unix::net::UnixListener, agent: &Enrolled) -> tokio::process::Child {
    let socket: std::os::fd::OwnedFd = listener.try_clone().unwrap().into();
    tokio::process::Command::new(env!("CARGO_BIN_EXE_watchtower-agent"))
        .args(["execute", "--executor-dir"])
        .arg(agent.dir.path().join("executor"))
        .arg("--policy")
        .arg(&agent.settings.policy)
        .stdin(std::process::Stdio::from(socket))
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

#[tokio::test]
async fn an_executor_that_was_killed_is_asked_again_and_takes_up_what_runs() {
    let hub = Hub::start().await;
    let mut agent = Enrolled::new(&hub.bundle, "mode = \"full\"");
    let path = agent.dir.path().join("executor.sock");
    let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    agent.settings.executor = Place::Socket(path);
    let state = StateDir::open(&agent.settings.state_dir).unwrap();
    let id = Identity::load(&state).unwrap().agent_id;
    Trust::install(&agent.dir.path().join("executor"), id, &hub.bundle).unwrap();
    let mut first = executor(&listener, &agent);
    let (_stop, _task) = agent.run();
    let mut peer = hub.welcome(None).await;
    let mark = agent.dir.path().join("mark");
    let body = format!("echo on | tee -a {}; sleep 2; echo off", mark.display());
    peer.send(&command(&hub, &peer, 1, &body)).await;
    while !matches!(peer.next().await, AgentMessage::Output(_)) {}
    first.kill().await.unwrap();
    // Asked while there is nobody: it waits in the socket's queue, or is asked again.
    let listed = command(&hub, &peer, 2, "echo two");
    peer.send(&listed).await;
    let _second = executor(&listener, &agent);
    let (mut output, mut ends) = ([Vec::new(), Vec::new()], 0);
    while ends < 2 {
        match peer.next().await {
            AgentMessage::Output(chunk) => {
                let of = usize::from(chunk.execution_id == Id::from_bytes([2; 16]).into());
                // From the beginning again, as far as the hub did not say that it has it.
                output[of].truncate(chunk.offset as usize);
                output[of].extend(chunk.data);
            }
            AgentMessage::Execution(update) => match update.state {
                ExecutionState::Finished { exit_code: Some(0), .. } => ends += 1,
                ExecutionState::Accepted | ExecutionState::Running { .. } => {}
                other => panic!("{other:?}"),
            },
            _ => {}
        }
    }
    assert_eq!(output, [b"on\noff\n".to_vec(), b"two\n".to_vec()]);
    assert_eq!(std::fs::read_to_string(&mark).unwrap(), "on\n", "it ran twice");
}

/// What an executor says over its socket.
async fn say(stream: &mut tokio::net::UnixStream, say: &Say) {
    let bytes = serde_json::to_vec(say).unwrap();
    stream.write_all(&(bytes.len() as u32).to_be_bytes()).await.unwrap();
    stream.write_all(&bytes).await.unwrap();
}

/// The hub would take the missing beginning for a gap in the stream, and what comes again for known.
#[tokio::test]
async fn output_said_before_the_executor_knows_of_the_connection_is_not_passed_on() {
    let hub = Hub::start().await;
    let mut agent = Enrolled::new(&hub.bundle, "mode = \"full\"");
    let path = agent.dir.path().join("executor.sock");
    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    agent.settings.executor = Place::Socket(path);
    let (_stop, _task) = agent.run();
    let mut peer = hub.welcome(None).await;
    let (mut executor, _) = listener.accept().await.unwrap();
    let chunk = |offset: u64, data: &[u8]| Say::Message {
        message: AgentMessage::Output(OutputChunk {
            execution_id: Id::from_bytes([1; 16]).into(),
            stream: Stream::Stdout,
            offset,
            data: data.to_vec(),
        }),
    };
    for said in [chunk(3, b"off\n"), Say::Rewound, chunk(0, b"on\n"), chunk(3, b"off\n")] {
        say(&mut executor, &said).await;
    }
    let mut offsets = Vec::new();
    while offsets.len() < 2 {
        if let AgentMessage::Output(chunk) = peer.next().await {
            offsets.push(chunk.offset);
        }
    }
    assert_eq!(offsets, [0, 3]);
}
