//! Prometheus' expanding notation of samples: `1 2 _ stale 0+5x10 3x4 _x2`.

use watchtower_model::{Sample, Timestamp, parse_value, stale_nan};

/// Samples of one file of tests.
pub(super) const VALUES_MAX: usize = 2_000_000;

pub(super) type Values = Vec<Sample>;

/// Samples at 0, `step_ms`, twice that and so on; `left` is how many the file may still have.
pub(super) fn expand(text: &str, step_ms: i64, left: &mut usize) -> Result<Values, String> {
    let mut all = Vec::new();
    let mut at = 0_i64;
    let mut put = |value: Option<f64>| {
        *left = left.checked_sub(1).ok_or(format!("more than {VALUES_MAX} samples in one file"))?;
        if let Some(v) = value {
            all.push(Sample { t: Timestamp(at), v });
        }
        at = at.saturating_add(step_ms);
        Ok::<(), String>(())
    };
    for item in text.split_whitespace() {
        let wrong = || format!("{item:?} is not a sample, such as 1, _, stale, 0+5x10 or 3x4");
        if let Some(times) = item.strip_prefix('_') {
            let count = if times.is_empty() { Some(1) } else { repeated(times) };
            for _ in 0..count.ok_or_else(wrong)? {
                put(None)?;
            }
            continue;
        }
        let (mut value, rest) = number(item).ok_or_else(wrong)?;
        let (step, times) = match rest.as_bytes().first() {
            None => (0.0, 0),
            Some(b'x') => (0.0, repeated(rest).ok_or_else(wrong)?),
            Some(_) => {
                let (step, rest) = number(rest).ok_or_else(wrong)?;
                (step, repeated(rest).ok_or_else(wrong)?)
            }
        };
        for _ in 0..=times {
            put(Some(value))?;
            value += step;
        }
    }
    Ok(all)
}

/// `x5`
fn repeated(text: &str) -> Option<u64> {
    text.strip_prefix('x')?.parse().ok()
}

/// A number at the beginning, and what is behind it.
fn number(text: &str) -> Option<(f64, &str)> {
    if let Some(rest) = text.strip_prefix("stale") {
        return Some((stale_nan(), rest));
    }
    let bytes = text.as_bytes();
    let mut end = usize::from(matches!(bytes.first(), Some(b'+' | b'-')));
    let word = ["Inf", "inf", "NaN", "nan"].iter().find(|word| text[end..].starts_with(**word));
    if let Some(word) = word {
        end += word.len();
    } else {
        let digits =
            |from: usize| bytes[from..].iter().take_while(|b| b.is_ascii_digit() || **b == b'.').count();
        end += digits(end);
        if matches!(bytes.get(end), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
            let exponent = digits(end + 1 + sign);
            end += if exponent > 0 { 1 + sign + exponent } else { 0 };
        }
    }
    let head = &text[..end];
    Some((parse_value(head).or_else(|| head.parse().ok())?, &text[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(text: &str) -> Result<Vec<String>, String> {
        let all = expand(text, 10, &mut 1000)?;
        Ok(all
            .iter()
            .map(|s| format!("{}@{}", if s.v.is_nan() { "NaN".into() } else { s.v.to_string() }, s.t.0))
            .collect())
    }

    #[test]
    fn the_notation_is_prometheus_own() {
        for (text, wanted) in [
            ("1 2.5 -3", "1@0 2.5@10 -3@20"),
            ("1 _ 2", "1@0 2@20"),
            ("_x3 4", "4@30"),
            ("1+2x3", "1@0 3@10 5@20 7@30"),
            ("10-5x2", "10@0 5@10 0@20"),
            ("-2+1x1", "-2@0 -1@10"),
            ("7x2", "7@0 7@10 7@20"),
            ("1e2+1e-1x1", "100@0 100.1@10"),
            ("stale 1 NaN +Inf -Inf", "NaN@0 1@10 NaN@20 inf@30 -inf@40"),
            ("", ""),
        ] {
            assert_eq!(expanded(text).unwrap().join(" "), wanted, "{text}");
        }
        for text in ["a", "1x", "1+x3", "_y", "1+2", "x3", "1y3", "{{schema:1}}", "1,2", "-", "é"] {
            assert!(expanded(text).is_err(), "{text}");
        }
        assert!(expanded("1x99999999999").unwrap_err().contains("more than"));
    }
}
