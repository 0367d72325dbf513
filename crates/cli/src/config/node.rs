//! A document with the lines of what stands in it, so that errors can say where.

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use serde_saphyr::Spanned;

use crate::failure::Failure;

#[derive(Debug, Clone)]
pub struct Node {
    /// From 1.
    pub line: u64,
    pub tree: Tree,
}

#[derive(Debug, Clone)]
pub enum Tree {
    Scalar(Value),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

#[derive(Debug, Clone)]
pub struct Entry {
    pub name: String,
    pub line: u64,
    pub node: Node,
}

/// YAML, or JSON as a part of it.
pub fn parse(file: &str, text: &str) -> Result<Node, Failure> {
    serde_saphyr::from_str(text).map_err(|error| Failure::usage(format!("{file}: not YAML: {error}")))
}

impl Node {
    pub fn entries(&self) -> &[Entry] {
        match &self.tree {
            Tree::Map(entries) => entries,
            _ => &[],
        }
    }

    pub fn items(&self) -> &[Node] {
        match &self.tree {
            Tree::List(items) => items,
            _ => &[],
        }
    }

    pub fn entry(&self, name: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.name == name)
    }

    pub fn get(&self, name: &str) -> Option<&Node> {
        self.entry(name).map(|entry| &entry.node)
    }

    pub fn text(&self) -> Option<&str> {
        match &self.tree {
            Tree::Scalar(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    pub fn is_null(&self) -> bool {
        matches!(self.tree, Tree::Scalar(Value::Null))
    }

    /// Without the lines.
    pub fn plain(&self) -> Value {
        match &self.tree {
            Tree::Scalar(value) => value.clone(),
            Tree::List(items) => items.iter().map(Node::plain).collect(),
            Tree::Map(entries) => {
                let fields = entries.iter().map(|entry| (entry.name.clone(), entry.node.plain()));
                Value::Object(fields.collect::<Map<_, _>>())
            }
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Node, D::Error> {
        let spanned = Spanned::<Tree>::deserialize(deserializer)?;
        Ok(Node { line: spanned.referenced.line(), tree: spanned.value })
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Tree, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree;

    fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Scalar(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Scalar(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Scalar(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Tree, E> {
        Ok(Tree::Scalar(value.into()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Tree, E> {
        Ok(Tree::Scalar(value.into()))
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Scalar(Value::Null))
    }

    fn visit_none<E>(self) -> Result<Tree, E> {
        Ok(Tree::Scalar(Value::Null))
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<Tree, D::Error> {
        Tree::deserialize(inner)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Tree, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Tree::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tree, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = map.next_key::<Spanned<String>>()? {
            let line = key.referenced.line();
            entries.push(Entry { name: key.value, line, node: map.next_value()? });
        }
        Ok(Tree::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_knows_its_line() {
        let text = "# a comment\nteams:\n  - name: ops\n    members: [ada, ben]\n  - name: web\nrules: []\nnothing:\n";
        let node = parse("f", text).unwrap();
        let lines: Vec<_> = node.entries().iter().map(|entry| (entry.name.as_str(), entry.line)).collect();
        assert_eq!(lines, [("teams", 2), ("rules", 6), ("nothing", 7)]);
        let teams = node.get("teams").unwrap().items();
        assert_eq!((teams[0].line, teams[1].line), (3, 5));
        assert_eq!(teams[0].entry("members").unwrap().line, 4);
        assert!(node.get("nothing").unwrap().is_null());
        let plain = serde_json::json!({"teams": [{"name": "ops", "members": ["ada", "ben"]}, {"name": "web"}], "rules": [], "nothing": null});
        assert_eq!(node.plain(), plain);
        let json = parse("f", r#"{"a": [1, 2.5, true, "x"]}"#).unwrap();
        assert_eq!(json.plain(), serde_json::json!({"a": [1, 2.5, true, "x"]}));
        assert!(parse("f.yaml", "a: [1").unwrap_err().message.starts_with("f.yaml: not YAML"));
    }
}
