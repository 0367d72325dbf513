//! `edit` without flags: the object as JSON in the person's own editor.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::process::Command;

use serde_json::{Map, Value};

use crate::failure::{Exit, Failure};
use crate::session::Session;

/// What comes back from the editor. Keeps the file and names it when it is not JSON, so that no typing is lost.
pub fn edit(session: &Session, object: &Map<String, Value>) -> Result<Map<String, Value>, Failure> {
    let editor = session.env.get("VISUAL").or(session.env.get("EDITOR")).unwrap_or("vi");
    let path = std::env::temp_dir().join(format!("watchtower-edit-{}.json", std::process::id()));
    let fail = |what: String| Failure::new(Exit::Failed, "editor", what);
    // Created new: a file that someone else laid there is not written through.
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
        .map_err(|e| fail(format!("{}: {e}", path.display())))?;
    writeln!(file, "{:#}", Value::from(object.clone()))?;
    drop(file);
    let mut words = editor.split_whitespace();
    let program = words.next().unwrap_or("vi");
    let status = Command::new(program).args(words).arg(&path).status();
    let status = status.map_err(|e| fail(format!("{editor}: {e}")).hint("set $EDITOR"))?;
    if !status.success() {
        let _ = std::fs::remove_file(&path);
        return Err(fail(format!("{editor} ended with {status}; nothing was changed")));
    }
    let text = std::fs::read_to_string(&path)?;
    let edited = serde_json::from_str(&text).map_err(|e| {
        Failure::usage(format!("not JSON: {e}")).hint(format!("your text is in {}", path.display()))
    })?;
    let _ = std::fs::remove_file(&path);
    Ok(edited)
}
