//! Overrides, layers together, edits, and what is refused.

use watchtower_model::{Id, OverrideId, Timestamp, UserId};
use watchtower_oncall::{
    Definition, LayerSpec, Override, OverrideKind, RestrictionSpec, Schedule, Source, Unit, first_after_edit,
};

use crate::zones::person;

const ANN: usize = 0;
const BEN: usize = 1;
const CID: usize = 2;
const DAN: usize = 3;

fn time(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(&format!("{text}:00Z")).unwrap()
}

pub fn weekly(name: &str, people: &[usize]) -> LayerSpec {
    LayerSpec {
        name: name.into(),
        participants: people.iter().map(|n| person(*n)).collect(),
        unit: Unit::Weekly,
        length: 1,
        handoff: "08:00".into(),
        // A Monday.
        start: "2026-11-02".into(),
        first: 0,
        restrictions: Vec::new(),
    }
}

fn definition(layers: &[LayerSpec]) -> Definition {
    Definition::new(Timestamp(0), "UTC", layers).unwrap()
}

fn with(layers: &[LayerSpec], overrides: Vec<Override>) -> Schedule {
    Schedule::new(definition(layers), [], overrides)
}

fn over(n: u8, kind: OverrideKind, user: usize, from: &str, to: &str) -> Override {
    let id = OverrideId(Id::from_digest(&[n; 16]));
    Override { id, kind, user: person(user), from: time(from), to: time(to) }
}

/// Who is on call, and until when.
fn told(schedule: &Schedule, at: &str) -> Vec<(UserId, Timestamp)> {
    schedule.on_call(time(at)).into_iter().map(|duty| (duty.user, duty.until)).collect()
}

#[test]
fn layers_are_on_call_together() {
    let schedule = with(&[weekly("first", &[ANN, BEN]), weekly("second", &[CID])], Vec::new());
    let end = time("2026-11-09T08:00");
    assert_eq!(told(&schedule, "2026-11-05T00:00"), [(person(ANN), end), (person(CID), end)]);
    assert_eq!(told(&schedule, "2026-11-02T07:59"), [], "before the start");
}

#[test]
fn each_kind_of_override_does_what_it_says_and_ends() {
    let layers = [weekly("layer", &[ANN, BEN])];
    let (from, to) = ("2026-11-04T00:00", "2026-11-05T00:00");
    let (begin, end, handoff) = (time(from), time(to), time("2026-11-09T08:00"));
    let add = with(&layers, vec![over(1, OverrideKind::Add, CID, from, to)]);
    assert_eq!(told(&add, from), [(person(ANN), handoff), (person(CID), end)]);
    let remove = with(&layers, vec![over(1, OverrideKind::Remove, ANN, from, to)]);
    assert_eq!(told(&remove, from), []);
    assert_eq!(told(&remove, "2026-11-03T12:00"), [(person(ANN), begin)], "until the override begins");
    let gaps = remove.gaps(time("2026-11-03T00:00"), time("2026-11-08T00:00"));
    assert_eq!(gaps.iter().map(|gap| (gap.from, gap.to)).collect::<Vec<_>>(), [(begin, end)]);
    let all = OverrideKind::Replace { instead_of: None };
    assert_eq!(told(&with(&layers, vec![over(1, all, CID, from, to)]), from), [(person(CID), end)]);
    assert_eq!(told(&remove, to), [(person(ANN), handoff)], "back when it is over");
}

#[test]
fn who_stands_in_for_one_person_has_that_persons_hours_alone() {
    let kind = OverrideKind::Replace { instead_of: Some(person(ANN)) };
    let schedule = with(
        &[weekly("layer", &[ANN, BEN])],
        vec![over(1, kind, CID, "2026-11-06T00:00", "2026-11-20T00:00")],
    );
    assert_eq!(told(&schedule, "2026-11-07T00:00"), [(person(CID), time("2026-11-09T08:00"))]);
    assert_eq!(told(&schedule, "2026-11-10T00:00"), [(person(BEN), time("2026-11-16T08:00"))]);
    assert_eq!(told(&schedule, "2026-11-17T00:00"), [(person(CID), time("2026-11-20T00:00"))]);
}

#[test]
fn a_later_override_sees_what_an_earlier_one_made() {
    let (from, to) = ("2026-11-04T00:00", "2026-11-05T00:00");
    let cid_for_ann = OverrideKind::Replace { instead_of: Some(person(ANN)) };
    let dan_for_cid = OverrideKind::Replace { instead_of: Some(person(CID)) };
    let overrides = vec![over(1, cid_for_ann, CID, from, to), over(2, dan_for_cid, DAN, from, to)];
    let schedule = with(&[weekly("layer", &[ANN, BEN])], overrides);
    let duties = schedule.on_call(time(from));
    assert_eq!(duties.len(), 1);
    assert_eq!(duties[0].user, person(DAN));
    assert_eq!(duties[0].source, Source::Override(OverrideId(Id::from_digest(&[2; 16]))));
}

