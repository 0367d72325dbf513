//! The engine as a whole, on a store in memory that can lose power at any moment.

mod scene;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use watchtower_matchers::Matchers;
use watchtower_model::{AgentId, Id, Labels, Timestamp, is_stale, stale_nan};

use crate::codec::tests::Numbers;
use crate::*;
pub(crate) use scene::*;

#[test]
fn resource_labels_are_joined_and_edits_cause_no_churn() {
    let db = open(&Arc::default());
    for (n, env) in [(1, "prod"), (2, "test")] {
        let series = refs(&db, Some(id(n)), &["up", "load"]);
        let labels = Labels::from_pairs([("instance", format!("web-{n}").as_str()), ("env", env)]);
        db.set_resource(id(n), labels);
        loose(&db, false, &[(series[0], T0, 1.0), (series[1], T0, 0.5)]);
    }
    assert_eq!(
        labels_of(&db, "env=prod"),
        ["load{env=\"prod\", instance=\"web-1\"}", "up{env=\"prod\", instance=\"web-1\"}"]
    );
    assert_eq!(labels_of(&db, "__name__=up,env!=prod"), ["up{env=\"test\", instance=\"web-2\"}"]);
    db.set_resource(id(2), Labels::from_pairs([("instance", "renamed"), ("env", "prod")]));
    assert_eq!(select(&db, "__name__=up,instance=renamed,env=prod", T0, T0)[0].samples.len(), 1);
    assert_eq!(db.stats().series, 4);
    assert_eq!(db.stats().label_sets, 2, "servers share label sets");
    assert_eq!(values_of(&db, "instance", Owner::Any), ["renamed", "web-1"]);
    let prod = "env=prod".parse().unwrap();
    let named = Named { matchers: &prod, owner: Owner::Resource(id(1)), range: None };
    assert_eq!(db.label_names(&named).unwrap(), ["__name__", "env", "instance"]);
}

#[test]
fn a_hidden_label_reads_as_exported() {
    let db = open(&Arc::default());
    let own = Labels::from_pairs([("__name__", "backup"), ("env", "inner")]);
    let series = db.resolve(Some(id(1)), &[own]).refs[0].unwrap();
    db.set_resource(id(1), Labels::from_pairs([("env", "prod")]));
    loose(&db, false, &[(series, T0, 1.0)]);
    assert_eq!(
        labels_of(&db, "env=prod,exported_env=inner"),
        ["backup{env=\"prod\", exported_env=\"inner\"}"]
    );
    assert!(labels_of(&db, "env=inner").is_empty() && labels_of(&db, "exported_env=prod").is_empty());
}

#[test]
fn whose_series_are_found_is_decided_by_the_labels_of_the_resource() {
    let db = open(&Arc::default());
    let claims = Labels::from_pairs([("__name__", "up"), ("env", "prod")]);
    let of = |resource: Option<Id>| db.resolve(resource, std::slice::from_ref(&claims)).refs[0].unwrap();
    let points: Vec<_> = [Some(id(1)), Some(id(2)), None].map(|owner| (of(owner), T0, 1.0)).into();
    db.set_resource(id(1), Labels::from_pairs([("instance", "web-1")]));
    db.set_resource(id(2), Labels::from_pairs([("instance", "web-2"), ("env", "prod")]));
    loose(&db, false, &points);
    let seen = |servers: &str| -> Vec<String> {
        let servers: Matchers = servers.parse().unwrap();
        let owner = Owner::ResourcesWith(&servers);
        let values = values_of(&db, "instance", owner);
        let all = Named { matchers: &Matchers::default(), owner, range: None };
        assert_eq!(values.len(), db.series(&all, 9).unwrap().len());
        values
    };
    // Who may see env=prod does not see a server for what its series say, nor what other senders say.
    assert_eq!(seen("env=prod"), ["web-2"]);
    assert_eq!(seen("env!=prod"), ["web-1"]);
    assert_eq!(seen("instance=web-1"), ["web-1"]);
}

