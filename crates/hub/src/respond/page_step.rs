//! One step of one incident, as the keys of its messages name it.

use std::fmt;

use watchtower_incident::{Input, Page};
use watchtower_model::IncidentId;

/// Shown as the beginning of the keys of all its messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageStep {
    incident: IncidentId,
    generation: u64,
    loop_no: u32,
    step: usize,
}

impl PageStep {
    pub fn of(incident: IncidentId, page: &Page) -> PageStep {
        PageStep { incident, generation: page.generation, loop_no: page.loop_no, step: page.step }
    }

    /// From a message's key; `None` of messages that belong to no step.
    pub fn of_key(key: &str) -> Option<PageStep> {
        let mut parts = key.split('/');
        let incident = parts.next()?.parse().ok()?;
        let generation = parts.next()?.parse().ok()?;
        let loop_no = parts.next()?.parse().ok()?;
        let step = parts.next()?.parse().ok()?;
        parts.next().is_some().then_some(PageStep { incident, generation, loop_no, step })
    }

    pub fn nobody_reached(self) -> Input {
        Input::StepEmpty { generation: self.generation, step: self.step, loop_no: self.loop_no }
    }
}

impl fmt::Display for PageStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}/{}/", self.incident, self.generation, self.loop_no, self.step)
    }
}

#[cfg(test)]
mod tests {
    use watchtower_model::Id;

    use super::*;

    #[test]
    fn a_step_is_read_from_the_keys_that_it_begins() {
        let incident = IncidentId(Id::NIL);
        let step = PageStep { incident, generation: 3, loop_no: 1, step: 2 };
        assert_eq!(PageStep::of_key(&format!("{step}user:a/b/300")), Some(step));
        for other in
            [format!("{incident}/3/1/catch-all/c"), format!("{incident}/3/resolved/c"), String::new()]
        {
            assert_eq!(PageStep::of_key(&other), None, "{other}");
        }
    }
}
