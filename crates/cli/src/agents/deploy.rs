//! `agent deploy`, `upgrade`, `rollback` and `uninstall`: many hosts at once, one host's failure its own.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Instant;

use clap::{Arg, ArgAction, ArgMatches, Command};
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Semaphore;
use watchtower_deploy::{Action, AgentPolicy, Bastions, Failure as Failed, Job, Notice, Outcome, deploy};

use super::board::{Board, DRAW_EVERY};
use super::port::HttpPort;
use super::result::{SHAPE, explained, has_failed, row};
use super::targets::bulk;
use crate::failure::{Done, Exit, Failure};
use crate::nouns::Special;
use crate::session::Session;

/// Hosts at once where `--parallel` does not say.
const PARALLEL_DEFAULT: &str = "10";
const PARALLEL_MAX: i64 = 50;
/// Key exchanges are computed on these.
const THREADS: usize = 2;

pub static DEPLOY: Special = Special {
    args: |command| install_args(command.about("Install the agent over SSH, and wait for its first report")),
    run: |session, matches| act(session, matches, Action::Install),
};

pub static UPGRADE: Special = Special {
    args: |command| {
        install_args(
            command.about("Bring agents to the hub's version; one that does not report is rolled back"),
        )
    },
    run: |session, matches| act(session, matches, Action::Install),
};

pub static ROLLBACK: Special = Special {
    args: |command| {
        ssh_args(
            command.about("Put agents back to the version that is kept on the host; the same again returns"),
        )
    },
    run: |session, matches| act(session, matches, Action::RollBack),
};

pub static UNINSTALL: Special = Special {
    args: |command| {
        let command = command.about("Remove the agent over SSH, and check that nothing is left");
        ssh_args(command).arg(takeover())
    },
    run: |session, matches| act(session, matches, Action::Uninstall),
};

fn install_args(command: Command) -> Command {
    let policies = AgentPolicy::ALL.map(AgentPolicy::as_str);
    ssh_args(command).arg(takeover()).arg(
        Arg::new("policy")
            .long("policy")
            .value_name("MODE")
            .value_parser(policies)
            .default_value(AgentPolicy::Full.as_str())
            .help("What a host without a policy file lets the hub do; an existing one stays"),
    )
}

fn value(name: &'static str, placeholder: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(placeholder).help(help)
}

fn flag(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
}

/// Not for a rollback: an agent that does not report here cannot show that it works.
fn takeover() -> Arg {
    flag("takeover", "Also hosts that belong to another hub, or to another server of this one")
}

fn ssh_args(command: Command) -> Command {
    let parallel = value("parallel", "N", "Hosts at once");
    command.args([
        Arg::new("target")
            .num_args(0..)
            .value_name("TARGET")
            .help("[user@]host[:port], with ranges as web-[01..20] or 10.0.0.[11..18]; names of ssh_config"),
        value("from", "FILE", "More targets: CSV with a header (.csv), or an Ansible inventory in INI form"),
        value("name", "NAME", "Name of the server in the hub, where it is not that of the target"),
        value("user", "U", "User to sign in as"),
        value("key-file", "F", "Private key; without it those of ssh_config, of ssh-agent, and ~/.ssh/id_*"),
        flag("ask-password", "Sign in with a password (without a terminal: a line of stdin)")
            .conflicts_with("key-file"),
        flag("ask-sudo", "Give sudo a password (without a terminal: a line of stdin)"),
        value("host-key", "SHA256:…", "The host's fingerprint, confirmed: no other key is accepted"),
        flag("strict-host-keys", "Refuse hosts whose key was never seen, also when signing in by key"),
        value("jump", "H", "Jump host; several by comma, first to last")
            .action(ArgAction::Append)
            .value_delimiter(','),
        value("ssh-config", "F", "In place of ~/.ssh/config"),
        parallel
            .default_value(PARALLEL_DEFAULT)
            .value_parser(clap::value_parser!(i64).range(1..=PARALLEL_MAX)),
        flag("legacy-algorithms", "Allow SHA-1 algorithms, for very old SSH servers"),
        flag("dry-run", "Show what would be done").short('n'),
        flag("yes", "Do not ask").short('y'),
    ])
}