#[test]
fn a_job_of_its_own_wins_over_that_of_the_resource() {
    let db = open(&Arc::default());
    let own = |pairs: &[(&str, &str)]| Labels::from_pairs(pairs.iter().copied());
    let shapes = [
        own(&[("__name__", "up")]),
        own(&[("__name__", "up"), ("job", "db")]),
        own(&[("__name__", "up"), ("job", "db"), ("exported_job", "x")]),
    ];
    let series = db.resolve(Some(id(1)), &shapes).refs;
    db.set_resource(id(1), own(&[("job", "node"), ("instance", "web-1")]));
    let nobody = db.resolve(None, &[own(&[("__name__", "up"), ("job", "node")])]).refs[0].unwrap();
    let points: Vec<_> = series.iter().flatten().chain([&nobody]).map(|series| (*series, T0, 1.0)).collect();
    loose(&db, false, &points);
    let node = "up{instance=\"web-1\", job=\"node\"}";
    let scraped =
        ["up{exported_job=\"x\", instance=\"web-1\", job=\"db\"}", "up{instance=\"web-1\", job=\"db\"}"];
    let outside = "up{job=\"node\"}";
    for (matchers, wanted) in [
        ("job=node", vec![node, outside]),
        ("job=db", scraped.to_vec()),
        ("job!=node", scraped.to_vec()),
        ("job=~\"node|db\"", vec![scraped[0], scraped[1], node, outside]),
        ("job=~\".*\",instance=web-1", vec![scraped[0], scraped[1], node]),
        ("job=\"\"", vec![]),
        ("exported_job=x", vec![scraped[0]]),
        ("exported_job=\"\",job=db", vec![scraped[1]]),
    ] {
        assert_eq!(labels_of(&db, matchers), wanted, "{matchers}");
    }
    assert_eq!(values_of(&db, "job", Owner::Any), ["db", "node"]);
}

#[test]
fn matchers_select_as_a_plain_filter_would() {
    let db = open(&Arc::default());
    let mut numbers = Numbers(11);
    let mut all = Vec::new();
    for n in 0..200u64 {
        let mut pairs =
            vec![("__name__".to_string(), format!("m{}", numbers.next() % 5)), ("n".into(), n.to_string())];
        for name in ["a", "b"] {
            if !numbers.next().is_multiple_of(3) {
                pairs.push((name.into(), format!("{name}{}", numbers.next() % 4)));
            }
        }
        all.push(Labels::from_pairs(pairs));
    }
    db.resolve(None, &all);
    for text in [
        "__name__=m1",
        "__name__=~m1|m2,a=a1",
        "a!=a1",
        "a=~.+",
        "a=~.*,b!~b1|b2",
        "a=",
        "b=~a.*|",
        "n=~1.*,a!=\"\"",
        "__name__=m1,__name__!=m1",
        "a!~.+,b=~b[0-2]",
        "nothing=x",
        "nothing!=x,b=b3",
        "",
    ] {
        let matchers: Matchers = text.parse().unwrap();
        let mut expected: Vec<Labels> = all.iter().filter(|l| matchers.matches(l)).cloned().collect();
        expected.sort();
        assert_eq!(named(&db, text, None), expected, "{text}");
    }
}

