//! Which samples of others may be reported, and under which labels.
//!
//! Invariant: what is admitted passes the hub's check of dictionaries; one bad series must not cost all the others.

use std::borrow::Cow;

use watchtower_model::limits::{LABEL_NAME_BYTES_MAX, LABELS_MAX};
use watchtower_model::{is_label_name, is_metric_name};

use super::Line;

/// Bytes of a metric's name.
const NAME_BYTES_MAX: usize = 128;
/// Labels beside those of a sample: the target's own.
const OWN_LABELS_MAX: usize = 16;

/// Name and labels as they are reported.
#[derive(Debug)]
pub struct Admitted<'a> {
    pub name: &'a str,
    pub labels: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

/// `None` if the hub would refuse it. A label of the same name as one of `own`, or as one that is the hub's, is kept as
/// `exported_NAME`, as in Prometheus.
pub fn admit<'a>(line: &Line<'a>, own: &'a [(String, String)], honor: bool) -> Option<Admitted<'a>> {
    if !is_metric_name(line.name) || line.name.len() > NAME_BYTES_MAX {
        return None;
    }
    if line.labels.len() > LABELS_MAX - OWN_LABELS_MAX || own.len() > OWN_LABELS_MAX {
        return None;
    }
    let is_own = |name: &str| own.iter().any(|(known, _)| known == name);
    let mut labels: Vec<(Cow<'a, str>, Cow<'a, str>)> = Vec::with_capacity(line.labels.len() + own.len());
    for (name, value) in &line.labels {
        let hidden = *name == "instance" || (!honor && (*name == "job" || is_own(name)));
        let name = if hidden { Cow::Owned(format!("exported_{name}")) } else { Cow::Borrowed(*name) };
        if !is_label_name(&name) || name.len() > LABEL_NAME_BYTES_MAX || name == "__name__" {
            return None;
        }
        if labels.iter().any(|(known, _)| *known == name) {
            return None;
        }
        labels.push((name, value.clone()));
    }
    for (name, value) in own {
        if !labels.iter().any(|(known, value)| known == name && !value.is_empty()) {
            labels.retain(|(known, _)| known != name);
            labels.push((name.as_str().into(), value.as_str().into()));
        }
    }
    Some(Admitted { name: line.name, labels })
}
