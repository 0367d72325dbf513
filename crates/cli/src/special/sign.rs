//! `script sign`: an approver's signature on a script, made here with a key that the hub never sees.
//!
//! Invariant: what is signed is what was shown: the hash is computed from the text that the hub gave, never taken over.

use std::io::Write;
use std::process::{Command as Program, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use clap::{Arg, ArgAction, ArgMatches, Command};
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};
use watchtower_model::{APPROVAL_NAMESPACE, MANIFEST_FORMAT, Manifest, Timestamp, parse_duration_ms};

use crate::client::endpoint;
use crate::failure::{Done, Exit, Failure};
use crate::nouns::{SCRIPT_SHAPE, Special};
use crate::session::Session;

/// How long a signature holds when nothing else is said: scripts change, and so do people.
const EXPIRES: &str = "365d";

pub static SIGN: Special = Special { args, run: sign };

fn args(command: Command) -> Command {
    command.about(endpoint("script.sign").summary).args([
        Arg::new("script").required(true).value_name("SCRIPT").help("Id or name"),
        Arg::new("key")
            .long("key")
            .required(true)
            .value_name("FILE")
            .help("Ed25519 key; the public half will do when ssh-agent or a security token has the other"),
        Arg::new("expires")
            .long("expires")
            .value_name("DURATION")
            .default_value(EXPIRES)
            .help("How long the signature holds"),
        Arg::new("yes").short('y').long("yes").action(ArgAction::SetTrue).help("Do not show and ask"),
    ])
}

fn sign(session: &mut Session, matches: &ArgMatches) -> Done {
    let text = |name: &str| matches.get_one::<String>(name).cloned().unwrap_or_default();
    let script = session.hub.get("script.get", &[&text("script")])?;
    let expires =
        parse_duration_ms(&text("expires")).map_err(|error| Failure::usage(format!("--expires: {error}")))?;
    let manifest = manifest(&script, now().plus_ms(expires))?;
    if !matches.get_flag("yes") {
        review(&script, &manifest).lines().for_each(|line| session.print.say(line));
    }
    let question = format!("sign version {} of script {:?}", manifest.version, manifest.name);
    session.confirm(matches.get_flag("yes"), &question)?;
    let manifest = serde_json::to_string(&manifest).map_err(|error| odd(&error.to_string()))?;
    let signature = ssh_keygen(&text("key"), &manifest)?;
    let body = json!({"manifest": manifest, "signature": signature});
    let signed = session.hub.call("script.sign", &[&text("script")], &[], Some(&body))?;
    session.print.object(&SCRIPT_SHAPE, &signed)?;
    Ok(Exit::Ok)
}

/// Of the script as it was read; its own word on the hash is not asked.
fn manifest(script: &Value, expires_at: Timestamp) -> Result<Manifest, Failure> {
    let body = script["body"].as_str().ok_or_else(|| odd("no body"))?;
    let sha256: String =
        digest(&SHA256, body.as_bytes()).as_ref().iter().map(|b| format!("{b:02x}")).collect();
    if script["sha256"] != json!(sha256) {
        return Err(odd("its sha256 is not that of its body"));
    }
    let parameters = script["parameters"].as_array().cloned().unwrap_or_default();
    let rules: Vec<Value> = parameters
        .iter()
        .map(|p| json!({"name": p["name"], "kind": p["kind"], "required": p["required"], "choices": p["choices"]}))
        .collect();
    let seconds = script["timeout_seconds"].as_f64().ok_or_else(|| odd("no timeout"))?;
    let manifest = json!({
        "format": MANIFEST_FORMAT,
        "name": script["name"],
        "version": script["version"],
        "sha256": sha256,
        "interpreter": script["interpreter"],
        "parameters": rules,
        "user": script["user"],
        "timeout_ms": (seconds * 1000.0).round() as u64,
        "expires_at": expires_at,
    });
    serde_json::from_value(manifest).map_err(|error| odd(&error.to_string()))
}

fn review(script: &Value, manifest: &Manifest) -> String {
    let parameters: Vec<String> =
        manifest.parameters.iter().map(|rule| format!("{} ({:?})", rule.name, rule.kind)).collect();
    format!(
        "{}\n---\nsha256      {}\ninterpreter {}\nparameters  {}\nruns as     {}\nat most     {} s\nholds until {}",
        script["body"].as_str().unwrap_or(""),
        manifest.sha256,
        manifest.interpreter.join(" "),
        parameters.join(", "),
        manifest.user.as_deref().unwrap_or("the agent's own user (root)"),
        manifest.timeout_ms / 1000,
        manifest.expires_at.to_rfc3339(),
    )
}

/// OpenSSH's own tool: it asks for a passphrase, talks to ssh-agent and to security tokens.
fn ssh_keygen(key: &str, manifest: &str) -> Result<String, Failure> {
    let failed = |why: String| {
        Failure::new(Exit::Failed, "not_signed", why)
            .hint("is OpenSSH installed, and the key an Ed25519 one?")
    };
    let spawned = Program::new("ssh-keygen")
        .args(["-Y", "sign", "-n", APPROVAL_NAMESPACE, "-f", key])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = spawned.map_err(|error| failed(format!("ssh-keygen cannot be started: {error}")))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A tool that ended early says why below.
        let _ = stdin.write_all(manifest.as_bytes());
    }
    let output = child.wait_with_output().map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        return Err(failed(format!("ssh-keygen: {}", String::from_utf8_lossy(&output.stderr).trim())));
    }
    String::from_utf8(output.stdout).map_err(|_| failed("ssh-keygen gave no text".into()))
}

fn odd(what: &str) -> Failure {
    Failure::new(Exit::Failed, "odd_script", format!("the script cannot be signed: {what}"))
}

fn now() -> Timestamp {
    Timestamp(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_that_of_the_text_and_a_hub_that_says_otherwise_is_told_of() {
        let mut script = json!({
            "name": "x", "version": 2, "body": "true\n", "interpreter": ["/bin/sh"], "user": null, "timeout_seconds": 1.5,
            "sha256": "a43e44b6fe2a4cb5b2c5b3cb5bd3ba9ba48c1aba11a0a9e8aa3d1e5a4cc0ae8f",
            "parameters": [{"name": "UNIT", "kind": "text", "required": true, "choices": [], "default": null, "description": ""}],
        });
        assert!(manifest(&script, Timestamp(5)).is_err());
        let hash = digest(&SHA256, b"true\n").as_ref().iter().map(|b| format!("{b:02x}")).collect::<String>();
        script["sha256"] = json!(hash);
        let manifest = manifest(&script, Timestamp(5)).unwrap();
        assert_eq!(
            (manifest.timeout_ms, manifest.parameters.len(), manifest.expires_at),
            (1500, 1, Timestamp(5))
        );
    }
}