#[test]
fn windows_duplicates_and_future() {
    let db = open(&Arc::default());
    let s = refs(&db, None, &["x"])[0];
    let hour = 3_600_000;
    assert_eq!(
        loose(&db, false, &[(s, T0, 1.0), (s, T0, 2.0)]),
        Outcome { accepted: 1, duplicates: 1, ..Outcome::default() }
    );
    assert_eq!(loose(&db, false, &[(s, T0 - hour, 0.5), (s, T0 - hour, 0.6)]).duplicates, 1);
    assert_eq!(loose(&db, false, &[(s, T0 - hour - 1, 9.0)]).too_old, 1);
    assert_eq!(loose(&db, true, &[(s, T0 - 24 * hour, 0.1)]).accepted, 1);
    assert_eq!(loose(&db, true, &[(s, T0 - 24 * hour - 1, 0.1)]).too_old, 1);
    let future = [(s, Timestamp(T0 + 700_000), 1.0)];
    let batch = Batch {
        progress: None,
        received_at: Timestamp(T0),
        backfill: false,
        samples: Samples::Loose(&future),
    };
    assert_eq!(db.append(&[batch]).unwrap()[0].too_new, 1);
    let ancient = [(s, Timestamp(T0 - 16 * 24 * hour), 1.0)];
    let samples = Samples::Loose(&ancient);
    let batch = Batch { progress: None, received_at: Timestamp(T0), backfill: true, samples };
    assert_eq!(db.append(&[batch]).unwrap()[0].too_old, 1);
    loose(&db, false, &[(s, T0 + 1, stale_nan())]);
    let unknown = loose(&db, false, &[(SeriesRef(77), T0, 1.0), (SeriesRef(u64::MAX), T0, 1.0)]);
    assert_eq!(unknown.unknown, 2);
    db.flush_all(Timestamp(T0 + hour)).unwrap();
    db.flush_all(Timestamp(T0 + hour)).unwrap();
    let samples = &select(&db, "__name__=x", i64::MIN, i64::MAX)[0].samples;
    assert_eq!(samples.iter().map(|s| s.t.0 - T0).collect::<Vec<_>>(), [-24 * hour, -hour, 0, 1]);
    assert_eq!(samples[2].v, 1.0, "the first value stays");
    assert!(is_stale(samples[3].v));
    assert_eq!(db.stats().refused, 6);
}

#[test]
fn series_limits_are_named_and_do_not_hinder_others() {
    let options = Options { series_per_resource: 2, series_total: 3, ..Options::default() };
    let (db, _) = Tsdb::open(Arc::new(MemoryStore::default()), options).unwrap();
    let resolved = db.resolve(Some(id(1)), &names(&["a", "b", "c", "a"]));
    assert_eq!(resolved.refs.iter().map(Option::is_some).collect::<Vec<_>>(), [true, true, false, true]);
    assert_eq!((resolved.refused, resolved.limit), (1, Some(ResolveLimit::PerResource(2))));
    assert_eq!(resolved.refs[0], resolved.refs[3]);
    assert_eq!(db.resolve(Some(id(2)), &names(&["a", "b"])).limit, Some(ResolveLimit::Total(3)));
    assert_eq!(db.stats().series_refused, 2);
}

#[test]
fn query_limits_are_errors() {
    let db = open(&Arc::default());
    let s = refs(&db, None, &["a", "b"]);
    for i in 0..300 {
        loose(&db, false, &[(s[0], T0 + i, 1.0), (s[1], T0 + i, 1.0)]);
    }
    db.flush_all(Timestamp(T0 + 3_600_000)).unwrap();
    db.flush(Timestamp(T0 + 3_600_000)).unwrap();
    let matchers = Matchers::default();
    let mut query = Query {
        matchers: &matchers,
        from: Timestamp(T0),
        to: Timestamp(T0 + 400),
        owner: Owner::Any,
        max_series: 1,
        max_samples: 600,
    };
    assert_eq!(db.select(&query), Err(TsdbError::TooManySeries { found: 2, limit: 1 }));
    query.max_series = 2;
    assert_eq!(db.select(&query).unwrap().len(), 2);
    query.max_samples = 599;
    assert_eq!(db.select(&query), Err(TsdbError::TooManySamples { limit: 599 }));
}

