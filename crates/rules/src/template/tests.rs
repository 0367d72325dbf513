//! What templates say, and which are refused where.

use watchtower_model::Labels;

use super::*;

const RULES: &Vocabulary = &Series::VOCABULARY;
const MAX: usize = 4_096;

fn render(text: &str, value: f64) -> String {
    let labels = Labels::from_pairs([("instance", "web-1"), ("size", "2048")]);
    let template = Template::parse(text, RULES).unwrap_or_else(|e| panic!("{text}: {e}"));
    template.render(&Series { labels: &labels, value }, MAX).text
}

#[test]
fn labels_and_values() {
    assert_eq!(render("{{ $labels.instance }} is at {{ $value }}", 0.5), "web-1 is at 0.5");
    assert_eq!(render("{{$labels.none}}|{{$value}}", 1e-5), "|1e-05");
    assert_eq!(render("a  {{- $value -}}  b", 3.0), "a3b");
    assert_eq!(render("plain } text", 0.0), "plain } text");
    assert_eq!(render("{{ \"{{\" }}x", 0.0), "{{x");
    assert_eq!(render("{{ $labels.instance | toUpper }}", 0.0), "WEB-1");
}

#[test]
fn numbers_for_people() {
    for (text, value, expected) in [
        ("humanize", 1_234_567.0, "1.235M"),
        ("humanize", 0.0123, "12.3m"),
        ("humanize", 0.0, "0"),
        ("humanize", -1500.0, "-1.5k"),
        ("humanize", f64::INFINITY, "+Inf"),
        ("humanize1024", 1_048_576.0, "1Mi"),
        ("humanize1024", 1500.0, "1.465ki"),
        ("humanizeDuration", 93_784.0, "1d 2h 3m 4s"),
        ("humanizeDuration", 3_661.0, "1h 1m 1s"),
        ("humanizeDuration", 61.0, "1m 1s"),
        ("humanizeDuration", 12.5, "12.5s"),
        ("humanizeDuration", 0.002, "2ms"),
        ("humanizeDuration", -3600.0, "-1h 0m 0s"),
        ("humanizePercentage", 0.12345, "12.35%"),
        ("printf \"%.2f\"", 1.005, "1.00"),
        ("printf \"%d of %%\"", 7.9, "7 of %"),
        ("printf \"%.3g!\"", 123_456.0, "1.23e+05!"),
        ("printf \"%s\"", f64::NAN, "NaN"),
    ] {
        assert_eq!(render(&format!("{{{{ $value | {text} }}}}"), value), expected, "{text} {value}");
    }
    assert_eq!(render("{{ humanize1024 $labels.size }}", 0.0), "2ki");
    assert_eq!(render("{{ printf \"%s=%.1f\" $labels.instance $value }}", 2.0), "web-1=2.0");
    assert_eq!(render("{{ $labels.instance | humanize }}", 0.0), "web-1", "no number: as it is");
}

#[test]
fn what_is_not_known_is_refused_with_its_place() {
    for (text, at, message) in [
        ("a {{ if $value }}", 5, "\"if\" is not supported here"),
        ("{{ range query \"up\" }}", 3, "\"range\" is not supported"),
        ("{{ $external }}", 3, "expected $labels.<name>"),
        ("{{ $labels }}", 3, "expected $labels.<name>"),
        ("{{ $valuex }}", 3, "expected $labels.<name>"),
        ("{{ .Value }}", 3, "expected $labels.<name>"),
        ("{{ $labels. }}", 11, "a name after $labels."),
        ("{{ $value | default }}", 20, "expected $labels.<name>"),
        ("{{ $value", 9, "expected | or }}, found the end"),
        ("{{ $value | }}", 12, "a function after |"),
        ("{{ $value | title }}", 12, "known: humanize"),
        ("{{ $value $value }}", 10, "expected | or }}"),
        ("{{ printf \"%q\" $value }}", 10, "printf verb \"%q\" is not supported"),
        ("{{ printf \"%.2f\" }}", 17, "expected $labels.<name>"),
        ("{{ $value | printf \"x\" }}", 12, "printf has 0 verb(s) and 1"),
        ("{{ \"x }}", 3, "not closed"),
        ("{{ }}", 3, "expected $labels.<name>"),
    ] {
        let error = Template::parse(text, RULES).unwrap_err();
        assert_eq!(error.at, at, "{text}: {error}");
        assert!(error.message.contains(message), "{text}: {error}");
    }
}

/// Of every kind of value.
struct Everything;

impl Scope for Everything {
    fn word(&self, name: &str) -> Value {
        match name {
            "number" => Value::Number(142.0),
            "odd" => Value::Number(f64::NAN),
            "text" => Value::Text("a \"b\"\n{{ $text }}".into()),
            "flag" => Value::Flag(true),
            "list" => Value::List(vec!["one".into(), "t\"wo".into()]),
            "map" => Value::Map(vec![("a".into(), "b\"".into())]),
            _ => Value::Missing,
        }
    }

    fn member(&self, _: &str, _: &str) -> Value {
        Value::Missing
    }
}

const EVERYTHING: Vocabulary = Vocabulary {
    words: &["number", "odd", "text", "flag", "list", "map", "nothing"],
    maps: &["map"],
    template_bytes_max: 10_000,
};

#[test]
fn values_of_every_kind_are_text_and_json() {
    let said = |text: &str| Template::parse(text, &EVERYTHING).unwrap().render(&Everything, MAX).text;
    for (word, shown, json) in [
        ("number", "142", "142"),
        ("odd", "NaN", "null"),
        ("text", "a \"b\"\n{{ $text }}", r#""a \"b\"\n{{ $text }}""#),
        ("flag", "true", "true"),
        ("list", "one\nt\"wo", r#"["one","t\"wo"]"#),
        ("map", r#"a="b\"""#, r#"{"a":"b\""}"#),
        ("nothing", "", "null"),
        ("map.z", "", "null"),
    ] {
        assert_eq!(said(&format!("{{{{ ${word} }}}}")), shown);
        assert_eq!(said(&format!("{{{{ ${word} | json }}}}")), json);
    }
    assert_eq!(said("{{ $nothing | default \"-\" }} {{ $number | default \"-\" }}"), "- 142");
    assert_eq!(said("{{ default $number $map.z | json }}"), "142");
}

#[test]
fn an_error_has_a_line_and_a_column() {
    let text = "größe {{ $number }}\nzwölf {{ $else }}";
    let error = Template::parse(text, &EVERYTHING).unwrap_err();
    assert_eq!(error.place(text), (2, 10), "{error}");
    assert!(error.message.contains("$map.<name>, $number, $odd"), "{error}");
}

#[test]
fn rendering_is_bounded() {
    let text = "{{ $labels.instance }}".repeat(100);
    let labels = Labels::from_pairs([("instance", "é".repeat(400))]);
    let template = Template::parse(&text, RULES).unwrap();
    let rendered = template.render(&Series { labels: &labels, value: 0.0 }, MAX);
    assert!(rendered.text.len() <= MAX && rendered.cut);
    assert!(Template::parse(&"x".repeat(5000), RULES).is_err());
    let many = format!("{{{{ printf \"{}\" {} }}}}", "%s".repeat(900), "$text ".repeat(900));
    let rendered = Template::parse(&many, &EVERYTHING).unwrap().render(&Everything, 100);
    assert!(rendered.text.len() <= 100 && rendered.cut);
}
