//! Real children of `/bin/sh` under signed commands.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair};
use watchtower_model::Id;
use watchtower_protocol::{Command, Pin, Purpose, SigningKey, sign};

use watchtower_agent::halt;
use watchtower_agent::policy::{Mode, Policy};
use watchtower_agent::state_dir::StateDir;
use watchtower_agent::tasks::{Context, Launcher, News, Outcome, Tasks, account};
use watchtower_model::{AgentId, ExecutionId, Timestamp};
use watchtower_protocol::limits::EXECUTIONS_MAX;
use watchtower_protocol::{
    AgentMessage, CommandBody, Envelope, ExecutionState, ExecutionUpdate, RunScript, TrustBundle, Update,
};

struct Rig {
    dir: tempfile::TempDir,
    key: Ed25519KeyPair,
    bundle: TrustBundle,
    policy: Policy,
    agent_id: AgentId,
    tasks: Tasks,
    news: News,
    now: Timestamp,
    next_id: u8,
}

const T: Timestamp = Timestamp(1_700_000_000_000);

impl Rig {
    fn new(mode: Mode) -> Self {
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        let key = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap();
        let public_key = key.public_key().as_ref().to_vec();
        let bundle = TrustBundle {
            version: 1,
            hub_id: "h".into(),
            urls: vec!["https://h:1".into()],
            roots: vec![Pin("x".into())],
            identity_key: public_key.clone(),
            signing_keys: vec![SigningKey { purpose: Purpose::Command, public_key }],
        };
        let dir = tempfile::tempdir().unwrap();
        std::fs::set_permissions(dir.path(), std::os::unix::fs::PermissionsExt::from_mode(0o711)).unwrap();
        let state = StateDir::open(&dir.path().join("state")).unwrap();
        let agent_id = AgentId(Id::from_bytes([3; 16]));
        let (tasks, news) = Tasks::open(agent_id, &state, launcher());
        let policy = Policy { mode, ..Policy::default() };
        Rig { dir, key, bundle, policy, agent_id, tasks, news, now: T, next_id: 0 }
    }

    fn script(&mut self, body: &str) -> RunScript {
        self.next_id += 1;
        RunScript {
            // Of no other test: what is lost is killed by this mark, wherever it runs.
            execution_id: Id::from_digest(
                digest(&SHA256, format!("{}{}", self.dir.path().display(), self.next_id).as_bytes()).as_ref(),
            )
            .into(),
            script_name: "test".into(),
            script_sha256: digest(&SHA256, body.as_bytes())
                .as_ref()
                .iter()
                .map(|b| format!("{b:02x}"))
                .collect(),
            interpreter: vec!["/bin/sh".into()],
            body: body.into(),
            environment: Default::default(),
            secrets: Vec::new(),
            timeout_ms: 20_000,
            user: None,
            ad_hoc: false,
            approval: None,
            update: None,
        }
    }

    fn envelope(&self, body: CommandBody) -> Envelope {
        let command = Command {
            agent_id: self.agent_id,
            issued_at: self.now,
            not_after: self.now.plus_ms(60_000),
            body,
        };
        sign(Purpose::Command, &serde_json::to_vec(&command).unwrap(), &self.key)
    }

    fn send(&mut self, envelope: &Envelope) -> Outcome {
        let context = Context { bundle: &self.bundle, policy: &self.policy, now: self.now };
        self.tasks.on_command(envelope, context)
    }

    fn start(&mut self, run: &RunScript) -> Outcome {
        let envelope = self.envelope(CommandBody::Run(run.clone()));
        self.send(&envelope)
    }

    /// As after a crash of the executor: another one opens the same directory.
    fn restart(self) -> Self {
        self.restart_with(launcher())
    }

    fn restart_with(self, launcher: Launcher) -> Self {
        let Rig { dir, key, bundle, policy, agent_id, tasks, news, now, next_id } = self;
        drop((tasks, news));
        let state = StateDir::open(&dir.path().join("state")).unwrap();
        let (tasks, news) = Tasks::open(agent_id, &state, launcher);
        Rig { dir, key, bundle, policy, agent_id, tasks, news, now, next_id }
    }