/// Random reports, out-of-order samples, flushes, merges, removals and restarts, against a plain map; after every step
/// the power may fail, and what was acknowledged must be there.
#[test]
fn nothing_acknowledged_is_lost_at_any_point() {
    for seed in 1..=12 {
        let mut numbers = Numbers(seed);
        let mut store = Arc::new(MemoryStore::default());
        let mut db = open(&store);
        let mut model: HashMap<(u8, usize), BTreeMap<i64, u64>> = HashMap::new();
        let mut progress = HashMap::new();
        let list = ["a", "b", "c", "d", "e"];
        let mut now = T0;
        for step in 0..400u64 {
            let server = (numbers.next() % 3) as u8;
            match numbers.next() % 20 {
                0 => drop(db.flush(Timestamp(now)).unwrap()),
                1 if step % 7 == 0 => drop(db.flush_all(Timestamp(now)).unwrap()),
                2 => {
                    store = Arc::new(store.copy());
                    db = open(&store);
                }
                3 if step % 5 == 0 => {
                    db.remove_resource(id(server)).unwrap();
                    model.retain(|(s, _), _| *s != server);
                }
                4 => now += 15 * 60_000,
                5 if step % 3 == 0 => {
                    let extent = if step % 2 == 0 { Extent::Everything } else { Extent::Due };
                    while db.merge(Timestamp(now), extent).unwrap().more {}
                }
                kind => {
                    now += 10_000 + (numbers.next() % 3) as i64;
                    let t = if kind < 8 { now - (numbers.next() % 3_000_000) as i64 } else { now };
                    let series = refs(&db, Some(id(server)), &list);
                    let values: Vec<_> =
                        series.iter().map(|s| (*s, (numbers.next() % 100) as f64 / 3.0)).collect();
                    let at = Progress { agent: AgentId(id(server)), epoch: 1, seq: step };
                    let samples = Samples::Report { t: Timestamp(t), values: &values };
                    let received_at = Timestamp(now);
                    db.append(&[Batch { progress: Some(at), received_at, backfill: true, samples }]).unwrap();
                    progress.insert(server, step);
                    for (i, (_, v)) in values.iter().enumerate() {
                        model.entry((server, i)).or_default().entry(t).or_insert(v.to_bits());
                    }
                }
            }
            if step % 40 == 39 {
                let after_power_cut = open(&Arc::new(store.copy()));
                for db in [&after_power_cut, &db] {
                    for n in 0..3 {
                        db.set_resource(id(n), Labels::from_pairs([("instance", n.to_string())]));
                        assert_eq!(db.progress(AgentId(id(n))).map(|p| p.1), progress.get(&n).copied());
                    }
                    let expected: BTreeMap<Labels, Vec<(i64, u64)>> = model
                        .iter()
                        .map(|((server, i), samples)| {
                            let n = server.to_string();
                            let labels =
                                Labels::from_pairs([("__name__", list[*i]), ("instance", n.as_str())]);
                            (labels, samples.iter().map(|(t, v)| (*t, *v)).collect())
                        })
                        .collect();
                    assert_eq!(everything(db), expected, "seed {seed} step {step}");
                }
            }
        }
    }
}

#[test]
fn the_log_is_cut_and_memory_is_given_back() {
    let store = Arc::new(MemoryStore::default());
    let db = open(&store);
    let series = refs(&db, Some(id(1)), &["a", "b"]);
    let idle = refs(&db, Some(id(1)), &["idle"])[0];
    let mut longest = 0;
    for i in 0..2000 {
        let now = T0 + i * 10_000;
        let values = [(series[0], i as f64), (series[1], 1.0)];
        let samples = Samples::Report { t: Timestamp(now), values: &values };
        db.append(&[Batch { progress: None, received_at: Timestamp(now), backfill: false, samples }])
            .unwrap();
        if i % 6 == 0 {
            db.flush(Timestamp(now)).unwrap();
        }
        longest = longest.max(store.log_bytes());
    }
    assert!(longest < 12_000, "{longest}: five and a half hours are never in the log at once");
    assert!(db.stats().head_bytes < 4_000, "{}", db.stats().head_bytes);
    let end = T0 + 2000 * 10_000;
    loose(&db, false, &[(idle, end, 7.0)]);
    let again = open(&Arc::new(store.copy()));
    let all = select(&again, "", T0, end);
    assert_eq!(all.iter().map(|w| w.samples.len()).collect::<Vec<_>>(), [2000, 2000, 1]);
}

#[test]
fn days_are_dropped_with_their_series() {
    let store = Arc::new(MemoryStore::default());
    let db = open(&store);
    let s = refs(&db, None, &["old", "new"]);
    loose(&db, false, &[(s[0], T0, 1.0), (s[1], T0, 1.0)]);
    loose(&db, false, &[(s[1], T0 + Day::MS, 2.0)]);
    db.flush_all(Timestamp(T0 + Day::MS)).unwrap();
    let later = Timestamp(T0 + Day::MS + 3_600_000);
    db.flush(later).unwrap();
    let kept = Kept { raw_ms: Day::MS, minute_ms: 0, hour_ms: 0 };
    let done = db.retain(later, &kept).unwrap();
    assert_eq!(done, Retention { days: vec![Day::of(T0)], series: 1, ..Retention::default() });
    assert_eq!(everything(&db).len(), 1);
    assert_eq!(everything(&open(&Arc::new(store.copy()))).len(), 1);
    assert_eq!(loose(&db, false, &[(s[0], T0 + Day::MS, 1.0)]).unknown, 1);
    let new = refs(&db, None, &["old"])[0];
    assert!(new > s[1], "a number is never used again");
}