/// What the deployments tell the one who shows it.
enum News {
    Notice(usize, Notice),
    Ended(usize, Result<Outcome, Failed>, f64),
}

fn act(session: &mut Session, matches: &ArgMatches, action: Action) -> Done {
    let bulk = bulk(session, matches, action)?;
    let own = session.settings.path.with_file_name("known_hosts");
    let home = session.env.get("HOME").map(|home| std::path::Path::new(home).join(".ssh/known_hosts"));
    let files = std::iter::once(own).chain(home).collect();
    let port = Arc::new(HttpPort::new(session.hub.clone(), files, bulk.labels)?);
    if !matches.get_flag("dry-run") {
        let verb = match action {
            Action::Install => "install the agent on",
            Action::RollBack => "put the agent back to the version before on",
            Action::Uninstall => "remove the agent from",
        };
        let count = bulk.jobs.len();
        let what = if count == 1 { bulk.jobs[0].login.target.to_string() } else { format!("{count} hosts") };
        session.confirm(matches.get_flag("yes"), &format!("{verb} {what}?"))?;
    }
    let runtime = Builder::new_multi_thread().worker_threads(THREADS).enable_all().build()?;
    let parallel = matches.get_one::<i64>("parallel").map_or(1, |parallel| *parallel as usize);
    let (tell, news) = channel();
    start(&runtime, &bulk.jobs, &port, parallel, &tell);
    drop(tell);
    let rows = watch(session, &bulk.jobs, &news);
    finish(session, rows)
}

/// Starts all; as many at once as `parallel` says.
fn start(runtime: &Runtime, jobs: &[Job], port: &Arc<HttpPort>, parallel: usize, tell: &Sender<News>) {
    let (slots, bastions) = (Arc::new(Semaphore::new(parallel)), Arc::new(Bastions::new()));
    for (at, job) in jobs.iter().cloned().enumerate() {
        let (slots, bastions, port, tell) =
            (Arc::clone(&slots), Arc::clone(&bastions), Arc::clone(port), tell.clone());
        runtime.spawn(async move {
            let Ok(_slot) = slots.acquire().await else { return };
            let begun = Instant::now();
            // Nobody listens any more only when the command has ended.
            let progress = |notice| drop(tell.send(News::Notice(at, notice)));
            let result = deploy(&job, &*port, &progress, &bastions).await;
            let _ = tell.send(News::Ended(at, result, begun.elapsed().as_secs_f64()));
        });
    }
}

/// Shows what goes on until all have ended: a row each, in the jobs' order.
fn watch(session: &mut Session, jobs: &[Job], news: &Receiver<News>) -> Vec<Value> {
    let names = jobs.iter().map(|job| job.server.clone()).collect();
    let mut board = Board::new(&session.print, names);
    let mut rows = vec![Value::Null; jobs.len()];
    loop {
        match news.recv_timeout(DRAW_EVERY) {
            Ok(News::Notice(at, notice)) => {
                board.take(&mut session.print, at, notice);
                continue;
            }
            Ok(News::Ended(at, result, took)) => {
                rows[at] = row(&jobs[at], &result, took, board.steps(at));
                let word = rows[at]["failure"]["code"].as_str().or(rows[at]["result"].as_str()).unwrap_or("");
                board.ended(at, has_failed(&rows[at]), word);
                continue;
            }
            Err(RecvTimeoutError::Timeout) => board.draw(&mut session.print),
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    board.draw(&mut session.print);
    rows
}

fn finish(session: &mut Session, rows: Vec<Value>) -> Done {
    let failed = rows.iter().filter(|row| has_failed(row)).count();
    if session.print.format.is_text() {
        let lines: Vec<String> = rows.iter().flat_map(explained).collect();
        lines.iter().for_each(|line| session.print.say(line));
    }
    let count = rows.len();
    session.print.list(&SHAPE, &json!({ "items": rows }))?;
    match failed {
        0 => Ok(Exit::Ok),
        failed if failed < count => Ok(Exit::Partial),
        _ => Err(Failure::new(Exit::Failed, "deployment", format!("{failed} of {count} failed"))
            .hint("mend what is said above, then run the same command again: what is done stays done")),
    }
}
