//! Anchored regular expressions: `^(?s:…)$`, as Prometheus 3 compiles a matcher's value.
//!
//! Invariant: the whole value matches or nothing does; a pattern that is a list of literals never reaches the
//! regex engine.

use regex_automata::meta;
use regex_automata::util::syntax;

/// Bytes of a pattern.
pub const REGEX_BYTES_MAX: usize = 8 * 1024;
/// Bytes of a compiled pattern: bounds what `(a{1000}){1000}` may cost.
pub const REGEX_PROGRAM_BYTES_MAX: usize = 2 * 1024 * 1024;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegexError {
    #[error("regular expression {pattern:?} is not valid: {reason}")]
    Invalid { pattern: String, reason: String },
    #[error("the regular expression is {bytes} bytes long: the limit is {REGEX_BYTES_MAX}")]
    TooLong { bytes: usize },
    #[error(
        "regular expression {pattern:?} compiles to more than {REGEX_PROGRAM_BYTES_MAX} bytes: simplify it"
    )]
    TooBig { pattern: String },
}

/// A compiled pattern.
#[derive(Clone, Debug)]
pub(crate) enum AnchoredRegex {
    /// `a|b|c`, sorted.
    Literals(Vec<String>),
    /// `.*`
    Anything,
    /// `.+`
    NonEmpty,
    Program(Box<meta::Regex>),
}

impl AnchoredRegex {
    pub(crate) fn new(pattern: &str) -> Result<Self, RegexError> {
        if pattern.len() > REGEX_BYTES_MAX {
            return Err(RegexError::TooLong { bytes: pattern.len() });
        }
        match pattern {
            ".*" => return Ok(AnchoredRegex::Anything),
            ".+" => return Ok(AnchoredRegex::NonEmpty),
            _ => {}
        }
        if let Some(literals) = literals(pattern) {
            return Ok(AnchoredRegex::Literals(literals));
        }
        compile(pattern).map(|program| AnchoredRegex::Program(Box::new(program)))
    }

    pub(crate) fn is_match(&self, value: &str) -> bool {
        match self {
            AnchoredRegex::Literals(all) => all.binary_search_by(|l| l.as_str().cmp(value)).is_ok(),
            AnchoredRegex::Anything => true,
            AnchoredRegex::NonEmpty => !value.is_empty(),
            AnchoredRegex::Program(program) => program.is_match(value),
        }
    }
}

fn compile(pattern: &str) -> Result<meta::Regex, RegexError> {
    let shown = || pattern.chars().take(80).collect::<String>();
    // Alone first: `a)|(b` is only valid once wrapped, and would escape the anchors.
    syntax::parse(pattern).map_err(|e| RegexError::Invalid {
        pattern: shown(),
        reason: e
            .to_string()
            .lines()
            .last()
            .unwrap_or("syntax error")
            .trim_start_matches("error: ")
            .to_string(),
    })?;
    let config = meta::Config::new()
        .nfa_size_limit(Some(REGEX_PROGRAM_BYTES_MAX))
        .onepass_size_limit(Some(256 * 1024))
        .hybrid_cache_capacity(256 * 1024);
    meta::Builder::new().configure(config).build(&format!("^(?s:{pattern})$")).map_err(|e| {
        match e.syntax_error() {
            Some(reason) => RegexError::Invalid { pattern: shown(), reason: reason.to_string() },
            None => RegexError::TooBig { pattern: shown() },
        }
    })
}

/// The alternatives of a pattern without operators other than `|`, one pair of outer brackets allowed.
fn literals(pattern: &str) -> Option<Vec<String>> {
    let inner = match pattern.strip_prefix('(').and_then(|p| p.strip_suffix(')')) {
        Some(inner) => inner.strip_prefix("?:").unwrap_or(inner),
        None => pattern,
    };
    let mut all = vec![String::new()];
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        let literal = match c {
            '|' => {
                all.push(String::new());
                continue;
            }
            '\\' => chars.next().filter(|c| c.is_ascii_punctuation() && !matches!(c, '<' | '>'))?,
            '.' | '+' | '*' | '?' | '(' | ')' | '[' | ']' | '{' | '}' | '^' | '$' => return None,
            c => c,
        };
        all.last_mut().expect("starts with one element").push(literal);
    }
    all.sort();
    all.dedup();
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_match(pattern: &str, value: &str) -> bool {
        AnchoredRegex::new(pattern).unwrap().is_match(value)
    }

    #[test]
    fn the_whole_value_must_match() {
        assert!(is_match("web.*", "web-1") && !is_match("eb.*", "web-1") && !is_match("we", "web"));
        assert!(is_match("a|ab", "ab") && is_match("a?b|c.", "cx") && !is_match("a?b|c", "cb"));
        assert!(is_match("a.b", "a\nb"), "a dot matches a newline");
        assert!(is_match("(?i)WEB.", "web1") && is_match("gr.ß", "grüß"));
    }

    #[test]
    fn literal_lists_take_the_fast_path() {
        for pattern in ["web|db", "(web|db)", "(?:db|web)"] {
            assert!(matches!(AnchoredRegex::new(pattern).unwrap(), AnchoredRegex::Literals(_)), "{pattern}");
            assert!(is_match(pattern, "web") && is_match(pattern, "db") && !is_match(pattern, "webdb"));
        }
        assert!(is_match(r"10\.0\.0\.1|x", "10.0.0.1") && !is_match(r"10\.0\.0\.1|x", "10x0.0.1"));
        assert!(is_match("", "") && !is_match("", "x") && is_match("|x", ""));
        assert!(is_match(r"\d|x", "7"), "a class is not a literal");
    }

    #[test]
    fn bad_patterns_are_named() {
        for pattern in ["a)|(b", "[", "*", "(?P<", r"\q"] {
            let error = AnchoredRegex::new(pattern).unwrap_err().to_string();
            assert!(error.contains(&format!("{pattern:?}")), "{error}");
        }
        assert!(matches!(AnchoredRegex::new("(a{999}){999}"), Err(RegexError::TooBig { .. })));
        assert!(matches!(AnchoredRegex::new(&"x".repeat(9000)), Err(RegexError::TooLong { .. })));
    }
}
