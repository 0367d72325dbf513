//! `top`: the fleet by pressure, or one server's processes, every second.

use std::thread;
use std::time::Duration;

use clap::{Arg, ArgAction, Command};
use serde_json::{Value, json};

use super::poll::Patience;
use super::screen::Screen;
use crate::failure::{Done, Exit, Failure};
use crate::nouns::{PROCESSES, Special, find};
use crate::output::cell::{self, Shape};
use crate::output::{table, terminal_size};
use crate::session::{Session, now_ms};
use crate::verbs::read::pages;

const PERIOD: Duration = Duration::from_secs(1);
const CTRL_C: u8 = 3;
/// Rows beyond what a screen shows are of no use to a person; programs get all.
const ROWS_WITHOUT_SCREEN: usize = 100_000;

pub static TOP: Special = Special {
    args: |command: Command| {
        command.about("The fleet ranked by pressure, or one server's processes; q quits").args([
            Arg::new("server").value_name("SERVER").help("Show this server's processes"),
            Arg::new("once").long("once").action(ArgAction::SetTrue).help("One frame, then end"),
            Arg::new("sort")
                .long("sort")
                .value_parser(["pressure", "cpu", "memory", "disk"])
                .default_value("pressure")
                .help("Order; keys p c m d while it runs"),
        ])
    },
    run: |session, matches| {
        let mut view = View {
            server: matches.get_one::<String>("server").cloned(),
            sort: matches.get_one::<String>("sort").cloned().unwrap_or_default(),
            may_collect: true,
        };
        let first = frame(session, &mut view)?;
        if matches.get_flag("once") {
            return once(session, &first);
        }
        let streams = &session.print.streams;
        if streams.out_tty && streams.input_tty && session.print.format.is_text() {
            return on_screen(session, &mut view, first);
        }
        stream(session, &mut view, first)
    },
};

/// What is looked at, and how.
struct View {
    server: Option<String>,
    sort: String,
    /// Fresh vitals every second need a role that may ask agents; without it the last report has to do.
    may_collect: bool,
}

impl View {
    fn about(&mut self, session: &Session, name: &str) -> Result<Value, Failure> {
        if self.may_collect {
            match session.hub.call("server.collect", &[name], &[], None) {
                Ok(mut collected) => return Ok(collected["server"].take()),
                Err(failure) => self.may_collect = failure.exit != Exit::Denied,
            }
        }
        session.hub.get("server.get", &[name])
    }
}

/// `{at, server?, items}` with the worst first.
fn frame(session: &Session, view: &mut View) -> Result<Value, Failure> {
    match view.server.clone() {
        Some(name) => {
            let name = name.as_str();
            let about = view.about(session, name)?;
            let sort = view.sort.as_str();
            let mut processes = session.hub.get("server.processes", &[name])?;
            let mut items = match processes["items"].take() {
                Value::Array(items) => items,
                _ => Vec::new(),
            };
            let key = if sort == "memory" { "rss_bytes" } else { "cpu_percent" };
            items.sort_by(|a, b| number(&b[key]).total_cmp(&number(&a[key])));
            Ok(json!({ "at": processes["at"], "server": about, "items": items }))
        }
        None => {
            let mut servers = pages(&session.hub, "server.list", &[], &[], None)?;
            let mut items = match servers["items"].take() {
                Value::Array(items) => items,
                _ => Vec::new(),
            };
            items.sort_by(|a, b| pressure(b, &view.sort).total_cmp(&pressure(a, &view.sort)));
            let now = watchtower_model::Timestamp(now_ms()).to_rfc3339();
            Ok(json!({ "at": now, "items": items }))
        }
    }
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or(0.0)
}

