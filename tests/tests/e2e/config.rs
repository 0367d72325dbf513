//! Configuration as code against a real hub: written out, compared, applied, by the real command.

use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;
use watchtower_tests::api::Api;
use watchtower_tests::cli::{Cli, Said};
use watchtower_tests::hub::{Hub, Setup};
use watchtower_tests::paging::text;

const SECRET_URL: &str = "https://hooks.slack.com/services/T0/B0/very-secret";

/// `watchtower config WORDS`, with a secret in its environment.
fn config(hub: &Hub, words: &[&str]) -> Said {
    Cli::new(&hub.url()).env("HOOK", SECRET_URL).run(&[&["config"], words].concat(), "")
}

fn good(hub: &Hub, words: &[&str]) -> String {
    let said = config(hub, words);
    assert_eq!(said.exit, 0, "{words:?}: {said:?}");
    said.out
}

fn put(dir: &TempDir, name: &str, text: &str) -> String {
    let path = dir.path().join(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

/// One of each noun, with references wherever there can be some.
const ONE_OF_EACH: &str = include_str!("config/all.yaml");

fn ada(api: &Api) {
    let user = json!({"name": "ada", "role": "responder", "password": "correct horse battery staple"});
    api.post("/users", &user);
}

#[test]
fn what_was_exported_changes_nothing_and_makes_another_hub_the_same() {
    let (hub, dir) = (Hub::start(Setup::default()), TempDir::with_prefix("wt-config-").unwrap());
    ada(&hub.api());
    put(&dir, "password.txt", "sesame\n");
    let file = put(&dir, "all.yaml", ONE_OF_EACH);
    let diff = config(&hub, &["diff", &file]);
    assert_eq!(diff.exit, 10, "{}{}", diff.out, diff.errors);
    assert!(diff.out.contains("+ service payments\n") && !diff.out.contains("sesame"), "{}", diff.out);
    let done = good(&hub, &["apply", &file, "-o", "json"]);
    let done: Value = serde_json::from_str(&done).unwrap();
    let key =
        done["items"].as_array().unwrap().iter().find(|one| one["name"] == "prom").unwrap()["key"].clone();
    assert_eq!(text(&key).len(), 32, "a key is shown once: {done}");

    // Whatever the hub makes of it: written out, it is what the hub has.
    let exported = good(&hub, &["export"]);
    assert!(!exported.contains("sesame") && !exported.contains("very-secret"), "{exported}");
    assert_eq!(good(&hub, &["export"]), exported, "the same hub, the same bytes");
    let again = put(&dir, "exported.yaml", &exported);
    let diff = config(&hub, &["diff", &again, "--prune"]);
    assert_eq!((diff.exit, diff.out.as_str()), (0, ""), "{}", diff.errors);
    let before = hub.api().list("/audit?limit=500").len();
    good(&hub, &["apply", &again, "--prune"]);
    assert_eq!(hub.api().list("/audit?limit=500").len(), before, "nothing is written for nothing");
    // As a person wrote it, too, but for the secrets that it gives.
    let diff = config(&hub, &["diff", &file, "--keep-secrets"]);
    assert_eq!((diff.exit, diff.out.as_str()), (0, ""), "{}", diff.errors);
    let diff = config(&hub, &["diff", &file]);
    let lines: Vec<&str> = diff.out.lines().map(str::trim).collect();
    assert_eq!(
        lines,
        [
            "~ channel chat",
            "config.url: (secret) -> (from env HOOK)",
            "~ channel mail",
            "config.password: (secret) -> (from file password.txt)",
            "~ automation mender",
            "parameters.KEY: (secret) -> (from env HOOK)",
        ]
    );

    // Every noun is in it: an empty list would be the same without the test's knowing.
    let whole: Value = serde_json::from_str(&good(&hub, &["export", "-o", "json"])).unwrap();
    for (noun, objects) in whole.as_object().unwrap() {
        assert!(!objects.as_array().unwrap().is_empty(), "{noun}");
    }
    same_elsewhere(&hub, &dir);
}

/// A folder of files makes another hub what this one is, but for the secrets, which are given anew.
fn same_elsewhere(hub: &Hub, dir: &TempDir) {
    let other = Hub::start(Setup::default());
    ada(&other.api());
    let folder = dir.path().join("folder").display().to_string();
    good(hub, &["export", "--dir", &folder]);
    let lacks = config(&other, &["apply", &folder]);
    assert_eq!(lacks.exit, 9, "{}", lacks.errors);
    assert!(
        lacks.errors.contains("channels.yaml:") && lacks.errors.contains("channel \"chat\""),
        "{}",
        lacks.errors
    );
    assert!(other.api().list("/services").len() == 1, "nothing is written where something is wrong");
    let path = Path::new(&folder).join("channels.yaml");
    let channels = std::fs::read_to_string(&path).unwrap();
    let channels = channels
        .replace("kind: slack", "kind: slack\n      url: {env: HOOK}")
        .replace("kind: email", "kind: email\n      password: {env: HOOK}");
    std::fs::write(&path, channels).unwrap();
    good(&other, &["apply", &folder]);
    let only = |hub: &Hub| {
        let text = good(hub, &["export"]);
        text.lines().filter(|line| !line.starts_with("# The configuration of")).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(only(&other), only(hub));
}

#[test]
fn mistakes_are_named_with_their_lines_and_nothing_is_written() {
    let (hub, dir) = (Hub::start(Setup::default()), TempDir::with_prefix("wt-config-").unwrap());
    let cases = [
        ("services:\n  - name: a\n    polcy: Default\n", ":3: unknown field \"polcy\": did you mean policy?"),
        ("servces: []\n", ":1: unknown key \"servces\": did you mean services?"),
        (
            "services:\n  - name: a\n    policy: Defalt\n",
            ":3: policy \"Defalt\" is neither on the hub nor in the files: did you mean \"Default\"?",
        ),
        ("teams:\n  - name: a\n  - name: a\n", ":3: team \"a\" is also at"),
        ("teams:\n  - members: []\n", ":2: has no name"),
        ("rules:\n  - name: fine\n    expr: up\n  - name: bad\n    expr: sum(\n", ":4: rule \"bad\": expr: "),
        (
            "channels:\n  - name: a\n    config: {kind: slack, url: {env: NOT_SET}}\n",
            ":3: env NOT_SET: is not set",
        ),
        ("teams:\n  - name: a\n    members: {b: c}\n", ":2: team \"a\": "),
        (
            "routes:\n  - matchers: a=b\n    service: default\n    position: 3\n",
            ":4: unknown field \"position\"",
        ),
        (
            "policies:\n  - name: p\n    steps: [{delay_seconds: 60, targets: [{kind: channel, name: nobody}]}]\n",
            ":3: channel \"nobody\" is neither",
        ),
        ("teams: {}\n", ":1: teams must be a list"),
    ];
    let before = hub.api().list("/audit?limit=500").len();
    for (written, wrong) in cases {
        let file = put(&dir, "wrong.yaml", written);
        for verb in ["apply", "diff"] {
            let said = config(&hub, &[verb, &file]);
            assert_eq!(said.exit, 9, "{written}: {}{}", said.out, said.errors);
            assert!(said.errors.contains(&format!("wrong.yaml{wrong}")), "{written}: {}", said.errors);
        }
    }
    assert_eq!(hub.api().list("/audit?limit=500").len(), before);
}

#[test]
fn only_what_the_files_name_is_deleted_and_routes_go_to_their_places() {
    let (hub, dir) = (Hub::start(Setup::default()), TempDir::with_prefix("wt-config-").unwrap());
    let api = hub.api();
    let routes = |order: &[&str]| {
        let route = |env: &&str| format!("  - matchers: env=\"{env}\"\n    service: default\n");
        format!("routes:\n{}", order.iter().map(route).collect::<String>())
    };
    let order = || -> Vec<String> {
        let all = api.list("/routes").into_iter().map(|route| text(&route["matchers"]));
        all.map(|text| text.trim_matches(['{', '}']).replace("env=", "").replace('"', "")).collect()
    };
    let apply = |text: &str, more: &[&str]| {
        let file = put(&dir, "routes.yaml", text);
        config(&hub, &[&["apply", &file], more].concat())
    };
    for wanted in [&["a", "b", "c"][..], &["c", "a", "b"], &["a", "x", "c", "y", "b"]] {
        let said = apply(&routes(wanted), &[]);
        assert_eq!(said.exit, 0, "{}", said.errors);
        assert_eq!(order(), [wanted, &[""]].concat());
        let file = put(&dir, "routes.yaml", &routes(wanted));
        assert_eq!(config(&hub, &["diff", &file]).exit, 0);
    }
    // What the files do not have stays, behind what they do.
    assert_eq!(apply(&routes(&["b", "a"]), &[]).exit, 0);
    assert_eq!(order(), ["b", "a", "x", "c", "y", ""]);
    // Deleting is asked for, and needs a yes.
    let asked = apply(&routes(&["b", "a"]), &["--prune"]);
    assert!(asked.exit == 2 && asked.errors.contains("needs a yes"), "{} {}", asked.exit, asked.errors);
    let said = apply(&routes(&["b", "a"]), &["--prune", "--yes"]);
    assert_eq!(said.exit, 0, "{}", said.errors);
    assert_eq!(order(), ["b", "a", ""]);
    assert!(!api.list("/rules").is_empty() && api.list("/teams").len() == 1, "other nouns are not named");

    // A team that a policy uses is refused before anything is deleted.
    let said = apply("teams: []\nmaintenance_windows: []\n", &["--prune", "--yes"]);
    assert!(said.exit == 9 && said.errors.contains("policy \"Default\" pages this team"), "{}", said.errors);
    assert_eq!(api.list("/teams").len(), 1);
}
