//! Names as OpenTelemetry's specification of Prometheus' names wants them: words joined by `_`, unit, then `_total` or `_ratio`.

/// What a name says of a metric's kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Gauge,
    Counter,
    Other,
}

/// UCUM's units, and the words that Prometheus uses for them.
const UNITS: &[(&str, &str)] = &[
    ("d", "days"),
    ("h", "hours"),
    ("min", "minutes"),
    ("s", "seconds"),
    ("ms", "milliseconds"),
    ("us", "microseconds"),
    ("ns", "nanoseconds"),
    ("By", "bytes"),
    ("KiBy", "kibibytes"),
    ("MiBy", "mebibytes"),
    ("GiBy", "gibibytes"),
    ("TiBy", "tebibytes"),
    ("kBy", "kilobytes"),
    ("KBy", "kilobytes"),
    ("MBy", "megabytes"),
    ("GBy", "gigabytes"),
    ("TBy", "terabytes"),
    ("m", "meters"),
    ("V", "volts"),
    ("A", "amperes"),
    ("J", "joules"),
    ("W", "watts"),
    ("g", "grams"),
    ("Cel", "celsius"),
    ("Hz", "hertz"),
    ("1", ""),
    ("%", "percent"),
];

const PER: &[(&str, &str)] = &[
    ("s", "second"),
    ("m", "minute"),
    ("h", "hour"),
    ("d", "day"),
    ("w", "week"),
    ("mo", "month"),
    ("y", "year"),
];

/// Empty if nothing of the name may stand in a name.
pub(super) fn metric_name(name: &str, unit: &str, kind: Kind) -> String {
    let mut words: Vec<&str> = name.split(|c: char| !allowed(c)).filter(|word| !word.is_empty()).collect();
    if words.is_empty() {
        return String::new();
    }
    let (main, per) = suffixes(unit);
    for suffix in [main.as_str(), per.as_str()] {
        if !suffix.is_empty() && !words.contains(&suffix) {
            words.push(suffix);
        }
    }
    let mut last = |word: &'static str| {
        words.retain(|known| *known != word);
        words.push(word);
    };
    match kind {
        Kind::Counter => last("total"),
        Kind::Gauge if unit == "1" => last("ratio"),
        Kind::Gauge | Kind::Other => {}
    }
    let joined = words.join("_");
    if joined.starts_with(|c: char| c.is_ascii_digit()) { format!("_{joined}") } else { joined }
}

fn allowed(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == ':'
}

/// `By/s` is `bytes` and `per_second`. What stands in braces is a remark, not a unit.
fn suffixes(unit: &str) -> (String, String) {
    let (main, per) = unit.split_once('/').unwrap_or((unit, ""));
    let word = |unit: &str, table: &[(&str, &'static str)]| {
        let unit = unit.trim();
        if unit.contains(['{', '}']) {
            return String::new();
        }
        let known = table.iter().find(|(short, _)| *short == unit).map(|(_, word)| *word);
        let words = known.unwrap_or(unit).split(|c| !allowed(c)).filter(|word| !word.is_empty());
        words.collect::<Vec<_>>().join("_")
    };
    let per = word(per, PER);
    (word(main, UNITS), if per.is_empty() { per } else { format!("per_{per}") })
}

/// A unit in Prometheus' words: `By/s` is `bytes_per_second`.
pub(super) fn unit_name(unit: &str) -> String {
    let (main, per) = suffixes(unit);
    let words = [main.as_str(), per.as_str()].into_iter().filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("_")
}

/// An attribute's name as a label's: what may not stand in one becomes `_`; empty if nothing is left of it.
pub(super) fn label_name(name: &str) -> String {
    let text: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if text.bytes().all(|b| b == b'_') {
        return String::new();
    }
    match text.as_bytes() {
        [first, ..] if first.is_ascii_digit() => format!("key_{text}"),
        [b'_', second, ..] if *second != b'_' => format!("key{text}"),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_published_tables() {
        for (name, unit, kind, wanted) in [
            ("http.server.request.duration", "s", Kind::Other, "http_server_request_duration_seconds"),
            ("system.io", "By/s", Kind::Gauge, "system_io_bytes_per_second"),
            ("requests", "{request}", Kind::Counter, "requests_total"),
            ("requests_total", "1", Kind::Counter, "requests_total"),
            ("total.sent", "By", Kind::Counter, "sent_bytes_total"),
            ("cpu.utilization", "1", Kind::Gauge, "cpu_utilization_ratio"),
            ("cpu.utilization", "1", Kind::Other, "cpu_utilization"),
            ("disk.seconds.spent", "s", Kind::Counter, "disk_seconds_spent_total"),
            ("mem.used", "%", Kind::Gauge, "mem_used_percent"),
            ("rate", "{packet}/s", Kind::Gauge, "rate_per_second"),
            ("2xx.answers", "", Kind::Counter, "_2xx_answers_total"),
            ("a__b--c", "kBy", Kind::Gauge, "a_b_c_kilobytes"),
            ("odd", "furlong/fortnight", Kind::Gauge, "odd_furlong_per_fortnight"),
            ("odd", "m²", Kind::Gauge, "odd_m"),
            ("字符", "s", Kind::Gauge, ""),
            ("job:rate5m", "", Kind::Gauge, "job:rate5m"),
        ] {
            assert_eq!(metric_name(name, unit, kind), wanted, "{name} in {unit}");
        }
    }

    #[test]
    fn labels_follow_the_published_tables() {
        for (name, wanted) in [
            ("http.method", "http_method"),
            ("label:with:colons", "label_with_colons"),
            ("label!with&special$chars)", "label_with_special_chars_"),
            ("123label", "key_123label"),
            ("_private", "key_private"),
            ("__reserved", "__reserved"),
            ("ようこそ", ""),
            ("", ""),
        ] {
            assert_eq!(label_name(name), wanted, "{name}");
        }
    }
}
