//! What the servers of an incident have in common: often the cause, such as a rack or a provider.

use watchtower_model::{Labels, ServerId};

use crate::Hub;

/// The label that explains them best, in words: all of them have it, and the fewest others. Absent where none tells them apart from
/// the rest of the fleet.
pub fn in_common(hub: &Hub, servers: &[ServerId]) -> Option<String> {
    let labels_of = |id: &ServerId| Some(hub.servers.get(*id)?.with(|state| state.labels.clone()));
    let theirs: Vec<Labels> = servers.iter().filter_map(labels_of).collect();
    let fleet: Vec<Labels> =
        hub.servers.all().iter().map(|server| server.with(|state| state.labels.clone())).collect();
    explain(&theirs, &fleet)
}

fn explain(theirs: &[Labels], fleet: &[Labels]) -> Option<String> {
    let (first, rest) = theirs.split_first().filter(|(_, rest)| !rest.is_empty())?;
    let shared =
        first.iter().filter(|(name, value)| rest.iter().all(|labels| labels.get(name) == Some(*value)));
    let with =
        |(name, value): &(&str, &str)| fleet.iter().filter(|labels| labels.get(name) == Some(*value)).count();
    let best = shared.map(|label| (with(&label), label)).min_by_key(|(with, _)| *with);
    let (with, (name, value)) = best.filter(|(with, _)| *with < fleet.len())?;
    let all =
        if with == theirs.len() { "no other server has".into() } else { format!("{with} servers have") };
    Some(format!("all {} have {name}={value:?}, which {all}", theirs.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_label_that_the_fewest_others_have_explains_best() {
        let server =
            |rack: &str, site: &str| Labels::from_pairs([("rack", rack), ("site", site), ("env", "prod")]);
        let fleet = [server("r7", "a"), server("r7", "a"), server("r8", "a"), server("r9", "b")];
        let told = |theirs: &[Labels]| explain(theirs, &fleet);
        assert_eq!(told(&fleet[..2]).unwrap(), "all 2 have rack=\"r7\", which no other server has");
        assert_eq!(told(&fleet[1..3]).unwrap(), "all 2 have site=\"a\", which 3 servers have");
        // What everybody has explains nothing, and one server is no group.
        assert_eq!(told(&fleet[2..]), None);
        assert_eq!(told(&fleet[..1]), None);
    }
}