    /// Runs the loop until this execution has an end, acknowledging output as a hub would.
    async fn finish(&mut self, id: ExecutionId) -> (ExecutionState, Vec<u8>, Vec<u8>) {
        let mut streams = [Vec::new(), Vec::new()];
        let mut end = None;
        let deadline = Instant::now() + Duration::from_secs(30);
        while end.is_none() {
            let wait = deadline.saturating_duration_since(Instant::now());
            let running = self.tasks.running() > 0;
            let launched = tokio::time::timeout(wait, self.news.next(running)).await.unwrap();
            let mut messages: VecDeque<_> = self.tasks.on_news(launched, self.now).into();
            while let Some(message) = messages.pop_front() {
                match message {
                    AgentMessage::Output(chunk) if chunk.execution_id == id => {
                        let upto = chunk.offset + chunk.data.len() as u64;
                        streams[chunk.stream as usize].extend(chunk.data);
                        messages.extend(self.tasks.on_output_ack(id, chunk.stream, upto));
                    }
                    AgentMessage::Execution(update) if update.execution_id == id && is_end(&update.state) => {
                        end = Some(update.state);
                    }
                    _ => {}
                }
            }
        }
        let [stdout, stderr] = streams;
        (end.unwrap(), stdout, stderr)
    }
}

fn launcher() -> Launcher {
    Launcher::detect(env!("CARGO_BIN_EXE_watchtower-agent").into())
}

fn is_end(state: &ExecutionState) -> bool {
    !matches!(state, ExecutionState::Accepted | ExecutionState::Running { .. })
}

fn rejected_code(outcome: &Outcome) -> &str {
    match &outcome.messages[..] {
        [AgentMessage::Execution(ExecutionUpdate { state: ExecutionState::Rejected { code, .. }, .. })] => {
            code
        }
        other => panic!("{other:?}"),
    }
}

fn alive(pid_file: &std::path::Path) -> bool {
    let pid: i32 = std::fs::read_to_string(pid_file).unwrap().trim().parse().unwrap();
    // A zombie that nobody has reaped yet is dead.
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit_once(')').unwrap().1.trim().starts_with('Z'))
}

#[tokio::test]
async fn an_update_is_no_script_and_needs_the_services_that_it_restarts() {
    for (mode, code) in [(Mode::Full, "update_unsupported"), (Mode::Monitor, "policy")] {
        let mut rig = Rig::new(mode);
        let marker = rig.dir.path().join("marker");
        let mut run = rig.script(&format!("touch {}", marker.display()));
        run.update = Some(Update { releases: Vec::new(), token: "t".into() });
        assert_eq!(rejected_code(&rig.start(&run)), code);
        assert!(!marker.exists() && rig.tasks.running() == 0, "the words for older agents ran");
    }
}

#[tokio::test]
async fn output_is_binary_safe_and_the_environment_is_what_was_given() {
    let mut rig = Rig::new(Mode::Full);
    let mut run = rig.script("printf 'a\\0b\\377'; echo err >&2; env | sort >&2; exit 3");
    run.environment.insert("SERVICE".into(), "x; rm -rf /".into());
    assert!(matches!(rig.start(&run).messages[..], [AgentMessage::Execution(_)]));
    let (state, stdout, stderr) = rig.finish(run.execution_id).await;
    assert!(
        matches!(state, ExecutionState::Finished { exit_code: Some(3), stdout_bytes: 4, .. }),
        "{state:?}"
    );
    assert_eq!(stdout, b"a\0b\xff");
    let stderr = String::from_utf8(stderr).unwrap();
    assert!(stderr.starts_with("err\n") && stderr.contains("SERVICE=x; rm -rf /\n"));
    assert!(!stderr.contains("CARGO"), "the agent's own environment leaks: {stderr}");
    for place in ["executions", "scripts"] {
        let left = std::fs::read_dir(rig.dir.path().join("state").join(place)).unwrap().count();
        assert_eq!(left, 0, "{place}");
    }
}

