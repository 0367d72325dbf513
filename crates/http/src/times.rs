//! Times as people and programs write them: RFC 3339, Unix seconds, `now`, `now-1h`.

use watchtower_hub::HubError;
use watchtower_model::{Timestamp, parse_duration_ms};

pub fn parse_time(field: &str, text: &str, now: Timestamp) -> Result<Timestamp, HubError> {
    let bad = || HubError::invalid(field, "must be RFC 3339, Unix seconds, or like now-1h");
    if let Some(rest) = text.strip_prefix("now") {
        if rest.is_empty() {
            return Ok(now);
        }
        let (sign, duration) = match rest.split_at_checked(1) {
            None => return Err(bad()),
            Some(("-", duration)) => (-1, duration),
            Some(("+", duration)) => (1, duration),
            Some(_) => return Err(bad()),
        };
        return parse_duration_ms(duration).map(|ms| now.plus_ms(sign * ms)).map_err(|_| bad());
    }
    if let Ok(seconds) = text.parse::<f64>() {
        let in_range = seconds.is_finite() && (-1e11..1e11).contains(&seconds);
        return if in_range { Ok(Timestamp((seconds * 1000.0).round() as i64)) } else { Err(bad()) };
    }
    Timestamp::parse_rfc3339(text).map_err(|_| bad())
}

/// As Prometheus' clients write that there is no bound.
const FOREVER: [(&str, i64); 2] =
    [("-292273086-05-16T16:47:06Z", i64::MIN), ("292277025-08-18T07:12:54.999999999Z", i64::MAX)];

/// A time that only bounds others: as [`parse_time`], and anything far away.
pub fn parse_bound(field: &str, text: &str, now: Timestamp) -> Result<Timestamp, HubError> {
    if let Some((_, ms)) = FOREVER.iter().find(|(name, _)| *name == text) {
        return Ok(Timestamp(*ms));
    }
    match text.parse::<f64>() {
        // Beyond what there is it ends at the first and the last.
        Ok(seconds) if seconds.is_finite() => Ok(Timestamp((seconds * 1000.0).round() as i64)),
        _ => parse_time(field, text, now),
    }
}

const STEP_MS_MAX: i64 = 10 * 366 * 86_400_000;

/// Seconds as a number, or a duration such as `30s`.
pub fn parse_step_ms(field: &str, text: &str) -> Result<i64, HubError> {
    let ms = match text.parse::<f64>() {
        Ok(seconds) if seconds.is_finite() => (seconds * 1000.0).round() as i64,
        _ => parse_duration_ms(text)
            .map_err(|_| HubError::invalid(field, "must be seconds or a duration such as 30s"))?,
    };
    if (1..=STEP_MS_MAX).contains(&ms) {
        Ok(ms)
    } else {
        Err(HubError::invalid(field, "must be positive, and at most 10 years"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_steps() {
        let now = Timestamp(1_000_000_000);
        assert_eq!(parse_time("from", "now-1h", now).unwrap(), Timestamp(996_400_000));
        assert_eq!(parse_time("from", "now", now).unwrap(), now);
        assert_eq!(parse_time("from", "12.5", now).unwrap(), Timestamp(12_500));
        assert_eq!(parse_time("from", "1970-01-01T00:00:01Z", now).unwrap(), Timestamp(1000));
        for bad in ["", "nowish", "now-x", "nowé", "NaN", "1e300", "yesterday"] {
            assert!(parse_time("from", bad, now).is_err(), "{bad}");
        }
        for (text, ms) in
            [("-1e300", i64::MIN), ("1e300", i64::MAX), (FOREVER[0].0, i64::MIN), ("12.5", 12_500)]
        {
            assert_eq!(parse_bound("start", text, now).unwrap(), Timestamp(ms), "{text}");
        }
        // As Prometheus' own client writes its first time as a number.
        assert!(
            parse_bound("start", "-9223309901257974", now).unwrap() < Timestamp(-9_000_000_000_000_000_000)
        );
        assert!(parse_bound("start", "NaN", now).is_err() && parse_bound("start", "", now).is_err());
        assert_eq!(parse_step_ms("step", "15").unwrap(), 15_000);
        assert_eq!(parse_step_ms("step", "1m").unwrap(), 60_000);
        assert!(parse_step_ms("step", "0").is_err());
    }
}