#[test]
fn an_edit_of_the_people_leaves_the_past_and_who_is_on_call_as_they_are() {
    let now = time("2026-11-11T12:00");
    let old = definition(&[weekly("layer", &[ANN, BEN, CID])]);
    // Ben is on call. Each case: the new people, and who has the turn now and next.
    for (people, current, next) in [
        (vec![DAN, ANN, BEN, CID], BEN, CID),
        (vec![CID, BEN], BEN, CID),
        (vec![ANN, CID], CID, ANN),
        (vec![DAN], DAN, DAN),
        (vec![BEN, CID, ANN], BEN, CID),
    ] {
        let mut spec = weekly("layer", &people);
        spec.first = first_after_edit(&old, &spec, "UTC", now);
        let new = Definition::new(now, "UTC", &[spec]).unwrap();
        let schedule = Schedule::new(old.clone(), [new], Vec::new());
        let turn = (person(current), time("2026-11-16T08:00"));
        assert_eq!(told(&schedule, "2026-11-11T12:00"), [turn], "{people:?}");
        assert_eq!(told(&schedule, "2026-11-17T00:00")[0].0, person(next), "{people:?}");
        assert_eq!(told(&schedule, "2026-11-03T00:00"), [(person(ANN), time("2026-11-09T08:00"))]);
        if current == BEN {
            let whole = schedule.shifts(time("2026-11-09T08:00"), time("2026-11-16T08:00"));
            assert_eq!(whole.len(), 1, "one shift, whatever was edited in it: {whole:?}");
            assert_eq!(told(&schedule, "2026-11-10T00:00"), [turn], "seen from before the edit");
        }
    }
}

#[test]
fn an_edit_of_the_times_begins_anew() {
    let now = time("2026-11-11T12:00");
    let old = definition(&[weekly("layer", &[ANN, BEN, CID])]);
    let daily = LayerSpec { unit: Unit::Daily, start: "2026-11-11".into(), ..weekly("layer", &[ANN, BEN]) };
    assert_eq!(first_after_edit(&old, &daily, "UTC", now), 0);
    assert_eq!(first_after_edit(&old, &weekly("layer", &[CID, BEN]), "Europe/Berlin", now), 0);
    let before_it_began = time("2026-11-01T12:00");
    assert_eq!(first_after_edit(&old, &weekly("layer", &[BEN, ANN]), "UTC", before_it_began), 0);
    let restricted =
        LayerSpec { restrictions: vec![night("20:00", "06:00")], ..weekly("layer", &[ANN, BEN, CID]) };
    assert_eq!(first_after_edit(&old, &restricted, "UTC", now), 0);
}

fn night(from: &str, to: &str) -> RestrictionSpec {
    RestrictionSpec { days: Vec::new(), from: from.into(), to: to.into(), to_day: None }
}

#[test]
fn what_cannot_be_is_refused_with_its_field() {
    let layer = || weekly("layer", &[ANN]);
    let cases = [
        (LayerSpec { participants: Vec::new(), ..layer() }, "layers[0].participants"),
        (LayerSpec { length: 0, ..layer() }, "layers[0].length"),
        (LayerSpec { length: 367, ..layer() }, "layers[0].length"),
        (LayerSpec { handoff: "8:00".into(), ..layer() }, "layers[0].handoff"),
        (LayerSpec { handoff: "24:00".into(), ..layer() }, "layers[0].handoff"),
        (LayerSpec { start: "2026-02-30".into(), ..layer() }, "layers[0].start"),
        (LayerSpec { start: "9999-12-31".into(), ..layer() }, "layers[0].start"),
        (
            LayerSpec { restrictions: vec![night("20:00", "26:00")], ..layer() },
            "layers[0].restrictions[0].to",
        ),
        (
            LayerSpec {
                restrictions: vec![RestrictionSpec {
                    to_day: Some(watchtower_oncall::Weekday::Mon),
                    ..night("20:00", "06:00")
                }],
                ..layer()
            },
            "layers[0].restrictions[0].days",
        ),
    ];
    for (spec, field) in cases {
        let error = Definition::new(Timestamp(0), "UTC", &[spec]).unwrap_err();
        assert_eq!(error.parts().0, field, "{error}");
    }
    for zone in ["", "Mars/Olympus", "../etc/passwd", "utc+1"] {
        assert_eq!(Definition::new(Timestamp(0), zone, &[]).unwrap_err().parts().0, "timezone");
    }
    let twice = Definition::new(Timestamp(0), "UTC", &[layer(), layer()]).unwrap_err();
    assert_eq!(twice.parts(), ("layers".into(), "two are called \"layer\"".into()));
}

#[test]
fn the_clock_of_the_zone_is_shown() {
    let berlin = Definition::new(Timestamp(0), "europe/berlin", &[]).unwrap();
    assert_eq!(berlin.zone_name(), "Europe/Berlin");
    let schedule = Schedule::new(berlin, [], Vec::new());
    let now = time("2026-11-30T01:00");
    assert_eq!(schedule.clock(time("2026-11-30T07:00"), now), "08:00");
    assert_eq!(schedule.clock(time("2026-12-07T07:00"), now), "Mon 7 Dec 08:00");
    assert_eq!(schedule.clock(time("2027-01-01T07:00"), now), "Fri 1 Jan 2027 08:00");
}
