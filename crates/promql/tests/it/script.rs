//! The script language, after Prometheus' promqltest:
//!
//! ```text
//! load 5m                                   series with a value every 5 minutes from time 0
//!   name{a="b"} 1 2 _ 4 stale 0+10x5 7x2    literal, gap, stale marker, start+step x times, repeated
//! clear                                     forget all series
//! eval instant at 50m EXPR
//! eval range from 0 to 10m step 5m EXPR
//!   expect fail [part of the error]         or: expect ordered
//!   name{a="b"} 1 2 _                       the answer, in any order; one number for a scalar
//! ```
//! Blocks end with an empty line; `#` starts a comment line.

use watchtower_model::{Labels, Sample, Timestamp, parse_duration_ms, parse_value, stale_nan};
use watchtower_promql::{Answer, Kind, Limits, SeriesWindow, Settings, eval_instant, eval_range, parse};

use crate::source::Memory;

#[derive(Default)]
pub struct Run {
    pub evaluations: usize,
    pub failures: Vec<String>,
}

pub fn run(text: &str) -> Run {
    let mut run = Run::default();
    let mut source = Memory::default();
    let mut lines = text.lines().enumerate().filter(|(_, l)| !l.trim_start().starts_with('#')).peekable();
    while let Some((at, line)) = lines.next() {
        let mut block = Vec::new();
        while let Some((_, next)) = lines.next_if(|(_, l)| l.starts_with(' ') || l.starts_with('\t')) {
            block.push(next.trim());
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            [] => {}
            ["clear"] => source.series.clear(),
            ["load", step] => load(&mut source, parse_duration_ms(step).unwrap(), &block),
            ["eval", ..] => {
                run.evaluations += 1;
                if let Err(failure) = evaluate(&source, line, &block) {
                    run.failures.push(format!("{}: {line}\n    {failure}", at + 1));
                }
            }
            _ => run.failures.push(format!("{}: unknown command {line:?}", at + 1)),
        }
    }
    run
}

fn load(source: &mut Memory, step: i64, block: &[&str]) {
    for line in block {
        let (labels, values) = series(line);
        let samples = values
            .iter()
            .enumerate()
            .filter_map(|(i, v)| v.map(|v| Sample { t: Timestamp(i as i64 * step), v }));
        source.series.push((labels, samples.collect()));
    }
}

/// `name{a="b"} 1 2 _`
fn series(line: &str) -> (Labels, Vec<Option<f64>>) {
    let end = match (line.find('{'), line.find(' ')) {
        (Some(brace), space) if space.is_none_or(|s| brace < s) => line.rfind('}').unwrap() + 1,
        (_, space) => space.unwrap_or(line.len()),
    };
    let (name, values) = line.split_at(end);
    (labels(name), values.split_whitespace().flat_map(notation).collect())
}

fn labels(text: &str) -> Labels {
    if text == "{}" {
        return Labels::empty();
    }
    let Kind::Vector(selector) = parse(text).unwrap_or_else(|e| panic!("{text}: {e}")).kind else {
        panic!("{text} is not a series")
    };
    Labels::from_pairs(selector.matchers.iter().map(|m| (m.name(), m.value())))
}

fn notation(text: &str) -> Vec<Option<f64>> {
    let number = |text: &str| parse_value(text).unwrap_or_else(|| panic!("{text} is not a value"));
    if let Some(start) = text.find('x').filter(|_| text != "x") {
        let times: usize = text[start + 1..].parse().unwrap();
        let base = &text[..start];
        if base == "_" {
            return vec![None; times];
        }
        let sign = base[1..].rfind(['+', '-']).map(|at| at + 1).filter(|at| !base[..*at].ends_with('e'));
        let (first, step) = match sign {
            Some(at) => (number(&base[..at]), number(base[at..].trim_start_matches('+'))),
            None => (number(base), 0.0),
        };
        return (0..=times).map(|i| Some(first + step * i as f64)).collect();
    }
    match text {
        "_" => vec![None],
        "stale" => vec![Some(stale_nan())],
        _ => vec![Some(number(text))],
    }
}

fn close(a: f64, b: f64) -> bool {
    a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= 1e-9 * a.abs().max(b.abs())
}