#[tokio::test]
async fn a_secret_never_reaches_the_disk_nor_the_hub() {
    let mut rig = Rig::new(Mode::Full);
    let mut run = rig.script(
        "printf 'a=%s' hunt; sleep 0.3; printf 'er2 b=%s' \"$TOKEN\"; echo \"$TOKEN\" >&2; printf hun",
    );
    run.environment.insert("TOKEN".into(), "hunter2".into());
    run.secrets = vec!["TOKEN".into()];
    rig.start(&run);
    let (state, stdout, stderr) = rig.finish(run.execution_id).await;
    assert!(matches!(state, ExecutionState::Finished { stdout_bytes: 14, .. }), "{state:?}");
    assert_eq!((&stdout[..], &stderr[..]), (&b"a=*** b=***hun"[..], &b"***\n"[..]));
}

#[tokio::test]
async fn long_output_arrives_whole_up_to_the_bound() {
    let mut rig = Rig::new(Mode::Full);
    let run = rig.script("head -c 400000 /dev/zero; head -c 1000000 /dev/zero >&2");
    rig.start(&run);
    let (state, stdout, stderr) = rig.finish(run.execution_id).await;
    assert!(
        matches!(state, ExecutionState::Finished { stdout_bytes: 400_000, stderr_bytes: 1_000_000, .. }),
        "{state:?}"
    );
    assert_eq!(stdout.len(), 400_000);
    assert_eq!(stderr.len(), 512 * 1024);
    rig.tasks.on_execution_ack(run.execution_id, T);
    assert!(rig.tasks.is_idle(), "delivered output is forgotten");
}

#[tokio::test]
async fn a_timeout_stops_the_whole_tree() {
    let mut rig = Rig::new(Mode::Full);
    let pid_file = rig.dir.path().join("pid");
    let mut run =
        rig.script(&format!("(trap '' TERM; sleep 60) & echo $! > {}; sleep 60", pid_file.display()));
    run.timeout_ms = 700;
    rig.start(&run);
    let (state, ..) = rig.finish(run.execution_id).await;
    assert!(matches!(state, ExecutionState::Finished { timed_out: true, cancelled: false, .. }), "{state:?}");
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!alive(&pid_file), "a child that ignored TERM is still there");
}

#[tokio::test]
async fn a_cancel_works_during_and_before() {
    let mut rig = Rig::new(Mode::Full);
    let run = rig.script("sleep 60");
    rig.start(&run);
    let cancel = rig.envelope(CommandBody::Cancel { execution_id: run.execution_id });
    assert!(rig.send(&cancel).messages.is_empty());
    let (state, ..) = rig.finish(run.execution_id).await;
    assert!(matches!(state, ExecutionState::Finished { cancelled: true, .. }), "{state:?}");

    let mark = rig.dir.path().join("mark");
    let later = rig.script(&format!("touch {}", mark.display()));
    let cancel = rig.envelope(CommandBody::Cancel { execution_id: later.execution_id });
    assert_eq!(rejected_code(&rig.send(&cancel)), "cancelled");
    assert_eq!(rejected_code(&rig.start(&later)), "cancelled");
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!mark.exists());
}

#[tokio::test]
async fn what_became_of_it_is_told_again_and_what_is_not_known_is_lost_for_good() {
    let mut rig = Rig::new(Mode::Full);
    let run = rig.script("exit 4");
    rig.start(&run);
    rig.finish(run.execution_id).await;
    rig.tasks.on_execution_ack(run.execution_id, T);
    let status = |rig: &Rig, id| rig.envelope(CommandBody::Status { execution_id: id });
    let told = rig.send(&status(&rig, run.execution_id)).messages;
    let [AgentMessage::Execution(update)] = &told[..] else { panic!("{told:?}") };
    assert!(matches!(update.state, ExecutionState::Finished { exit_code: Some(4), .. }), "{update:?}");

    let mark = rig.dir.path().join("mark");
    let unknown = rig.script(&format!("touch {}", mark.display()));
    let told = rig.send(&status(&rig, unknown.execution_id)).messages;
    let [AgentMessage::Execution(update)] = &told[..] else { panic!("{told:?}") };
    assert!(matches!(update.state, ExecutionState::Lost { .. }), "{update:?}");
    rig.start(&unknown);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!mark.exists(), "it was called lost, and then it ran");
}

