//! Labels of a resource and of a point.

use std::collections::BTreeMap;

use super::name::label_name;
use super::request::KeyValue;

/// Attributes that name the sender: they become `job` and `instance`.
const SERVICE: &str = "service.name";
const NAMESPACE: &str = "service.namespace";
const INSTANCE: &str = "service.instance.id";

pub(super) type Pairs = BTreeMap<String, String>;

/// What a resource gives to all of its series.
#[derive(Debug, Default)]
pub(super) struct Identity {
    job: Option<String>,
    instance: Option<String>,
}

impl Identity {
    pub(super) fn of(resource: &[KeyValue]) -> Identity {
        let get = |name: &str| resource.iter().find(|pair| pair.key == name).map(|pair| pair.value.to_text());
        let job = get(SERVICE).map(|service| match get(NAMESPACE) {
            Some(namespace) => format!("{namespace}/{service}"),
            None => service,
        });
        Identity { job, instance: get(INSTANCE) }
    }

    fn set(&self, pairs: &mut Pairs) {
        pairs.extend(self.job.clone().map(|job| ("job".into(), job)));
        pairs.extend(self.instance.clone().map(|instance| ("instance".into(), instance)));
    }

    /// Labels of a point with these attributes.
    pub(super) fn labels(&self, attributes: &[KeyValue]) -> Pairs {
        let mut pairs = sanitized(attributes.iter());
        self.set(&mut pairs);
        pairs
    }

    /// Labels of `target_info`, which says the rest of the resource; `None` if it has no name or there is no rest.
    pub(super) fn target_info(&self, resource: &[KeyValue]) -> Option<Pairs> {
        let rest =
            resource.iter().filter(|pair| ![SERVICE, NAMESPACE, INSTANCE].contains(&pair.key.as_str()));
        let mut pairs = sanitized(rest);
        if pairs.is_empty() || (self.job.is_none() && self.instance.is_none()) {
            return None;
        }
        self.set(&mut pairs);
        Some(pairs)
    }
}

/// Attributes whose names become equal are joined by `;`, in the order of their names.
fn sanitized<'a>(attributes: impl Iterator<Item = &'a KeyValue>) -> Pairs {
    let mut sorted: Vec<&KeyValue> = attributes.collect();
    sorted.sort_by(|a, b| a.key.cmp(&b.key));
    let mut pairs = Pairs::new();
    for pair in sorted {
        let name = label_name(&pair.key);
        if name.is_empty() {
            continue;
        }
        let value = pair.value.to_text();
        pairs.entry(name).and_modify(|known| *known = format!("{known};{value}")).or_insert(value);
    }
    pairs
}
