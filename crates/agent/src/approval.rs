//! Whether an approver that the local policy names has signed exactly what is to be run.
//!
//! Invariant: the signature is verified over the transmitted bytes before they are parsed; a manifest permits nothing
//! that it does not name.

use watchtower_model::{APPROVAL_NAMESPACE, MANIFEST_FORMAT, Manifest, Timestamp};
use watchtower_protocol::{Approval, RunScript, SshKey, verify_ssh};

/// Variables that the hub sets beside a script's parameters: facts of the run, single lines.
const HUB_PREFIX: &str = "WATCHTOWER_";

/// `approvers` are public keys, one line each. The error says what does not fit.
pub fn check(
    approval: &Approval,
    approvers: &[String],
    run: &RunScript,
    now: Timestamp,
) -> Result<(), String> {
    Manifest::check_size(&approval.manifest)?;
    let key = verify_ssh(&approval.signature, APPROVAL_NAMESPACE, approval.manifest.as_bytes())
        .map_err(|error| format!("the approval's signature: {error}"))?;
    let known = approvers.iter().any(|line| SshKey::from_line(line).as_ref() == Ok(&key));
    if !known {
        return Err(format!("{} signed, who is not in approvers of the local policy", key.fingerprint()));
    }
    let manifest: Manifest = serde_json::from_str(&approval.manifest)
        .map_err(|error| format!("the approval's manifest is not understood: {error}"))?;
    fits(&manifest, run, now).map_err(|what| format!("the approval does not fit: {what}"))
}

fn fits(manifest: &Manifest, run: &RunScript, now: Timestamp) -> Result<(), String> {
    if manifest.format != MANIFEST_FORMAT {
        return Err(format!("its format is {}, not {MANIFEST_FORMAT}", manifest.format));
    }
    if now > manifest.expires_at {
        return Err(format!("it expired at {}; sign the script again", manifest.expires_at));
    }
    let same = [
        ("name", manifest.name == run.script_name),
        ("sha256", manifest.sha256 == run.script_sha256),
        ("interpreter", manifest.interpreter == run.interpreter),
        ("user", manifest.user == run.user),
        ("timeout_ms", run.timeout_ms <= manifest.timeout_ms),
    ];
    if let Some((field, _)) = same.iter().find(|(_, same)| !same) {
        return Err(format!("{field} is not what was approved"));
    }
    for (name, value) in &run.environment {
        match manifest.parameters.iter().find(|rule| rule.name == *name) {
            Some(rule) => rule.check(value).map_err(|why| format!("parameter {name} {why}"))?,
            None if name.starts_with(HUB_PREFIX) && !value.contains('\n') => {}
            None => return Err(format!("parameter {name} is not in it")),
        }
    }
    let given = |name: &String| run.environment.contains_key(name);
    match manifest.parameters.iter().find(|rule| rule.required && !given(&rule.name)) {
        Some(rule) => Err(format!("parameter {} is missing", rule.name)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use watchtower_model::{Id, ParameterKind, ParameterRule};

    const NOW: Timestamp = Timestamp(1_700_000_000_000);

    fn manifest() -> Manifest {
        let rule = |name: &str, kind, required| ParameterRule {
            name: name.into(),
            kind,
            required,
            choices: Vec::new(),
        };
        Manifest {
            format: MANIFEST_FORMAT,
            name: "restart".into(),
            version: 3,
            sha256: "ab".into(),
            interpreter: vec!["/bin/sh".into()],
            parameters: vec![
                rule("UNIT", ParameterKind::Text, true),
                rule("TRIES", ParameterKind::Integer, false),
            ],
            user: None,
            timeout_ms: 60_000,
            expires_at: NOW,
        }
    }

    fn run() -> RunScript {
        let pairs = [("UNIT", "nginx"), ("TRIES", "3"), ("WATCHTOWER_RUN", "7")];
        RunScript {
            execution_id: Id::NIL.into(),
            script_name: "restart".into(),
            script_sha256: "ab".into(),
            interpreter: vec!["/bin/sh".into()],
            body: String::new(),
            environment: pairs.into_iter().map(|(k, v)| (k.to_string(), v.to_string())).collect(),
            secrets: Vec::new(),
            timeout_ms: 60_000,
            user: None,
            ad_hoc: false,
            approval: None,
            update: None,
        }
    }

    #[test]
    fn only_what_was_signed_fits() {
        assert_eq!(fits(&manifest(), &run(), NOW), Ok(()));
        let environment = |name: &str, value: &str| {
            let mut run = run();
            run.environment.insert(name.into(), value.into());
            run
        };
        let missing = RunScript { environment: Default::default(), ..run() };
        for (run, part) in [
            (RunScript { script_sha256: "cd".into(), ..run() }, "sha256"),
            (RunScript { script_name: "x".into(), ..run() }, "name"),
            (RunScript { interpreter: vec!["/bin/sh".into(), "-c".into()], ..run() }, "interpreter"),
            (RunScript { user: Some("web".into()), ..run() }, "user"),
            (RunScript { timeout_ms: 60_001, ..run() }, "timeout_ms"),
            (environment("UNIT", "-f"), "UNIT"),
            (environment("TRIES", "many"), "TRIES"),
            (environment("EXTRA", "1"), "EXTRA"),
            (environment("WATCHTOWER_X", "a\nb"), "WATCHTOWER_X"),
            (missing, "UNIT is missing"),
        ] {
            let why = fits(&manifest(), &run, NOW).unwrap_err();
            assert!(why.contains(part), "{why}");
        }
        assert!(fits(&manifest(), &run(), NOW.plus_ms(1)).unwrap_err().contains("expired"));
        assert!(fits(&Manifest { format: 2, ..manifest() }, &run(), NOW).unwrap_err().contains("format"));
    }
}
