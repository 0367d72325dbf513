//! What a text says of its metrics' names: its lines `# TYPE`, `# HELP` and `# UNIT`.

use std::borrow::Cow;

use watchtower_model::{MetricMetadata, MetricType};

use super::Format;
use super::cursor::Cursor;

/// Gives each name with what the lines of it that stand together say. Lines that are not understood say nothing.
pub fn described(text: &str, format: Format, mut each: impl FnMut(&str, MetricMetadata)) {
    let mut said = Said::default();
    for line in text.split('\n') {
        let Some(rest) = line.trim_start_matches([' ', '\t']).strip_prefix('#') else { continue };
        let mut cursor = Cursor(rest.strip_suffix('\r').unwrap_or(rest));
        let word = cursor.word();
        if !matches!(word, "TYPE" | "HELP" | "UNIT") {
            continue;
        }
        cursor.blanks();
        let Some(name) = cursor.name() else { continue };
        if name != said.name {
            said.give(format, &mut each);
            said = Said { name, ..Said::default() };
        }
        cursor.blanks();
        match word {
            "TYPE" => said.kind = kind(cursor.0.trim_end()),
            "HELP" => said.help = cursor.0,
            _ => said.unit = cursor.0.trim_end(),
        }
    }
    said.give(format, &mut each);
}

#[derive(Default)]
struct Said<'a> {
    name: &'a str,
    kind: MetricType,
    help: &'a str,
    unit: &'a str,
}

impl Said<'_> {
    fn give(&self, format: Format, each: &mut impl FnMut(&str, MetricMetadata)) {
        if self.name.is_empty() {
            return;
        }
        let said = MetricMetadata::new(self.kind, &unescaped(self.help), self.unit);
        // OpenMetrics names the family; people ask for the series.
        let suffix = match (format, self.kind) {
            (Format::OpenMetrics, MetricType::Counter) => "_total",
            (Format::OpenMetrics, MetricType::Info) => "_info",
            _ => "",
        };
        if suffix.is_empty() || self.name.ends_with(suffix) {
            each(self.name, said);
        } else {
            each(&format!("{}{suffix}", self.name), said);
        }
    }
}

/// `untyped` is how the text format writes that it does not know.
fn kind(word: &str) -> MetricType {
    match word {
        "counter" => MetricType::Counter,
        "gauge" => MetricType::Gauge,
        "histogram" => MetricType::Histogram,
        "gaugehistogram" => MetricType::GaugeHistogram,
        "summary" => MetricType::Summary,
        "info" => MetricType::Info,
        "stateset" => MetricType::StateSet,
        _ => MetricType::Unknown,
    }
}

/// `\\`, `\n` and `\"` are meant as in C; another escape stands for itself.
fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (c, chars.clone().next()) {
            ('\\', Some('n')) => plain.push('\n'),
            ('\\', Some(escaped @ ('\\' | '"'))) => plain.push(escaped),
            _ => {
                plain.push(c);
                continue;
            }
        }
        chars.next();
    }
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str, format: Format) -> Vec<String> {
        let mut all = Vec::new();
        described(text, format, |name, said| {
            all.push(format!("{name} {:?} {:?} {:?}", said.kind, said.help, said.unit));
        });
        all
    }

    #[test]
    fn lines_of_a_name_are_put_together() {
        let text = "# HELP a_total The \\\\ total\\nof \"a\".\r\n#\tTYPE a_total counter\na_total 1\n# a comment\n\
            # TYPE b untyped\nb 1\n # HELP c   Spaces behind  \n# TYPE\n# TYPE 1x gauge\n# HELP\n# EOF";
        let wanted = [
            "a_total Counter \"The \\\\ total\\nof \\\"a\\\".\" \"\"",
            "b Unknown \"\" \"\"",
            "c Unknown \"Spaces behind  \" \"\"",
        ];
        assert_eq!(all(text, Format::Text), wanted);
        let text = "# TYPE foo_seconds counter\n# UNIT foo_seconds seconds\n# HELP foo_seconds F.\nfoo_seconds_total 1\n\
            # TYPE build info\nbuild_info 1\n# TYPE s stateset\n# TYPE t_total counter\n# EOF\n";
        let wanted = [
            "foo_seconds_total Counter \"F.\" \"seconds\"",
            "build_info Info \"\" \"\"",
            "s StateSet \"\" \"\"",
            "t_total Counter \"\" \"\"",
        ];
        assert_eq!(all(text, Format::OpenMetrics), wanted);
        assert_eq!(unescaped("a\\b\\"), "a\\b\\");
    }
}
