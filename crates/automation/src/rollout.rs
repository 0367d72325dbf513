//! Whose turn it is in a run over many servers: a canary first, then a sliding window, and a stop when too many fail.
//!
//! Invariant: what has been decided stays right however often it is asked: the members' states alone determine the answer.

use serde::{Deserialize, Serialize};

/// How a run goes over its servers. The default is all of them at once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rollout {
    /// So many first; the others only when every one of these has succeeded. 0: no canary.
    pub canary: u32,
    /// How many may be under way at any time. 0: all.
    pub at_once: u32,
    /// With more failures than this nothing further starts. `None`: failures stop nothing.
    pub max_failures: Option<u32>,
}

/// A share of the servers, as people write it, cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} must be a number of servers such as 5, or a share such as 20%")]
pub struct RolloutError(pub String);

impl Rollout {
    /// `5`, or `20%` of `total`, rounded down.
    pub fn share(text: &str, total: u32) -> Result<u32, RolloutError> {
        let wrong = || RolloutError(text.chars().take(32).collect());
        match text.trim().strip_suffix('%') {
            None => text.trim().parse().map_err(|_| wrong()),
            Some(percent) => match percent.trim().parse::<u32>() {
                Ok(percent @ 0..=100) => Ok((u64::from(total) * u64::from(percent) / 100) as u32),
                _ => Err(wrong()),
            },
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Its turn has not come.
    Waiting,
    UnderWay,
    Succeeded,
    /// Ended in any other way: failed, refused, lost.
    Failed,
}

/// One server's part, in the order of the run.
#[derive(Clone, Copy, Debug)]
pub struct Member<'a> {
    pub progress: Progress,
    /// Of members of one group at most one is under way.
    pub group: Option<&'a str>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// These start now, by their place; nobody when others must end first.
    Start(Vec<usize>),
    /// Those that wait never start, for this reason.
    Stop(String),
}

/// Who starts now.
pub fn turn(rollout: &Rollout, members: &[Member]) -> Turn {
    if let Some(reason) = stop(rollout, members) {
        return Turn::Stop(reason);
    }
    let canary = &members[..members.len().min(rollout.canary as usize)];
    let proven = canary.iter().all(|member| member.progress == Progress::Succeeded);
    let reach = if proven { members.len() } else { canary.len() };
    let mut under_way: Vec<&Member> =
        members.iter().filter(|member| member.progress == Progress::UnderWay).collect();
    let window = if rollout.at_once == 0 { usize::MAX } else { rollout.at_once as usize };
    let mut start = Vec::new();
    for (place, member) in members[..reach].iter().enumerate() {
        if under_way.len() >= window {
            break;
        }
        let busy = member.group.is_some() && under_way.iter().any(|other| other.group == member.group);
        if member.progress == Progress::Waiting && !busy {
            under_way.push(member);
            start.push(place);
        }
    }
    Turn::Start(start)
}

fn stop(rollout: &Rollout, members: &[Member]) -> Option<String> {
    let failed = |members: &[Member]| members.iter().filter(|m| m.progress == Progress::Failed).count();
    let canary = &members[..members.len().min(rollout.canary as usize)];
    match failed(canary) {
        0 => {}
        failures => return Some(format!("{failures} of {} canary servers failed", canary.len())),
    }
    let max = rollout.max_failures?;
    let failures = failed(members);
    (failures > max as usize).then(|| format!("{failures} servers failed: at most {max} may"))
}

#[cfg(test)]
mod tests {
    use super::Progress::*;
    use super::*;

