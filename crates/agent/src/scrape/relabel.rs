//! Relabelling as in Prometheus: <https://prometheus.io/docs/prometheus/latest/configuration/configuration/#relabel_config>.

use std::collections::BTreeMap;

use regex_lite::Regex;
use serde::{Deserialize, Deserializer};
use watchtower_model::is_label_name;

pub(super) type Labels = BTreeMap<String, String>;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Action {
    #[default]
    Replace,
    Keep,
    Drop,
    KeepEqual,
    DropEqual,
    HashMod,
    LabelMap,
    LabelDrop,
    LabelKeep,
    Lowercase,
    Uppercase,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rule {
    #[serde(default)]
    source_labels: Vec<String>,
    #[serde(default = "semicolon")]
    separator: String,
    #[serde(default = "anything", deserialize_with = "anchored")]
    regex: Regex,
    #[serde(default)]
    modulus: u64,
    #[serde(default)]
    target_label: String,
    #[serde(default = "first")]
    replacement: String,
    #[serde(default)]
    action: Action,
}

impl PartialEq for Rule {
    fn eq(&self, other: &Self) -> bool {
        let parts = |r: &Rule| {
            let texts = (r.separator.clone(), r.regex.as_str().to_string(), r.replacement.clone());
            (r.source_labels.clone(), texts, r.target_label.clone(), r.modulus, r.action)
        };
        parts(self) == parts(other)
    }
}

fn semicolon() -> String {
    ";".into()
}

fn first() -> String {
    "$1".into()
}

fn whole(pattern: &str) -> Result<Regex, regex_lite::Error> {
    Regex::new(&format!("^(?s:{pattern})$"))
}

fn anything() -> Regex {
    whole("(.*)").expect("the pattern is fixed")
}

fn anchored<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Regex, D::Error> {
    let pattern = String::deserialize(deserializer)?;
    whole(&pattern).map_err(|error| serde::de::Error::custom(format!("regex {pattern:?}: {error}")))
}

impl Rule {
    pub(super) fn check(&self) -> Result<(), String> {
        use Action::{DropEqual, HashMod, KeepEqual, Lowercase, Replace, Uppercase};
        let named = matches!(self.action, Replace | HashMod | Lowercase | Uppercase | KeepEqual | DropEqual);
        if named && self.target_label.is_empty() {
            return Err(format!("relabel: {:?} needs a target_label", self.action));
        }
        if self.action == HashMod && self.modulus == 0 {
            return Err("relabel: hashmod needs a modulus".into());
        }
        Ok(())
    }

    /// False if the labels are dropped.
    fn apply(&self, labels: &mut Labels) -> bool {
        let get = |labels: &Labels, name: &str| labels.get(name).cloned().unwrap_or_default();
        let parts: Vec<String> = self.source_labels.iter().map(|name| get(labels, name)).collect();
        let value = parts.join(&self.separator);
        match self.action {
            Action::Keep => return self.regex.is_match(&value),
            Action::Drop => return !self.regex.is_match(&value),
            Action::KeepEqual => return get(labels, &self.target_label) == value,
            Action::DropEqual => return get(labels, &self.target_label) != value,
            Action::Replace => {
                if let Some(found) = self.regex.captures(&value) {
                    let (mut name, mut text) = (String::new(), String::new());
                    found.expand(&self.target_label, &mut name);
                    found.expand(&self.replacement, &mut text);
                    if is_label_name(&name) {
                        set(labels, &name, text);
                    }
                }
            }
            Action::Lowercase => set(labels, &self.target_label, value.to_lowercase()),
            Action::Uppercase => set(labels, &self.target_label, value.to_uppercase()),
            Action::HashMod => {
                set(labels, &self.target_label, (hash(&value) % self.modulus.max(1)).to_string());
            }
            Action::LabelMap => {
                let mapped: Vec<(String, String)> = labels
                    .iter()
                    .filter(|(name, _)| self.regex.is_match(name))
                    .map(|(name, value)| {
                        (self.regex.replace(name, &*self.replacement).into_owned(), value.clone())
                    })
                    .collect();
                mapped.into_iter().for_each(|(name, value)| set(labels, &name, value));
            }
            Action::LabelDrop => labels.retain(|name, _| !self.regex.is_match(name)),
            Action::LabelKeep => labels.retain(|name, _| self.regex.is_match(name)),
        }
        true
    }
}

/// An empty value is no label.
fn set(labels: &mut Labels, name: &str, value: String) {
    if value.is_empty() {
        labels.remove(name);
    } else {
        labels.insert(name.into(), value);
    }
}

/// The last eight bytes of MD5, so that targets are divided among agents and Prometheus servers alike.
fn hash(value: &str) -> u64 {
    let md5 = md5::compute(value).0;
    u64::from_be_bytes([md5[8], md5[9], md5[10], md5[11], md5[12], md5[13], md5[14], md5[15]])
}

/// Applies the rules in order; false if one of them drops the labels.
pub(super) fn relabel(rules: &[Rule], labels: &mut Labels) -> bool {
    rules.iter().all(|rule| rule.apply(labels))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The labels that are left, or nothing where they were dropped.
    fn after(rule: &str, labels: &[(&str, &str)]) -> Option<Vec<String>> {
        let rule: Rule = toml::from_str(rule).unwrap();
        rule.check().unwrap();
        let mut labels: Labels = labels.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect();
        relabel(&[rule], &mut labels).then(|| labels.iter().map(|(n, v)| format!("{n}={v}")).collect())
    }

    #[test]
    fn each_action_does_what_prometheus_does() {
        let labels = [("a", "foo"), ("b", "bar"), ("c", "baz")];
        let left = |rule: &str| after(rule, &labels).map(|all| all.join(" "));
        for (rule, wanted) in [
            (
                "source_labels=['a']\nregex='f(.*)'\ntarget_label='d'\nreplacement='ch${1}-ch${1}'",
                Some("a=foo b=bar c=baz d=choo-choo"),
            ),
            (
                "source_labels=['a','b']\nregex='f(.*);(.*)r'\ntarget_label='a'\nreplacement='b${1}${2}m'",
                Some("a=boobam b=bar c=baz"),
            ),
            ("source_labels=['a']\nregex='oo'\ntarget_label='d'", Some("a=foo b=bar c=baz")),
            ("source_labels=['none']\ntarget_label='a'", Some("b=bar c=baz")),
            ("target_label='job'\nreplacement='x'", Some("a=foo b=bar c=baz job=x")),
            (
                "source_labels=['a']\nregex='.*(b).*'\ntarget_label='$1'\nreplacement='x'",
                Some("a=foo b=bar c=baz"),
            ),
            ("source_labels=['a']\nregex='fo+'\naction='drop'", None),
            ("source_labels=['a']\nregex='fo'\naction='drop'", Some("a=foo b=bar c=baz")),
            ("source_labels=['a']\nregex='no|foo'\naction='keep'", Some("a=foo b=bar c=baz")),
            ("source_labels=['a']\nregex='no'\naction='keep'", None),
            ("source_labels=['a']\ntarget_label='b'\naction='keepequal'", None),
            ("source_labels=['a']\ntarget_label='b'\naction='dropequal'", Some("a=foo b=bar c=baz")),
            (
                "source_labels=['c']\ntarget_label='d'\naction='hashmod'\nmodulus=1000",
                Some("a=foo b=bar c=baz d=976"),
            ),
            ("regex='(b)'\nreplacement='x_$1'\naction='labelmap'", Some("a=foo b=bar c=baz x_b=bar")),
            ("regex='a|c'\naction='labeldrop'", Some("b=bar")),
            ("regex='a|c'\naction='labelkeep'", Some("a=foo c=baz")),
            ("source_labels=['a']\ntarget_label='u'\naction='uppercase'", Some("a=foo b=bar c=baz u=FOO")),
        ] {
            assert_eq!(left(rule).as_deref(), wanted, "{rule}");
        }
    }

    #[test]
    fn rules_that_cannot_work_are_refused_when_they_are_read() {
        let refused =
            |rule: &str| toml::from_str::<Rule>(rule).map_err(|e| e.to_string()).and_then(|r| r.check());
        for rule in
            ["action='replace'", "action='hashmod'\ntarget_label='a'", "regex='('", "action='x'", "regx='a'"]
        {
            assert!(refused(rule).is_err(), "{rule}");
        }
    }
}
