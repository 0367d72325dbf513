//! `login`, `logout`, `whoami`: an API token in the user's own file, instead of a password anywhere.

use clap::{Arg, ArgAction, Command};
use serde_json::{Value, json};
use watchtower_api_types::endpoints::Method;

use crate::failure::{Exit, Failure};
use crate::nouns::Special;
use crate::output::cell::{As, Shape, column};
use crate::session::{Session, now_ms};
use crate::settings::{self, ConfigFile};

/// A forgotten laptop must not hold a key for ever.
const TOKEN_SECONDS: u64 = 90 * 86_400;

pub static ME: Shape = Shape {
    key: "name",
    columns: &[
        column("NAME", "name", As::Text, 0),
        column("ROLE", "role", As::Text, 0),
        column("SCOPES", "scopes", As::Text, 1),
        column("HUB", "hub_version", As::Text, 2),
    ],
};

pub static WHOAMI: Special = Special {
    args: |command: Command| command.about("Who this command line acts as"),
    run: |session, _| {
        let me = session.hub.get("me", &[])?;
        session.print.object(&ME, &me)?;
        Ok(Exit::Ok)
    },
};

pub static LOGIN: Special = Special {
    args: |command: Command| {
        command.about("Sign in and save an API token in the configuration file").args([
            Arg::new("name").long("name").value_name("USER").help("User name; asked for when absent"),
            Arg::new("password-stdin")
                .long("password-stdin")
                .action(ArgAction::SetTrue)
                .requires("name")
                .help("Read the password from stdin"),
            Arg::new("token-stdin")
                .long("token-stdin")
                .action(ArgAction::SetTrue)
                .conflicts_with_all(["name", "password-stdin"])
                .help("Save the API token that stdin holds, instead of making one"),
        ])
    },
    run: |session, matches| {
        let (token, token_id) = if matches.get_flag("token-stdin") {
            (session.line()?.trim().to_string(), None)
        } else {
            let name = match matches.get_one::<String>("name") {
                Some(name) => name.clone(),
                None => session.ask("User")?,
            };
            let from_stdin = matches.get_flag("password-stdin");
            let password = if from_stdin { session.line()? } else { session.ask_secret("Password")? };
            let (token, id) = make_token(session, &name, &password)?;
            (token, Some(id))
        };
        let me = session.hub.with_token(&token).get("me", &[])?;
        let (url, path) = (session.settings.url.clone(), session.settings.path.clone());
        let ca_file = session.settings.ca_file.clone();
        settings::write(
            &path,
            &ConfigFile { url: Some(url.clone()), token: Some(token), token_id, ca_file },
        )?;
        session.print.say(format!("signed in to {url}; the token is in {}", path.display()));
        if session.settings.token_from == settings::Origin::Environment {
            session
                .print
                .say("WATCHTOWER_TOKEN or WATCHTOWER_TOKEN_FILE is set and goes before the saved one");
        }
        session.print.object(&ME, &me)?;
        Ok(Exit::Ok)
    },
};

/// Begins a session, makes a token by it, ends it.
fn make_token(session: &Session, name: &str, password: &str) -> Result<(String, String), Failure> {
    let login = json!({ "name": name, "password": password });
    let origin = session.hub.url.clone();
    let anonymous = session.hub.without_token();
    let answer = anonymous.send(Method::Post, "/api/v1/login", Some(&login), &[("origin", &origin)])?;
    let cookie = answer.cookie.as_deref().and_then(|cookie| cookie.split(';').next()).unwrap_or_default();
    if cookie.is_empty() {
        return Err(Failure::new(Exit::Failed, "answer", "the hub's answer has no session"));
    }
    let headers = [("cookie", cookie), ("origin", origin.as_str())];
    let wanted = json!({
        "name": format!("cli {name} {}", now_ms() / 1000),
        "role": answer.value["user"]["role"],
        "scopes": ["all"],
        "servers": answer.value["user"]["servers"],
        "expires_in_seconds": TOKEN_SECONDS,
    });
    let made = anonymous.send(Method::Post, "/api/v1/tokens", Some(&wanted), &headers);
    // The session has done its part, whether there is a token or not; it would end by itself too.
    let _ = anonymous.send(Method::Post, "/api/v1/logout", None, &headers);
    let mut made = made.map(|answer| answer.value).map_err(|failure| match failure.exit {
        Exit::Denied => {
            failure.hint("ask an administrator for an API token, then: watchtower login --token-stdin")
        }
        _ => failure,
    })?;
    match (made["secret"].take(), made["token"]["id"].take()) {
        (Value::String(secret), Value::String(id)) => Ok((secret, id)),
        _ => Err(Failure::new(Exit::Failed, "answer", "the hub's answer has no token")),
    }
}

pub static LOGOUT: Special = Special {
    args: |command: Command| command.about("Revoke the saved API token and forget it"),
    run: |session, _| {
        let file = session.settings.file.clone();
        if file.token.is_none() {
            session.print.say("no token is saved");
            return Ok(Exit::Ok);
        }
        // Forgotten here in any case; revoking needs the hub and the right to.
        let kept = ConfigFile { token: None, token_id: None, ..file.clone() };
        settings::write(&session.settings.path, &kept)?;
        let revoked = match (&file.token, &file.token_id) {
            (Some(token), Some(id)) => {
                session.hub.with_token(token).call("token.delete", &[id], &[], None).map(|_| ())
            }
            _ => Err(Failure::new(Exit::Failed, "unknown", "it was not made by `login`")),
        };
        match revoked {
            Ok(()) => session.print.say("the token is revoked and forgotten"),
            Err(failure) => {
                session.print.say(format!("the token is forgotten here, but not revoked: {failure}"))
            }
        }
        Ok(Exit::Ok)
    },
};
