//! Schedules at random: shifts of a layer tile time, and shifts and gaps together cover it; an instant is told the same as a range.

use watchtower_model::{Id, OverrideId, Timestamp};
use watchtower_oncall::{
    Definition, LayerSpec, Override, OverrideKind, RestrictionSpec, Schedule, Shift, Unit, Weekday,
};

use crate::zones::person;

const ROUNDS: u64 = 150;
const DAY_MS: i64 = 86_400_000;
const ZONES: [&str; 6] = [
    "America/Chicago",
    "Europe/Dublin",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "Asia/Kolkata",
    "Pacific/Apia",
];

/// splitmix64: the same sequence for the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }

    fn clock(&mut self) -> String {
        format!("{:02}:{:02}", self.roll(24), self.roll(4) * 15)
    }

    fn weekday(&mut self) -> Weekday {
        use Weekday::*;
        [Mon, Tue, Wed, Thu, Fri, Sat, Sun][self.roll(7) as usize]
    }

    fn restriction(&mut self) -> RestrictionSpec {
        let days: Vec<_> = (0..self.roll(4)).map(|_| self.weekday()).collect();
        let to_day = (!days.is_empty() && self.roll(2) == 0).then(|| self.weekday());
        RestrictionSpec { days, from: self.clock(), to: self.clock(), to_day }
    }

    fn layer(&mut self, name: usize, restricted: bool) -> LayerSpec {
        let unit = [Unit::Hourly, Unit::Daily, Unit::Weekly, Unit::Monthly][self.roll(4) as usize];
        let restrictions = if restricted { self.roll(3) } else { 0 };
        LayerSpec {
            name: format!("layer {name}"),
            participants: (0..=self.roll(4)).map(|n| person(n as usize)).collect(),
            unit,
            length: 1 + self.roll(if unit == Unit::Hourly { 30 } else { 3 }) as u32,
            handoff: self.clock(),
            start: format!("2025-{:02}-{:02}", 1 + self.roll(12), 1 + self.roll(28)),
            first: self.roll(5) as u32,
            restrictions: (0..restrictions).map(|_| self.restriction()).collect(),
        }
    }

    fn instant(&mut self, from: Timestamp, days: u64) -> Timestamp {
        from.plus_ms(self.roll(days * 24 * 60) as i64 * 60_000)
    }

    fn one_override(&mut self, n: u8, from: Timestamp) -> Override {
        let kind = match self.roll(4) {
            0 => OverrideKind::Add,
            1 => OverrideKind::Remove,
            2 => OverrideKind::Replace { instead_of: None },
            _ => OverrideKind::Replace { instead_of: Some(person(self.roll(5) as usize)) },
        };
        let begin = self.instant(from, 60);
        let id = OverrideId(Id::from_digest(&[n; 16]));
        let to = begin.plus_ms(60_000).plus_ms(self.roll(8 * 24 * 60) as i64 * 60_000);
        Override { id, kind, user: person(self.roll(6) as usize), from: begin, to }
    }
}

fn start() -> Timestamp {
    Timestamp::parse_rfc3339("2026-01-15T00:00:00Z").unwrap()
}

#[test]
fn the_turns_of_an_unrestricted_layer_tile_time() {
    for seed in 0..ROUNDS {
        let mut dice = Dice(seed);
        let zone = ZONES[dice.roll(6) as usize];
        let definition = Definition::new(Timestamp(0), zone, &[dice.layer(0, false)]).unwrap();
        let schedule = Schedule::new(definition, [], Vec::new());
        let (from, to) = (start(), start().plus_ms(100 * DAY_MS));
        let shifts = schedule.shifts(from, to);
        assert_eq!((shifts[0].from, shifts[shifts.len() - 1].to), (from, to), "seed {seed}");
        for pair in shifts.windows(2) {
            assert_eq!(pair[0].to, pair[1].from, "seed {seed}");
            assert!(pair[0].from < pair[0].to, "seed {seed}");
        }
    }
}

fn random_schedule(dice: &mut Dice) -> Schedule {
    let from = start();
    let layers =
        |dice: &mut Dice| -> Vec<_> { (0..=dice.roll(2) as usize).map(|n| dice.layer(n, true)).collect() };
    let definition = |dice: &mut Dice, since| {
        let zone = ZONES[dice.roll(6) as usize];
        Definition::new(since, zone, &layers(dice)).unwrap()
    };
    let first = definition(dice, Timestamp(0));
    let later = (dice.roll(2) == 0).then(|| {
        let since = dice.instant(from, 60);
        definition(dice, since)
    });
    let overrides = (0..dice.roll(6)).map(|n| dice.one_override(n as u8, from)).collect();
    Schedule::new(first, later, overrides)
}

#[test]
fn shifts_and_gaps_cover_time_and_instants_agree() {
    for seed in 0..ROUNDS {
        let mut dice = Dice(seed);
        let schedule = random_schedule(&mut dice);
        let (from, to) = (start(), start().plus_ms(70 * DAY_MS));
        let (shifts, gaps) = (schedule.shifts(from, to), schedule.gaps(from, to));
        for _ in 0..60 {
            let at = dice.instant(from, 70);
            let present: Vec<&Shift> =
                shifts.iter().filter(|shift| shift.from <= at && at < shift.to).collect();
            let in_gap = gaps.iter().any(|gap| gap.from <= at && at < gap.to);
            assert_eq!(present.is_empty(), in_gap, "seed {seed} at {at}");
            let duties = schedule.on_call(at);
            let mut told: Vec<_> = duties.iter().map(|duty| (duty.user, duty.source.clone())).collect();
            let mut shown: Vec<_> = present.iter().map(|shift| (shift.user, shift.source.clone())).collect();
            told.sort();
            told.dedup();
            shown.sort();
            shown.dedup();
            assert_eq!(told, shown, "seed {seed} at {at}");
            for duty in &duties {
                let same = |shift: &&&Shift| shift.user == duty.user && shift.source == duty.source;
                let ends: Vec<_> = present.iter().filter(same).map(|shift| shift.to).collect();
                assert!(ends.contains(&duty.until.min(to)), "seed {seed} at {at}: {duty:?}, not {ends:?}");
            }
        }
    }
}
