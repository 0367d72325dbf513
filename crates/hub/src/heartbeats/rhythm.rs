//! When a heartbeat is missed. Pure: the time is an argument.
//!
//! A job that tells of its start may take `finish_ms` from then on. One that starts again and again without an end is missed all the
//! same: no start moves the end beyond the latest due time and `finish_ms`.

use watchtower_api_types::PingKind;
use watchtower_automation::cron::Schedule;
use watchtower_model::{Timestamp, format_duration_ms};

#[derive(Debug, Clone)]
pub enum Every {
    /// At most so long from one success to the next.
    PeriodMs(i64),
    Cron(Box<Schedule>),
}

#[derive(Debug, Clone)]
pub struct Rhythm {
    pub every: Every,
    /// How much later it may come.
    pub grace_ms: i64,
    /// How long it may take from its start.
    pub finish_ms: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    New,
    Up,
    Down,
}

impl State {
    pub fn read(text: &str) -> State {
        match text {
            "up" => State::Up,
            "down" => State::Down,
            _ => State::New,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            State::New => "new",
            State::Up => "up",
            State::Down => "down",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Beat {
    pub state: State,
    pub last_success_at: Option<Timestamp>,
    /// A start whose end has not come.
    pub started_at: Option<Timestamp>,
    pub rid: Option<String>,
}

/// What a ping does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Beaten {
    pub beat: Beat,
    /// From the start that this ping ends.
    pub duration_ms: Option<i64>,
}

impl Rhythm {
    /// When it is missed; never while nothing came, or somebody was told.
    pub(super) fn due(&self, beat: &Beat) -> Option<Timestamp> {
        if beat.state == State::Down {
            return None;
        }
        let expected =
            beat.last_success_at.and_then(|last| self.next(last)).map(|at| at.plus_ms(self.grace_ms));
        match beat.started_at {
            None => expected,
            Some(started) => {
                let finished = started.plus_ms(self.finish_ms);
                Some(expected.map_or(finished, |at| finished.min(at.plus_ms(self.finish_ms))))
            }
        }
    }

    fn next(&self, last: Timestamp) -> Option<Timestamp> {
        match &self.every {
            Every::PeriodMs(period) => Some(last.plus_ms(*period)),
            Every::Cron(schedule) => schedule.next(last),
        }
    }

    /// Why it is missed, in words.
    pub(super) fn reason(&self, beat: &Beat) -> String {
        match (beat.started_at, beat.last_success_at) {
            (Some(started), _) => {
                format!("started at {started} and did not end within {}", format_duration_ms(self.finish_ms))
            }
            (None, Some(last)) => format!("did not come in time, last at {last}"),
            (None, None) => "did not come in time".into(),
        }
    }
}

impl Beat {
    /// A ping that names no run, or names the one that is under way, ends it.
    pub fn beaten(self, kind: PingKind, rid: Option<&str>, now: Timestamp) -> Beaten {
        let ends = matches!(kind, PingKind::Success | PingKind::Fail)
            && (rid.is_none() || rid == self.rid.as_deref());
        let duration_ms = self.started_at.filter(|_| ends).map(|started| now.since(started).max(0));
        let mut beat = self;
        if ends {
            (beat.started_at, beat.rid) = (None, None);
        }
        match kind {
            // Of two at one moment the earlier may be written last.
            PingKind::Success => {
                (beat.state, beat.last_success_at) = (State::Up, beat.last_success_at.max(Some(now)));
            }
            PingKind::Fail => beat.state = State::Down,
            PingKind::Start => (beat.started_at, beat.rid) = (Some(now), rid.map(String::from)),
            PingKind::Log => {}
        }
        Beaten { beat, duration_ms }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000;
    const HOUR: i64 = 60 * MINUTE;
    const T0: Timestamp = Timestamp(1_795_000_000_000);

    fn rhythm() -> Rhythm {
        Rhythm { every: Every::PeriodMs(HOUR), grace_ms: 5 * MINUTE, finish_ms: 20 * MINUTE }
    }

    fn new() -> Beat {
        Beat { state: State::New, last_success_at: None, started_at: None, rid: None }
    }

    fn at(minutes: i64) -> Timestamp {
        T0.plus_ms(minutes * MINUTE)
    }

    #[test]
    fn a_job_is_missed_after_its_period_and_grace_and_never_before_the_first() {
        let beat = new();
        assert_eq!(rhythm().due(&beat), None);
        let beat = beat.beaten(PingKind::Log, None, at(1)).beat;
        assert_eq!((beat.state, rhythm().due(&beat)), (State::New, None));
        let beat = beat.beaten(PingKind::Success, None, at(2)).beat;
        assert_eq!((beat.state, rhythm().due(&beat)), (State::Up, Some(at(67))));
        let beat = beat.beaten(PingKind::Fail, None, at(3)).beat;
        assert_eq!((beat.state, rhythm().due(&beat)), (State::Down, None));
        let beat = beat.beaten(PingKind::Success, None, at(4)).beat;
        assert_eq!((beat.state, rhythm().due(&beat)), (State::Up, Some(at(69))));
    }

    #[test]
    fn a_start_gives_time_to_finish_and_a_loop_of_starts_does_not() {
        let mut beat = new().beaten(PingKind::Start, None, at(0)).beat;
        assert_eq!(rhythm().due(&beat), Some(at(20)), "also before the first success");
        let done = beat.beaten(PingKind::Success, None, at(10));
        assert_eq!(done.duration_ms, Some(10 * MINUTE));
        beat = done.beat.beaten(PingKind::Start, None, at(74)).beat;
        assert_eq!(rhythm().due(&beat), Some(at(94)), "it began in time");
        for minute in 75..200 {
            beat = beat.beaten(PingKind::Start, None, at(minute)).beat;
        }
        assert_eq!(rhythm().due(&beat), Some(at(10 + 60 + 5 + 20)));
        assert!(rhythm().reason(&beat).contains("did not end within 20m"), "{}", rhythm().reason(&beat));
    }

    #[test]
    fn only_the_end_of_the_run_that_began_has_a_duration() {
        let beat = new().beaten(PingKind::Start, Some("a"), at(0)).beat;
        let other = beat.clone().beaten(PingKind::Success, Some("b"), at(3));
        assert_eq!((other.duration_ms, other.beat.started_at), (None, Some(at(0))));
        let own = beat.clone().beaten(PingKind::Fail, Some("a"), at(3));
        assert_eq!((own.duration_ms, own.beat.started_at), (Some(3 * MINUTE), None));
        assert_eq!(beat.beaten(PingKind::Success, None, at(4)).duration_ms, Some(4 * MINUTE));
    }

    #[test]
    fn a_cron_expression_counts_in_its_zone() {
        // 2026-10-25: clocks in Berlin go back at 03:00.
        let before = Timestamp::parse_rfc3339("2026-10-24T01:30:00Z").unwrap();
        let schedule = Schedule::new("30 3 * * *", "Europe/Berlin", before).unwrap();
        let rhythm = Rhythm { every: Every::Cron(Box::new(schedule)), ..rhythm() };
        let beat = new().beaten(PingKind::Success, None, before).beat;
        assert_eq!(rhythm.due(&beat), Some(Timestamp::parse_rfc3339("2026-10-25T02:35:00Z").unwrap()));
    }
}