#[tokio::test]
async fn a_cancel_that_comes_too_late_does_not_end_what_runs() {
    let mut rig = Rig::new(Mode::Full);
    let run = rig.script("sleep 1; exit 5");
    rig.start(&run);
    let cancel = rig.envelope(CommandBody::Cancel { execution_id: run.execution_id });
    rig.now = T.plus_ms(60_001);
    let outcome = rig.send(&cancel);
    assert!(outcome.event.is_some());
    rig.now = T;
    let (state, ..) = rig.finish(run.execution_id).await;
    assert!(matches!(state, ExecutionState::Finished { exit_code: Some(5), .. }), "{state:?}");
}

#[tokio::test]
async fn a_command_delivered_twice_runs_once_also_after_a_restart() {
    let mut rig = Rig::new(Mode::Full);
    let log = rig.dir.path().join("log");
    let run = rig.script(&format!("echo x >> {}", log.display()));
    rig.start(&run);
    rig.start(&run);
    rig.finish(run.execution_id).await;
    rig.start(&run);
    assert_eq!(rig.tasks.unacked_ends().len(), 1);

    let mut rig = rig.restart();
    let again = rig.start(&run);
    assert!(matches!(
        &again.messages[..],
        [AgentMessage::Execution(ExecutionUpdate {
            state: ExecutionState::Finished { exit_code: Some(0), .. },
            ..
        })]
    ));
    rig.tasks.on_execution_ack(run.execution_id, T);
    assert!(rig.tasks.unacked_ends().is_empty());
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(std::fs::read_to_string(&log).unwrap(), "x\n");
}

#[tokio::test]
async fn an_execution_under_way_at_a_restart_goes_on_and_is_told_to_its_end() {
    let mut rig = Rig::new(Mode::Full);
    let log = rig.dir.path().join("log");
    let run = rig.script(&format!("echo a; echo x >> {}; sleep 1; echo b", log.display()));
    rig.start(&run);
    while !log.exists() {
        let launched = rig.news.next(true).await;
        rig.tasks.on_news(launched, T);
    }
    let mut rig = rig.restart();
    assert_eq!(rig.tasks.running(), 1);
    assert!(matches!(
        &rig.tasks.on_connected(T)[0],
        AgentMessage::Execution(ExecutionUpdate { state: ExecutionState::Running { .. }, .. })
    ));
    let (state, stdout, _) = rig.finish(run.execution_id).await;
    assert!(
        matches!(state, ExecutionState::Finished { exit_code: Some(0), stdout_bytes: 4, .. }),
        "{state:?}"
    );
    assert!(stdout.ends_with(b"b\n"));
    assert_eq!(std::fs::read_to_string(&log).unwrap(), "x\n");
}

#[tokio::test]
async fn one_whose_supervisor_was_killed_is_lost_and_nothing_of_it_is_left() {
    let mut rig = Rig::new(Mode::Full);
    let pid_file = rig.dir.path().join("pid");
    let run = rig.script(&format!("setsid sleep 60 & echo $! > {}; sleep 60", pid_file.display()));
    rig.start(&run);
    while !pid_file.exists() || std::fs::read_to_string(&pid_file).unwrap().is_empty() {
        let launched = rig.news.next(true).await;
        rig.tasks.on_news(launched, T);
    }
    let lock = rig.dir.path().join(format!("state/executions/{}/lock", run.execution_id));
    let supervisor = std::fs::read_to_string(lock).unwrap();
    let mut rig = rig.restart();
    assert!(std::process::Command::new("kill").args(["-9", &supervisor]).status().unwrap().success());
    let (state, ..) = rig.finish(run.execution_id).await;
    assert!(matches!(state, ExecutionState::Lost { .. }), "{state:?}");
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!alive(&pid_file), "a daemon of a lost execution is still there");
}