    fn ask(rollout: &Rollout, members: &[(Progress, Option<&'static str>)]) -> Turn {
        let members: Vec<_> =
            members.iter().map(|(progress, group)| Member { progress: *progress, group: *group }).collect();
        turn(rollout, &members)
    }

    fn alone(states: &[Progress]) -> Vec<(Progress, Option<&'static str>)> {
        states.iter().map(|state| (*state, None)).collect()
    }

    #[test]
    fn by_default_all_start() {
        assert_eq!(ask(&Rollout::default(), &alone(&[Waiting; 3])), Turn::Start(vec![0, 1, 2]));
        assert_eq!(ask(&Rollout::default(), &alone(&[Failed, Waiting])), Turn::Start(vec![1]));
        assert_eq!(ask(&Rollout::default(), &[]), Turn::Start(vec![]));
    }

    #[test]
    fn the_window_slides() {
        let rollout = Rollout { at_once: 2, ..Rollout::default() };
        assert_eq!(ask(&rollout, &alone(&[Waiting; 4])), Turn::Start(vec![0, 1]));
        assert_eq!(ask(&rollout, &alone(&[UnderWay, UnderWay, Waiting, Waiting])), Turn::Start(vec![]));
        assert_eq!(ask(&rollout, &alone(&[UnderWay, Succeeded, Waiting, Waiting])), Turn::Start(vec![2]));
        assert_eq!(ask(&rollout, &alone(&[Failed, Succeeded, Waiting, Waiting])), Turn::Start(vec![2, 3]));
    }

    #[test]
    fn the_canary_goes_first_and_must_succeed() {
        let rollout = Rollout { canary: 2, at_once: 0, max_failures: Some(5) };
        assert_eq!(ask(&rollout, &alone(&[Waiting; 4])), Turn::Start(vec![0, 1]));
        assert_eq!(ask(&rollout, &alone(&[Succeeded, UnderWay, Waiting, Waiting])), Turn::Start(vec![]));
        assert_eq!(ask(&rollout, &alone(&[Succeeded, Succeeded, Waiting, Waiting])), Turn::Start(vec![2, 3]));
        let stopped = ask(&rollout, &alone(&[Succeeded, Failed, Waiting, Waiting]));
        assert_eq!(stopped, Turn::Stop("1 of 2 canary servers failed".into()));
        assert_eq!(
            ask(&Rollout { canary: 9, ..rollout }, &alone(&[Succeeded, Waiting])),
            Turn::Start(vec![1])
        );
    }

    #[test]
    fn too_many_failures_stop_the_rest() {
        let rollout = Rollout { at_once: 1, max_failures: Some(1), ..Rollout::default() };
        assert_eq!(ask(&rollout, &alone(&[Failed, Waiting, Waiting])), Turn::Start(vec![1]));
        let stopped = ask(&rollout, &alone(&[Failed, Failed, Waiting]));
        assert_eq!(stopped, Turn::Stop("2 servers failed: at most 1 may".into()));
    }

    #[test]
    fn of_a_group_one_at_a_time() {
        let rollout = Rollout::default();
        let members = [(Waiting, Some("db")), (Waiting, Some("db")), (Waiting, Some("web")), (Waiting, None)];
        assert_eq!(ask(&rollout, &members), Turn::Start(vec![0, 2, 3]));
        let members = [(UnderWay, Some("db")), (Waiting, Some("db")), (Waiting, None)];
        assert_eq!(ask(&rollout, &members), Turn::Start(vec![2]));
        let members = [(Failed, Some("db")), (Waiting, Some("db"))];
        assert_eq!(ask(&rollout, &members), Turn::Start(vec![1]));
    }

    /// Whatever fails and in whatever order things end, the run comes to an end and keeps its bounds.
    #[test]
    fn every_run_ends_within_its_bounds() {
        let mut random = 7_u64;
        let mut next = |below: u64| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) % below
        };
        for _ in 0..500 {
            let count = next(12) as usize;
            let rollout = Rollout {
                canary: next(4) as u32,
                at_once: next(4) as u32,
                max_failures: [None, Some(0), Some(2)][next(3) as usize],
            };
            let groups = [None, Some("a"), Some("b")];
            let mut members: Vec<_> = (0..count).map(|_| (Waiting, groups[next(3) as usize])).collect();
            let mut stopped = false;
            for _ in 0..100 {
                match ask(&rollout, &members) {
                    Turn::Start(places) => places.into_iter().for_each(|place| members[place].0 = UnderWay),
                    Turn::Stop(_) => stopped = true,
                }
                let running: Vec<_> = (0..count).filter(|place| members[*place].0 == UnderWay).collect();
                assert!(rollout.at_once == 0 || running.len() <= rollout.at_once as usize);
                for group in ["a", "b"] {
                    assert!(running.iter().filter(|place| members[**place].1 == Some(group)).count() <= 1);
                }
                let Some(place) = running.get(next(running.len().max(1) as u64) as usize) else { break };
                members[*place].0 = if next(5) == 0 { Failed } else { Succeeded };
            }
            let waiting = members.iter().filter(|(progress, _)| *progress == Waiting).count();
            assert!(waiting == 0 || stopped, "{rollout:?} {members:?}");
        }
    }

    #[test]
    fn shares_are_read() {
        assert_eq!(Rollout::share("5", 10), Ok(5));
        assert_eq!(Rollout::share("20%", 18), Ok(3));
        assert_eq!(Rollout::share("100 %", 18), Ok(18));
        for wrong in ["", "%", "-1", "101%", "1.5", "a"] {
            assert!(Rollout::share(wrong, 10).is_err(), "{wrong}");
        }
    }
}
