//! `help`: of a command, or a topic.

use clap::{Arg, Command};
use serde_json::json;

use crate::failure::{Exit, Failure};
use crate::nouns::Special;
use crate::output::Format;
use crate::output::cell::{As, Shape, column};
use crate::settings::URL_DEFAULT;

static CODES: Shape = Shape {
    key: "code",
    columns: &[column("CODE", "code", As::Text, 0), column("MEANING", "meaning", As::Text, 0)],
};
static TEXT: Shape = Shape {
    key: "topic",
    columns: &[column("TOPIC", "topic", As::Text, 0), column("TEXT", "text", As::Text, 0)],
};

fn topic(name: &str) -> Option<String> {
    Some(match name {
        "environment" => format!(
            "WATCHTOWER_URL         the hub ({URL_DEFAULT} when absent)\n\
             WATCHTOWER_TOKEN       API token\n\
             WATCHTOWER_TOKEN_FILE  file with the API token; preferred\n\
             WATCHTOWER_CA_FILE     PEM file of the authority behind the hub's certificate\n\
             XDG_CONFIG_HOME        where watchtower/config.toml is\n\
             VISUAL, EDITOR         for `edit` without flags\n\
             NO_COLOR               no colours\n"
        ),
        "output" => "-o table   for people; in a pipe tab-separated and complete\n\
                     -o wide    more columns\n\
                     -o name    names or numbers only, for xargs\n\
                     -o json    what the API answers; streams are one object per line\n\
                     -o yaml    the same as YAML\n\
                     -o ndjson  one object per line\n\
                     -o csv     exact values, a header of field paths\n\
                     -o ansible of `server list`: a dynamic inventory\n\
                     Data goes to stdout, everything else to stderr.\n"
            .into(),
        "selectors" => "Label matchers over a server's labels and its name, joined by commas:\n\
                        env=prod,role=web          both\n\
                        role=~\"web|db\"             regular expression, matched whole\n\
                        env!=dev                   not\n\
                        name=web-1                 one server\n\
                        An empty selector selects nothing.\n"
            .into(),
        _ => return None,
    })
}

pub static HELP: Special = Special {
    args: |command: Command| {
        let what = Arg::new("what").num_args(0..).value_name("COMMAND|TOPIC");
        command
            .about("Help of a command or a topic: exit-codes, environment, output, selectors")
            .arg(what.help("What to explain"))
    },
    run: |session, matches| {
        let what: Vec<String> = matches.get_many::<String>("what").into_iter().flatten().cloned().collect();
        if what == ["exit-codes"] {
            let code = |(exit, meaning): &(Exit, &str)| json!({ "code": *exit as u8, "meaning": meaning });
            let items: Vec<_> = Exit::ALL.iter().map(code).collect();
            session.print.list(&CODES, &json!({ "items": items }))?;
            return Ok(Exit::Ok);
        }
        let text = match what.as_slice() {
            [name] if topic(name).is_some() => topic(name).unwrap_or_default(),
            path => {
                let mut command = session.root.clone();
                command.build();
                for name in path {
                    let below = command.find_subcommand(name).cloned();
                    let unknown =
                        || Failure::usage(format!("no command or topic {name:?}")).hint("watchtower help");
                    command = below.ok_or_else(unknown)?;
                }
                command.render_long_help().to_string()
            }
        };
        if matches!(session.print.format, Format::Table | Format::Wide | Format::Name) {
            session.print.put(&text)?;
        } else {
            session.print.object(&TEXT, &json!({ "topic": what.join(" "), "text": text }))?;
        }
        Ok(Exit::Ok)
    },
};