#[tokio::test]
async fn a_record_that_was_half_removed_goes_and_its_end_stays() {
    let mut rig = Rig::new(Mode::Full);
    let run = rig.script("true");
    rig.start(&run);
    rig.finish(run.execution_id).await;
    let record = rig.dir.path().join(format!("state/executions/{}", run.execution_id));
    assert!(record.exists() || std::fs::create_dir(&record).is_ok());
    for name in ["end", "lock", "request"] {
        let _ = std::fs::remove_file(record.join(name));
    }
    for name in ["begun", "stdout.head", "stdout.tail", "stderr.head", "stderr.tail"] {
        std::fs::write(record.join(name), "").unwrap();
    }
    let mut rig = rig.restart();
    assert_eq!(rig.tasks.running(), 1);
    let messages = rig.tasks.on_news(None, T);
    let ended = |message: &AgentMessage| matches!(message, AgentMessage::Execution(update) if matches!(update.state, ExecutionState::Finished { exit_code: Some(0), .. }));
    assert!(messages.iter().all(ended) && !messages.is_empty(), "{messages:?}");
    assert!(!record.exists() && rig.tasks.running() == 0);
}

#[tokio::test]
async fn what_a_former_life_did_not_launch_soon_gives_way() {
    let mut rig = Rig::new(Mode::Full).restart_with(Launcher::detect("/nowhere".into()));
    let log = rig.dir.path().join("log");
    let run = rig.script(&format!("echo x >> {}", log.display()));
    rig.start(&run);
    let mut rig = rig.restart();
    assert_eq!(rig.tasks.running(), 1);
    let began = Instant::now();
    let (state, ..) = rig.finish(run.execution_id).await;
    assert!(matches!(&state, ExecutionState::Rejected { code, .. } if code == "spawn_failed"), "{state:?}");
    assert!(began.elapsed() < Duration::from_secs(10), "it kept its place for {:?}", began.elapsed());
    assert!(!log.exists());
}

#[tokio::test]
async fn what_is_not_permitted_is_refused_with_an_event() {
    let mut rig = Rig::new(Mode::Full);
    let run = rig.script("true");
    let mut forged = rig.envelope(CommandBody::Run(run.clone()));
    forged.sig = forged.sig.replace(|c: char| c.is_ascii_lowercase(), "A");
    let outcome = rig.send(&forged);
    assert!(outcome.messages.is_empty());
    assert_eq!(outcome.event.unwrap().labels.get("code"), Some("bad_signature"));

    let envelope = rig.envelope(CommandBody::Run(run));
    rig.now = T.plus_ms(60_001);
    assert_eq!(rejected_code(&rig.send(&envelope)), "expired");
    rig.now = T.plus_ms(-6 * 60_000);
    let early = rig.script("true");
    let command =
        Command { agent_id: rig.agent_id, issued_at: T, not_after: T, body: CommandBody::Run(early) };
    let envelope = sign(Purpose::Command, &serde_json::to_vec(&command).unwrap(), &rig.key);
    assert_eq!(rejected_code(&rig.send(&envelope)), "expired");
    rig.now = T;

    let other = Command { agent_id: AgentId(Id::from_bytes([9; 16])), ..command };
    let envelope = sign(Purpose::Command, &serde_json::to_vec(&other).unwrap(), &rig.key);
    let outcome = rig.send(&envelope);
    assert!(outcome.messages.is_empty());
    assert_eq!(outcome.event.unwrap().labels.get("code"), Some("wrong_agent"));

    let mut wrong_hash = rig.script("true");
    wrong_hash.body = "false".into();
    assert_eq!(rejected_code(&rig.start(&wrong_hash)), "bad_command");
    let mut bad_program = rig.script("true");
    bad_program.interpreter = vec!["/nonexistent/sh".into()];
    rig.start(&bad_program);
    let (state, ..) = rig.finish(bad_program.execution_id).await;
    assert!(matches!(state, ExecutionState::Rejected { code, .. } if code == "spawn_failed"));

    rig.policy = Policy::default();
    let run = rig.script("true");
    assert_eq!(rejected_code(&rig.start(&run)), "policy");
    rig.policy = Policy { mode: Mode::Full, ..Policy::default() };
    let state = StateDir::open(&rig.dir.path().join("state")).unwrap();
    halt::set(&state).unwrap();
    let run = rig.script("true");
    assert_eq!(rejected_code(&rig.start(&run)), "halted");
    assert_eq!(rig.tasks.refuses(), Some("halted"));
    halt::clear(&state).unwrap();

    for _ in 0..EXECUTIONS_MAX {
        let run = rig.script("sleep 2");
        rig.start(&run);
    }
    let run = rig.script("true");
    assert_eq!(rejected_code(&rig.start(&run)), "busy");
}

