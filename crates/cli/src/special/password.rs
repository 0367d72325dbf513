//! `user password`: the new one from a prompt or stdin, never from a flag.

use clap::{Arg, ArgAction, Command};
use serde_json::json;

use crate::client::endpoint;
use crate::failure::{Exit, Failure};
use crate::nouns::Special;

pub static PASSWORD: Special = Special {
    args: |command: Command| {
        command.about(endpoint("user.password").summary).args([
            Arg::new("user").required(true).value_name("USER").help("Id or name"),
            Arg::new("password-stdin").long("password-stdin").action(ArgAction::SetTrue).help(
                "Read the new password from the first line of stdin, one's current one from the second",
            ),
        ])
    },
    run: |session, matches| {
        let user = matches.get_one::<String>("user").cloned().unwrap_or_default();
        let (new, current) = if matches.get_flag("password-stdin") {
            (session.line()?, session.line()?)
        } else {
            let current = session.ask_secret("Current password (empty for another user's)")?;
            let new = session.ask_secret("New password")?;
            if session.ask_secret("New password again")? != new {
                return Err(Failure::usage("the two passwords differ"));
            }
            (new, current)
        };
        let current = Some(current).filter(|text| !text.is_empty());
        session.hub.call("user.password", &[&user], &[], Some(&json!({ "new": new, "current": current })))?;
        session.print.say(format!("the password of {user} is changed"));
        Ok(Exit::Ok)
    },
};