/// How close a server is to the end of what it has, 0 to 100; a lost one is beyond that.
fn pressure(server: &Value, sort: &str) -> f64 {
    let vitals = &server["vitals"];
    let of = |name: &str| number(&vitals[name]);
    match sort {
        "cpu" => of("cpu_percent"),
        "memory" => of("memory_percent"),
        "disk" => of("disk_percent"),
        _ if server["status"] == "lost" => 1000.0,
        // A run queue as long as there are cores is full use.
        _ => [of("cpu_percent"), of("memory_percent"), of("disk_percent"), of("load_per_core") * 100.0]
            .into_iter()
            .fold(0.0, f64::max),
    }
}

fn shape(frame: &Value) -> &'static Shape {
    match frame["server"].is_object() {
        true => &PROCESSES,
        false => &find("server").expect("the table has servers").shape,
    }
}

fn once(session: &mut Session, frame: &Value) -> Done {
    session.print.list(shape(frame), frame)?;
    Ok(Exit::Ok)
}

fn stream(session: &mut Session, view: &mut View, first: Value) -> Done {
    let mut patience = Patience::default();
    let mut frame_now = patience.take(session, Ok(first))?;
    loop {
        if let Some(frame) = frame_now.take() {
            if session.print.format.is_text() || session.print.format == crate::output::Format::Csv {
                session.print.list(shape(&frame), &frame)?;
            } else {
                session.print.stream(shape(&frame), &frame)?;
            }
        }
        thread::sleep(PERIOD);
        let answer = frame(session, view);
        frame_now = patience.take(session, answer)?;
    }
}

fn on_screen(session: &mut Session, view: &mut View, first: Value) -> Done {
    let screen = Screen::enter()?;
    let mut shown = first;
    let mut trouble: Option<String> = None;
    loop {
        let (columns, rows) = terminal_size();
        session.print.look.width = Some(columns);
        session.print.look.now_ms = now_ms();
        screen.draw(&page(session, &shown, &view.sort, trouble.as_deref(), rows), rows)?;
        match screen.key(PERIOD)? {
            Some(b'q' | b'Q') => return Ok(Exit::Ok),
            Some(CTRL_C) => return Ok(Exit::Interrupted),
            Some(b'p') => view.sort = "pressure".into(),
            Some(b'c') => view.sort = "cpu".into(),
            Some(b'm') => view.sort = "memory".into(),
            Some(b'd') => view.sort = "disk".into(),
            _ => {}
        }
        match frame(session, view) {
            Ok(fresh) => {
                shown = fresh;
                trouble = None;
            }
            // The last good picture stays, and says that it is old.
            Err(failure) => trouble = Some(failure.message),
        }
    }
}

fn page(session: &Session, frame: &Value, sort: &str, trouble: Option<&str>, rows: usize) -> String {
    let look = session.print.look;
    let width = look.width.unwrap_or(usize::MAX);
    let items = frame["items"].as_array().map_or(&[][..], Vec::as_slice);
    let title = match frame["server"]["name"].as_str() {
        Some(name) => {
            let vitals = &frame["server"]["vitals"];
            let percent = |name: &str| cell::shown(&vitals[name], cell::As::Percent, look);
            format!(
                "{name}  {}  cpu {}  mem {}  disk {}  {} processes {}",
                cell::shown(&frame["server"]["status"], cell::As::State, look),
                percent("cpu_percent"),
                percent("memory_percent"),
                percent("disk_percent"),
                items.len(),
                cell::ago(frame["at"].as_str().unwrap_or(""), look.now_ms)
            )
        }
        None => format!("{} servers, by {sort}", items.len()),
    };
    let state = match trouble {
        Some(trouble) => {
            format!("old, from {}: {trouble}", cell::ago(frame["at"].as_str().unwrap_or(""), look.now_ms))
        }
        None => "p pressure  c cpu  m memory  d disk  q quit".into(),
    };
    let clip = |text: String| cell::one_line(&text).chars().take(width).collect::<String>();
    let room = rows.clamp(4, ROWS_WITHOUT_SCREEN) - 3;
    let table = table::write(&shape(frame).narrow(), &items[..items.len().min(room)], true, look);
    format!("{}\n{}\n{table}", clip(title), clip(state))
}
