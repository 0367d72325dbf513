//! What a file wants of one object: by the names of files, to compare and to show, and by those of the API, to send.
//!
//! Invariant: a secret that is given by `env` or `file` is only in what is sent.

use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::file::{Object, at, unknown};
use super::names::Names;
use super::node::{Entry, Node, Tree};
use super::shape::{Part, file_name};
use crate::body::is_id;
use crate::settings::Environment;

/// Bytes of a file with a secret.
const SECRET_BYTES_MAX: u64 = 64 * 1024;

pub struct Wanted {
    pub fields: Map<String, Value>,
    pub body: Map<String, Value>,
    pub secrets: Vec<Given>,
}

/// A secret, and where it is from.
pub struct Given {
    /// Below the field that holds secrets.
    pub name: String,
    /// `env NAME` or `file PATH`.
    pub from: String,
}

/// What one value is in files, and in the API.
struct Both {
    file: Value,
    api: Value,
}

impl Both {
    fn same(value: Value) -> Both {
        Both { file: value.clone(), api: value }
    }
}

/// Reads an object of a file. What is wrong with it is added to `problems`.
pub fn read(
    object: &Object,
    part: Part,
    names: &Names,
    env: &Environment,
    problems: &mut Vec<String>,
) -> Wanted {
    let mut reader = Reader { object, names, env, problems, secrets: Vec::new() };
    let both = reader.fields(&object.node, part, &mut Vec::new());
    let map = |value| match value {
        Value::Object(map) => map,
        _ => Map::new(),
    };
    Wanted { fields: map(both.file), body: map(both.api), secrets: reader.secrets }
}

struct Reader<'a> {
    object: &'a Object,
    names: &'a Names,
    env: &'a Environment,
    problems: &'a mut Vec<String>,
    secrets: Vec<Given>,
}

impl Reader<'_> {
    fn problem(&mut self, line: u64, message: impl std::fmt::Display) {
        self.problems.push(at(&self.object.file, line, message));
    }

    fn value(&mut self, node: &Node, part: Part, path: &mut Vec<String>) -> Both {
        match &node.tree {
            Tree::Scalar(Value::String(text)) => match part.refers_to() {
                Some(noun) => self.reference(node.line, &noun, text),
                None => Both::same(text.as_str().into()),
            },
            Tree::Scalar(value) => Both::same(value.clone()),
            Tree::List(items) => {
                let below = part.items().unwrap_or(part);
                let all: Vec<Both> = items.iter().map(|item| self.value(item, below, path)).collect();
                let (file, api): (Vec<_>, Vec<_>) = all.into_iter().map(|one| (one.file, one.api)).unzip();
                Both { file: file.into(), api: api.into() }
            }
            Tree::Map(entries) => match self.secret_source(entries, path) {
                Some((entry, path)) => self.secret(entry, path),
                None => self.fields(node, part, path),
            },
        }
    }

    fn fields(&mut self, node: &Node, part: Part, path: &mut Vec<String>) -> Both {
        let kind = node.get("kind").and_then(Node::text);
        let (mut file, mut api) = (Map::new(), Map::new());
        for entry in node.entries() {
            let known = match part.is_free() {
                true => Some((entry.name.as_str(), part)),
                false => part.field(&entry.name, kind),
            };
            let Some((api_name, below)) = known else {
                let known: Vec<&str> =
                    part.fields(kind).into_iter().map(|(name, _)| file_name(name)).collect();
                self.problem(entry.line, unknown("field", &entry.name, known));
                continue;
            };
            path.push(entry.name.clone());
            // Of a target it is the kind that says whose id it is.
            let both = match (api_name, kind, entry.node.text()) {
                ("id", Some(noun), Some(name)) => self.reference(entry.line, noun, name),
                _ => self.value(&entry.node, below, path),
            };
            path.pop();
            file.insert(entry.name.clone(), both.file);
            api.insert(api_name.into(), both.api);
        }
        Both { file: file.into(), api: api.into() }
    }

    fn reference(&mut self, line: u64, noun: &str, name: &str) -> Both {
        if is_id(name) {
            return Both { file: self.names.name_of(name).into(), api: name.into() };
        }
        if let Some(id) = self.names.id_of(noun, name) {
            return Both { file: name.into(), api: id.into() };
        }
        let near = super::nearest::nearest(name, self.names.of_noun(noun));
        let hint = near.map(|near| format!(": did you mean {near:?}?")).unwrap_or_default();
        self.problem(line, format!("{noun} {name:?} is neither on the hub nor in the files{hint}"));
        Both::same(name.into())
    }

    /// `{env: NAME}` or `{file: PATH}` where a secret may stand: the entry, and the name of the secret.
    fn secret_source<'n>(&self, entries: &'n [Entry], path: &[String]) -> Option<(&'n Entry, String)> {
        let [root, name] = path else { return None };
        let [entry] = entries else { return None };
        let is_source = matches!(entry.name.as_str(), "env" | "file") && entry.node.text().is_some();
        (self.object.kept.secrets == Some(root.as_str()) && is_source).then(|| (entry, name.clone()))
    }

    fn secret(&mut self, entry: &Entry, name: String) -> Both {
        let source = entry.node.text().unwrap_or_default().to_string();
        let found = match entry.name.as_str() {
            "env" => self.env.get(&source).map(String::from).ok_or("is not set".into()),
            _ => secret_file(&beside(&self.object.file, &source)),
        };
        self.secrets.push(Given { name, from: format!("{} {source}", entry.name) });
        match found {
            Ok(text) => Both { file: Value::Null, api: text.into() },
            Err(why) => {
                self.problem(entry.line, format!("{} {source}: {why}", entry.name));
                Both::same(Value::Null)
            }
        }
    }
}

/// Paths are meant from the file that names them.
fn beside(file: &str, path: &str) -> PathBuf {
    match Path::new(file).parent() {
        Some(folder) if file != "-" => folder.join(path),
        _ => path.into(),
    }
}

fn secret_file(path: &Path) -> Result<String, String> {
    let mut text = String::new();
    let read =
        std::fs::File::open(path).and_then(|file| file.take(SECRET_BYTES_MAX + 1).read_to_string(&mut text));
    match read {
        Ok(bytes) if bytes as u64 > SECRET_BYTES_MAX => {
            Err(format!("is larger than {SECRET_BYTES_MAX} bytes"))
        }
        Ok(_) => Ok(text.trim_end_matches(['\r', '\n']).to_string()),
        Err(error) => Err(error.to_string()),
    }
}
