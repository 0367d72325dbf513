//! `channel test`: a message through the real path. Not delivered is a failure, with the provider's words.

use clap::Command;

use crate::client::endpoint;
use crate::failure::{Exit, Failure};
use crate::nouns::{self, Special};
use crate::output::cell::{As, Shape, column};
use crate::verbs::act::each_plan;
use crate::verbs::dry_run;
use crate::verbs::write::plan;

static RESULT: Shape = Shape {
    key: "delivered",
    columns: &[
        column("DELIVERED", "delivered", As::State, 0),
        column("TOOK", "duration_seconds", As::Seconds, 1),
        column("DETAIL", "detail", As::Text, 0),
    ],
};

pub static TEST: Special = Special {
    args: |command: Command| {
        let noun = nouns::find("channel").expect("the table has channels");
        let one = crate::verbs::many(noun).num_args(1);
        command.about(endpoint("channel.test").summary).arg(one).arg(dry_run())
    },
    run: |session, matches| {
        let name = matches.get_one::<String>("channel").cloned().unwrap_or_default();
        if matches.get_flag("dry-run") {
            return each_plan(session, vec![plan("channel.test", &[&name], None)]);
        }
        let result = session.hub.call("channel.test", &[&name], &[], None)?;
        session.print.object(&RESULT, &result)?;
        match result["delivered"].as_bool() {
            Some(true) => Ok(Exit::Ok),
            _ => {
                let detail = result["detail"].as_str().unwrap_or("no detail");
                Err(Failure::new(Exit::Failed, "not_delivered", format!("{name}: not delivered: {detail}")))
            }
        }
    },
};
