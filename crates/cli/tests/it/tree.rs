//! Promises that hold for every command, checked by walking the tree.

use clap::Command;
use watchtower_api_types::endpoints::ENDPOINTS;
use watchtower_cli::{Exit, root};

use crate::hub::watchtower;

/// Commands that need no hub.
const LOCAL: [&str; 5] = ["completion", "config import", "config show", "help", "logout"];

fn leaves(command: &Command, path: &str, found: &mut Vec<(String, Command)>) {
    for inner in command.get_subcommands() {
        let path = format!("{path} {}", inner.get_name()).trim().to_string();
        if inner.has_subcommands() {
            leaves(inner, &path, found);
        } else {
            found.push((path, inner.clone()));
        }
    }
}

fn all() -> Vec<(String, Command)> {
    let mut found = Vec::new();
    leaves(&root(Vec::new()), "", &mut found);
    found
}

/// The least that a command asks for: its positional and required arguments.
fn least(command: &Command) -> Vec<String> {
    let mut flags = Vec::new();
    let mut last = Vec::new();
    for arg in command.get_arguments() {
        let value = match arg.get_id().as_str() {
            "file" => "-",
            "shell" => "bash",
            "key-kind" => "ca",
            "tool" => "alertmanager",
            _ => "x",
        };
        match arg.get_long() {
            Some(long) if arg.is_required_set() => flags.extend([format!("--{long}"), value.to_string()]),
            Some("yes" | "password-stdin") => flags.push(format!("--{}", arg.get_long().unwrap())),
            None if arg.is_last_set() => last.extend(["--".to_string(), value.into()]),
            None if arg.get_id() == "what" => {}
            None => flags.push(value.into()),
            _ => {}
        }
    }
    flags.extend(last);
    flags
}

#[test]
fn every_command_has_help() {
    root(Vec::new()).debug_assert();
    for (path, command) in all() {
        assert!(command.get_about().is_some_and(|about| !about.to_string().is_empty()), "{path} has no help");
        for arg in command.get_arguments() {
            assert!(arg.get_help().is_some(), "{path}: {} has no help", arg.get_id());
        }
    }
    assert!(all().len() > 90, "{} commands", all().len());
}

#[test]
fn every_command_speaks_json_and_tells_that_the_hub_is_gone() {
    for (path, command) in all() {
        let mut args: Vec<String> = path.split(' ').map(String::from).collect();
        args.extend(["-o".into(), "json".into()]);
        if path == "login" {
            args.extend(["--name".into(), "ana".into()]);
        }
        if path.ends_with(" edit") {
            // Without anything to change it would be a usage error, before the hub is asked.
            args.extend(["--file".into(), "-".into()]);
        }
        args.extend(least(&command));
        let input = r#"{"name": "x", "matchers": "x", "route": {"receiver": "x"}}"#;
        let outcome =
            watchtower("http://127.0.0.1:1", &args.iter().map(String::as_str).collect::<Vec<_>>(), input);
        if LOCAL.contains(&path.as_str()) {
            assert_eq!(outcome.exit, Exit::Ok, "{path}: {outcome:?}");
            if path != "logout" {
                assert!(outcome.json().is_object(), "{path}");
            }
            continue;
        }
        if path == "rule test" {
            // It asks no hub, and what it is given here is no file of tests.
            assert_eq!(outcome.exit, Exit::Failed, "{path}: {outcome:?}");
            assert_eq!(outcome.error()["code"], "rule_test", "{path}");
            continue;
        }
        assert_eq!(outcome.exit, Exit::Unreachable, "{path}: {outcome:?}");
        assert_eq!(outcome.out, "", "{path}");
        assert_eq!(outcome.error()["code"], "unreachable", "{path}");
    }
}

#[test]
fn a_wrong_command_line_is_json_too() {
    let outcome = watchtower("http://127.0.0.1:1", &["server", "lst", "-o", "json"], "");
    assert_eq!((outcome.exit, outcome.out.as_str()), (Exit::Usage, ""));
    assert_eq!(outcome.error()["code"], "usage");
    let outcome = watchtower("http://127.0.0.1:1", &["server", "lst"], "");
    assert_eq!(outcome.exit, Exit::Usage);
    assert!(outcome.err.contains("list"), "{}", outcome.err);
}

#[test]
fn help_lists_the_exit_codes() {
    let outcome = watchtower("http://127.0.0.1:1", &["help", "exit-codes", "--no-headers"], "");
    assert!(outcome.out.contains("8\tthe hub cannot be reached\n"), "{}", outcome.out);
    let outcome = watchtower("http://127.0.0.1:1", &["help", "incident", "ack"], "");
    assert!(outcome.out.contains("Acknowledge"), "{}", outcome.out);
}

/// Endpoints that the command line leaves to the dashboard, with the reason.
const NOT_OURS: [&str; 5] = [
    // The first administrator is made from the printed link.
    "setup.create",
    // Only a browser has a subscription to give.
    "me.push_key",
    "me.add_browser",
    "me.test_browser",
    "me.remove_browser",
];

/// Endpoints reached under another word.
fn reached(id: &str) -> &str {
    match id {
        "setup.get" => "doctor",
        "me" => "whoami",
        "me.notify_rules" => "user notify",
        "overview" => "status",
        "analytics.incidents" => "incident stats",
        "on_call.list" => "on-call",
        "event.create" => "event send",
        "run.create" => "run start",
        "run.folded" => "run output",
        "page_hold.get" => "incident held",
        "page_hold.end" => "incident release",
        "halt.get" => "run halted",
        "halt.begin" => "run halt",
        "halt.end" => "run resume",
        "config.check" | "config.versions" => "config diff",
        "key.list" => "config keys show",
        "key.rotate" => "config keys rotate",
        "key.switch" => "config keys switch",
        "key.retire" => "config keys retire",
        "key.abort" => "config keys abort",
        "automation.close_breaker" => "automation close-breaker",
        other => other,
    }
}

#[test]
fn every_endpoint_has_its_command() {
    let paths: Vec<String> = all().into_iter().map(|(path, _)| path).collect();
    for endpoint in ENDPOINTS.iter().filter(|endpoint| !NOT_OURS.contains(&endpoint.id)) {
        let wanted = reached(endpoint.id).replace('.', " ").replace('_', "-");
        let wanted = wanted.strip_suffix(" update").map_or(wanted.clone(), |noun| format!("{noun} edit"));
        assert!(paths.contains(&wanted), "{} has no command {wanted:?}", endpoint.id);
    }
}
