//! `login`, `logout`, `whoami`: a session of one's own in the user's file, instead of a password anywhere.
//!
//! What is done at the command line is done by the person: the same rights as in the dashboard, and their name in every timeline.

use clap::{Arg, ArgAction, Command};
use serde_json::json;
use watchtower_api_types::endpoints::Method;

use crate::failure::{Exit, Failure};
use crate::nouns::Special;
use crate::output::cell::{As, Shape, column};
use crate::session::Session;
use crate::settings::{self, ConfigFile};

/// How secrets of sessions begin.
const SESSION_PREFIX: &str = "wts_";

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
        command.about("Sign in as a person and keep the session in the configuration file").args([
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
                .help("Save the API token that stdin holds, instead of signing in"),
        ])
    },
    run: |session, matches| {
        let token = if matches.get_flag("token-stdin") {
            session.line()?.trim().to_string()
        } else {
            let name = match matches.get_one::<String>("name") {
                Some(name) => name.clone(),
                None => session.ask("User")?,
            };
            let from_stdin = matches.get_flag("password-stdin");
            let password = if from_stdin { session.line()? } else { session.ask_secret("Password")? };
            sign_in(session, &name, &password)?
        };
        let me = session.hub.with_token(&token).get("me", &[])?;
        let (url, path) = (session.settings.url.clone(), session.settings.path.clone());
        let ca_file = session.settings.ca_file.clone();
        settings::write(&path, &ConfigFile { url: Some(url.clone()), token: Some(token), ca_file })?;
        session.print.say(format!("signed in to {url}; what says so is in {}", path.display()));
        if session.settings.token_from == settings::Origin::Environment {
            session
                .print
                .say("WATCHTOWER_TOKEN or WATCHTOWER_TOKEN_FILE is set and goes before the saved one");
        }
        session.print.object(&ME, &me)?;
        Ok(Exit::Ok)
    },
};

/// The secret of a new session.
fn sign_in(session: &Session, name: &str, password: &str) -> Result<String, Failure> {
    let login = json!({ "name": name, "password": password });
    let origin = session.hub.url.clone();
    let anonymous = session.hub.without_token();
    let answer = anonymous.send(Method::Post, "/api/v1/login", Some(&login), &[("origin", &origin)])?;
    let cookie = answer.cookie.as_deref().and_then(|cookie| cookie.split(';').next());
    let secret =
        cookie.and_then(|cookie| Some(cookie.split_once('=')?.1)).filter(|secret| !secret.is_empty());
    secret
        .map(String::from)
        .ok_or_else(|| Failure::new(Exit::Failed, "answer", "the hub's answer has no session"))
}

pub static LOGOUT: Special = Special {
    args: |command: Command| command.about("End the saved session, or forget the saved API token"),
    run: |session, _| {
        let file = session.settings.file.clone();
        let Some(token) = &file.token else {
            session.print.say("nobody is signed in");
            return Ok(Exit::Ok);
        };
        // Forgotten here in any case; what it is worth elsewhere only the hub can end.
        settings::write(&session.settings.path, &ConfigFile { token: None, ..file.clone() })?;
        if !token.starts_with(SESSION_PREFIX) {
            session.print.say("the API token is forgotten here; to revoke it: watchtower token delete");
            return Ok(Exit::Ok);
        }
        match session.hub.with_token(token).call("logout", &[], &[], None) {
            Ok(_) => session.print.say("the session is ended"),
            Err(failure) => {
                session.print.say(format!("the session is forgotten here, but not ended: {failure}"));
            }
        }
        Ok(Exit::Ok)
    },
};