#[tokio::test]
async fn an_unwritable_journal_refuses() {
    let mut rig = Rig::new(Mode::Full);
    let state = StateDir::open(&rig.dir.path().join("state")).unwrap();
    // A second agent on one directory, each of which would run a command once.
    let (second, news) = Tasks::open(rig.agent_id, &state, launcher());
    assert_eq!(second.refuses(), Some("journal_unwritable"));
    rig.tasks = second;
    drop(news);
    let run = rig.script("true");
    assert_eq!(rejected_code(&rig.start(&run)), "journal_unwritable");
}

#[tokio::test]
async fn a_disk_without_room_for_the_end_refuses_the_start() {
    let mut rig = Rig::new(Mode::Full);
    let scripts = rig.dir.path().join("state/scripts");
    std::fs::write(&scripts, "in the way").unwrap();
    let mark = rig.dir.path().join("mark");
    let run = rig.script(&format!("touch {}", mark.display()));
    assert_eq!(rejected_code(&rig.start(&run)), "journal_unwritable");
    assert_eq!(rig.tasks.running(), 0);
    std::fs::remove_file(&scripts).unwrap();
    // What was refused stays refused: its end was told.
    assert_eq!(rejected_code(&rig.start(&run)), "journal_unwritable");
    assert!(!mark.exists());
}

#[tokio::test]
async fn a_daemon_ends_with_its_script_however_it_detached() {
    for (timeout_ms, body) in [(20_000, "exit 0"), (700, "sleep 60")] {
        let mut rig = Rig::new(Mode::Full);
        let pid_file = rig.dir.path().join("pid");
        let mut run = rig.script(&format!(
            "setsid sh -c 'trap \"\" TERM; echo $$ > {}; while :; do sleep 1; done' >/dev/null 2>&1 & \
             while [ ! -s {} ]; do sleep 0.01; done; {body}",
            pid_file.display(),
            pid_file.display()
        ));
        run.timeout_ms = timeout_ms;
        rig.start(&run);
        let (state, ..) = rig.finish(run.execution_id).await;
        assert!(matches!(state, ExecutionState::Finished { .. }), "{state:?}");
        assert!(!alive(&pid_file), "the daemon outlived {body}");
    }
}

#[tokio::test]
async fn a_hundred_megabytes_of_output_cost_a_bounded_disk_and_are_counted() {
    let mut rig = Rig::new(Mode::Full);
    let run = rig.script("head -c 104857600 /dev/zero; echo end");
    rig.start(&run);
    let (state, stdout, _) = rig.finish(run.execution_id).await;
    assert!(
        matches!(state, ExecutionState::Finished { exit_code: Some(0), stdout_bytes: 104_857_604, .. }),
        "{state:?}"
    );
    assert_eq!(stdout.len(), 512 * 1024);
    assert!(stdout.ends_with(b"end\n"));
}

#[tokio::test]
async fn root_runs_a_script_as_another_user() {
    if !rustix::process::geteuid().is_root() {
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "this test needs root");
        return;
    }
    let mut rig = Rig::new(Mode::Full);
    // As an installer that is more careful than it need be leaves it.
    let state = rig.dir.path().join("state");
    std::fs::set_permissions(&state, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let mut run = rig.script("id -u; id -un; id -G");
    run.user = Some("nobody".into());
    rig.start(&run);
    let (_, stdout, stderr) = rig.finish(run.execution_id).await;
    let account = account::find(Some("nobody")).unwrap();
    let text = String::from_utf8(stdout).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[..2],
        [account.uid.to_string(), "nobody".into()],
        "{}",
        String::from_utf8_lossy(&stderr)
    );
    assert_eq!(lines[2].split(' ').count(), account.groups.len(), "root's groups leak: {}", lines[2]);
}
