//! `[user@]host[:port]` with ranges: `web-[01..20]`, `10.0.0.[11..18]`.

/// Hosts of one list.
pub const HOSTS_MAX: usize = 1_000;

/// One target as typed, ranges resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetSpec {
    pub user: Option<String>,
    pub host: String,
    pub port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    #[error("{0:?} names no host: write [user@]host[:port]")]
    NoHost(String),
    #[error(
        "{0:?} has no port between 1 and 65535 after the colon; an IPv6 address with a port needs brackets"
    )]
    BadPort(String),
    #[error("{0:?} is no range: write [01..20]")]
    BadRange(String),
    #[error("{0:?} stands for more than {HOSTS_MAX} hosts")]
    TooMany(String),
    #[error("{0:?} may not begin with a dash or hold spaces and control characters")]
    BadCharacter(String),
}

/// All targets that one word stands for, in order.
pub fn expand(word: &str) -> Result<Vec<TargetSpec>, TargetError> {
    let mut words = vec![String::new()];
    let mut rest = word;
    while let Some((before, range, after)) = next_range(rest) {
        let numbers = numbers(range).ok_or_else(|| TargetError::BadRange(word.into()))?;
        if words.len() * numbers.len() > HOSTS_MAX {
            return Err(TargetError::TooMany(word.into()));
        }
        words = words
            .iter()
            .flat_map(|begun| numbers.iter().map(move |number| format!("{begun}{before}{number}")))
            .collect();
        rest = after;
    }
    words.iter().map(|begun| parse(&format!("{begun}{rest}"))).collect()
}

/// The first `[a..b]`; brackets without dots are those of an IPv6 address.
fn next_range(text: &str) -> Option<(&str, &str, &str)> {
    let dots = text.find("..")?;
    let open = text[..dots].rfind('[')?;
    let close = dots + text[dots..].find(']')?;
    Some((&text[..open], &text[open + 1..close], &text[close + 1..]))
}

/// With the width of the first: `01..20` has leading zeros.
fn numbers(range: &str) -> Option<Vec<String>> {
    let (first, last) = range.split_once("..")?;
    let digits =
        |text: &str| !text.is_empty() && text.len() <= 9 && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(first) || !digits(last) {
        return None;
    }
    let (from, to): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
    let width = if first.starts_with('0') { first.len() } else { 0 };
    if from > to || (to - from) as usize >= HOSTS_MAX {
        return None;
    }
    Some((from..=to).map(|number| format!("{number:0width$}")).collect())
}

fn parse(word: &str) -> Result<TargetSpec, TargetError> {
    let (user, place) = match word.rsplit_once('@') {
        Some((user, place)) if !user.is_empty() => (Some(user.to_string()), place),
        Some(_) => return Err(TargetError::NoHost(word.into())),
        None => (None, word),
    };
    let (host, port) = match place.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest.split_once(']').ok_or_else(|| TargetError::BadRange(word.into()))?;
            (host, after.strip_prefix(':').or(if after.is_empty() { None } else { Some("?") }))
        }
        // More than one colon is an IPv6 address without a port.
        None => match place.split_once(':') {
            Some((host, port)) if !port.contains(':') => (host, Some(port)),
            _ => (place, None),
        },
    };
    let port = match port {
        Some(text) => match text.parse::<u16>() {
            Ok(port) if port > 0 => Some(port),
            _ => return Err(TargetError::BadPort(word.into())),
        },
        None => None,
    };
    if host.is_empty() {
        return Err(TargetError::NoHost(word.into()));
    }
    let odd = |text: &str| {
        text.starts_with('-')
            || text.chars().any(|c| c.is_whitespace() || c.is_control() || "[]'\"`$;".contains(c))
    };
    if odd(host) || user.as_deref().is_some_and(odd) {
        return Err(TargetError::BadCharacter(word.into()));
    }
    Ok(TargetSpec { user, host: host.to_string(), port })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(word: &str) -> Vec<String> {
        expand(word).unwrap().into_iter().map(|target| target.host).collect()
    }

    #[test]
    fn ranges_stand_for_their_hosts() {
        assert_eq!(hosts("web-[08..11]"), ["web-08", "web-09", "web-10", "web-11"]);
        assert_eq!(hosts("10.0.0.[9..11]"), ["10.0.0.9", "10.0.0.10", "10.0.0.11"]);
        assert_eq!(hosts("r[1..2]-n[1..2].x"), ["r1-n1.x", "r1-n2.x", "r2-n1.x", "r2-n2.x"]);
    }

    #[test]
    fn targets_are_taken_apart() {
        let spec = |user: Option<&str>, host: &str, port| TargetSpec {
            user: user.map(Into::into),
            host: host.into(),
            port,
        };
        for (word, expected) in [
            ("web", spec(None, "web", None)),
            ("me@web:2222", spec(Some("me"), "web", Some(2222))),
            ("fe80::1", spec(None, "fe80::1", None)),
            ("root@[fe80::1]:22", spec(Some("root"), "fe80::1", Some(22))),
            ("a@corp@web", spec(Some("a@corp"), "web", None)),
        ] {
            assert_eq!(expand(word).unwrap(), [expected], "{word}");
        }
    }

    #[test]
    fn mistakes_are_told() {
        for word in [
            "",
            "@web",
            "web:",
            "web:0",
            "web:x",
            "web-[5..1]",
            "web-[1..5000]",
            "web-[a..b]",
            "-oProxy=x",
            "a b",
            "[::1",
        ] {
            assert!(expand(word).is_err(), "{word}");
        }
        assert!(matches!(expand("a[1..999]b[1..999]"), Err(TargetError::TooMany(_))));
    }
}