fn evaluate(source: &Memory, line: &str, block: &[&str]) -> Result<(), String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let time = |word: &str| Timestamp(parse_duration_ms(word).unwrap());
    let (times, skip) = match words.as_slice() {
        ["eval", "instant", "at", at, ..] => ((time(at), time(at), 0), 4),
        ["eval", "range", "from", from, "to", to, "step", step, ..] => {
            ((time(from), time(to), parse_duration_ms(step).unwrap()), 8)
        }
        _ => return Err("unknown form of eval".into()),
    };
    let text = words[skip..].join(" ");
    let fail = block.iter().find_map(|l| l.strip_prefix("expect fail"));
    let ordered = block.contains(&"expect ordered");
    let expected: Vec<&str> = block.iter().filter(|l| !l.starts_with("expect ")).copied().collect();
    match (answer(source, &text, times), fail) {
        (Err(error), Some(part)) if error.contains(part.trim()) => Ok(()),
        (Err(error), Some(part)) => Err(format!("expected an error with {part:?}, found {error}")),
        (Err(error), None) => Err(error),
        (Ok(found), Some(_)) => Err(format!("expected an error, found {found:?}")),
        (Ok(found), None) => compare(found, &expected, ordered, times),
    }
}

fn answer(
    source: &Memory,
    text: &str,
    (from, to, step): (Timestamp, Timestamp, i64),
) -> Result<Answer, String> {
    let expr = parse(text).map_err(|e| e.to_string())?;
    let limits = Limits { series: 1000, samples: 1_000_000, keep_going: &|| true };
    let settings = Settings::default();
    let found = match step {
        0 => eval_instant(&expr, from, source, &settings, &limits),
        _ => eval_range(&expr, from, to, step, source, &settings, &limits).map(Answer::Matrix),
    };
    found.map_err(|e| e.to_string())
}

fn compare(
    found: Answer,
    expected: &[&str],
    ordered: bool,
    times: (Timestamp, Timestamp, i64),
) -> Result<(), String> {
    let mut found: Vec<SeriesWindow> = match found {
        Answer::Scalar(sample) => {
            let wanted = expected.first().and_then(|l| parse_value(l)).ok_or("expected a number")?;
            return if close(sample.v, wanted) { Ok(()) } else { Err(format!("found {}", sample.v)) };
        }
        Answer::String(_, text) => {
            return if expected == [text.as_str()] { Ok(()) } else { Err(format!("found {text:?}")) };
        }
        Answer::Vector(all) => {
            let one = |e: watchtower_promql::Element| (e.labels, vec![Sample { t: e.t, v: e.v }]);
            all.into_iter().map(one).map(|(labels, samples)| SeriesWindow { labels, samples }).collect()
        }
        Answer::Matrix(series) => series,
    };
    let mut wanted: Vec<SeriesWindow> = expected.iter().map(|l| wanted_series(l, times)).collect();
    if !ordered {
        found.sort_by(|a, b| a.labels.cmp(&b.labels));
        wanted.sort_by(|a, b| a.labels.cmp(&b.labels));
    }
    let same = |a: &SeriesWindow, b: &SeriesWindow| {
        a.labels == b.labels
            && a.samples.len() == b.samples.len()
            && a.samples.iter().zip(&b.samples).all(|(x, y)| x.t == y.t && close(x.v, y.v))
    };
    if found.len() == wanted.len() && found.iter().zip(&wanted).all(|(a, b)| same(a, b)) {
        return Ok(());
    }
    let show = |all: &[SeriesWindow]| {
        let one = |w: &SeriesWindow| {
            let values: Vec<String> = w.samples.iter().map(|s| format!("{}@{}", s.v, s.t.0)).collect();
            format!("{} {}", w.labels, values.join(" "))
        };
        all.iter().map(one).collect::<Vec<_>>().join("\n      ")
    };
    Err(format!("found\n      {}\n    expected\n      {}", show(&found), show(&wanted)))
}

fn wanted_series(line: &str, (from, _, step): (Timestamp, Timestamp, i64)) -> SeriesWindow {
    let (labels, values) = match line.parse::<f64>() {
        Ok(_) => (Labels::empty(), notation(line)),
        Err(_) => series(line),
    };
    let samples = values
        .into_iter()
        .enumerate()
        .filter_map(|(i, v)| v.map(|v| Sample { t: from.plus_ms(i as i64 * step), v }));
    SeriesWindow { labels, samples: samples.collect() }
}