#[test]
fn a_failing_store_loses_nothing_and_acknowledges_nothing() {
    let store = Arc::new(MemoryStore::default());
    let db = open(&store);
    let s = refs(&db, None, &["a"])[0];
    loose(&db, false, &[(s, T0, 1.0)]);
    store.fail_after(Some(0));
    let values = [(s, 2.0)];
    let at = Progress { agent: AgentId(id(9)), epoch: 1, seq: 5 };
    let samples = Samples::Report { t: Timestamp(T0 + 1), values: &values };
    let batch = Batch { progress: Some(at), received_at: Timestamp(T0 + 1), backfill: false, samples };
    assert!(matches!(db.append(&[batch]), Err(TsdbError::Store(StoreError::Full { .. }))));
    assert_eq!(db.progress(AgentId(id(9))), None);
    assert!(db.flush_all(Timestamp(T0 + 2)).is_err());
    store.fail_after(None);
    assert_eq!(db.append(&[batch]).unwrap()[0].duplicates, 1, "sent again by the agent");
    assert_eq!(db.progress(AgentId(id(9))), Some((1, 5)));
    assert_eq!(everything(&open(&Arc::new(store.copy()))).values().next().unwrap().len(), 2);
    for failing in 0..6 {
        loose(&db, false, &[(s, T0 + 10 + failing, 1.0)]);
        store.fail_after(Some(failing as u64));
        let _ = db.flush_all(Timestamp(T0 + 20));
        store.fail_after(None);
        let expected = 3 + failing as usize;
        assert_eq!(everything(&open(&Arc::new(store.copy()))).values().next().unwrap().len(), expected);
        assert_eq!(everything(&db).values().next().unwrap().len(), expected);
    }
}

#[test]
fn one_write_serves_all_that_wait() {
    let store = Arc::new(MemoryStore::default());
    let db = open(&store);
    let series = refs(&db, None, &["a"])[0];
    let enqueue = |i| {
        let samples = Samples::Loose(&[(series, Timestamp(T0 + i), 1.0)]);
        let batch = Batch { progress: None, received_at: Timestamp(T0), backfill: false, samples };
        db.enqueue(&[batch]).unwrap().0
    };
    let tickets: Vec<_> = (0..80).map(enqueue).collect();
    std::thread::scope(|scope| {
        for ticket in &tickets {
            scope.spawn(|| db.wait(*ticket).unwrap());
        }
    });
    assert_eq!(store.log_appends(), 1);
    assert_eq!(everything(&open(&Arc::new(store.copy()))).values().map(Vec::len).sum::<usize>(), 80);
}

/// Chunks move from memory to the store while they are read: a reader must see each of them at every moment.
#[test]
fn readers_miss_nothing_while_chunks_move() {
    let db = open(&Arc::default());
    let series = refs(&db, None, &["a"])[0];
    let appended = std::sync::atomic::AtomicI64::new(0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for i in 0..1500 {
                let t = T0 + i * 60_000;
                loose(&db, false, &[(series, t, i as f64)]);
                appended.store(i + 1, std::sync::atomic::Ordering::SeqCst);
                if i % 5 == 0 {
                    db.flush_all(Timestamp(t)).unwrap();
                }
                if i % 20 == 0 {
                    db.merge(Timestamp(t), Extent::Everything).unwrap();
                }
            }
        });
        loop {
            let before = appended.load(std::sync::atomic::Ordering::SeqCst);
            let found = everything(&db).values().next().map_or(0, Vec::len);
            assert!(found as i64 >= before, "{found} of {before}");
            if before == 1500 {
                break;
            }
        }
    });
}
