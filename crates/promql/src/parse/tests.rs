//! What parses, what does not, and where the errors point.

use super::*;

/// Small numbers from a linear congruential generator: the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len() as u64) as usize]
    }
}

fn vector(n: &mut Numbers, depth: u32) -> String {
    let leaf = n.pick(&[
        "up",
        "a:b:c",
        "x{y=\"z\"}",
        "{__name__=~\"a.*\",b!~\"c|d\"}",
        "{\"utf.8\", \"b.c\"!=\"\\\"\"}",
        "sum",
    ]);
    if depth == 0 {
        let shift = n.pick(&["", " offset 5m", " offset -1h30m", " @ 12.5", " @ start() offset 1s", " @ -3"]);
        return format!("{leaf}{shift}");
    }
    let inner = vector(n, depth - 1);
    match n.below(10) {
        0 => format!("({inner})"),
        1 => format!("-{inner}"),
        2 => format!(
            "rate({leaf}[{}]{})",
            n.pick(&["5m", "1d12h", "300"]),
            n.pick(&["", " offset 1m", " @ end()"])
        ),
        3 => format!("max_over_time(({inner})[1h:{}] offset 2s)", n.pick(&["", "1m", "30s"])),
        4 => format!("sum {}({inner})", n.pick(&["", "by (a, \"b.c\") ", "without () ", "by (on, sum) "])),
        5 => format!("topk(3, {inner}) {}", n.pick(&["", "by (a)", "without (a, b,)"])),
        6 => format!("label_replace({inner}, \"a\", '$1', `b`, \"(.*)\")"),
        7 => format!(
            "({inner}) {} {}",
            n.pick(&["+", "-", "*", "/", "%", "^", "atan2", "> bool", "=="]),
            n.pick(&["1", "-1e-9", "0x1F", "Inf", "NaN", "5m"])
        ),
        8 => {
            let op = n.pick(&["+", "^", "and", "or", "unless", "<=", "!= bool"]);
            let by = n.pick(&["", "on (a)", "ignoring (a, b)", "on ()"]);
            format!("({inner}) {op} {by} ({})", vector(n, depth - 1))
        }
        _ => {
            let group = n.pick(&["group_left", "group_left (c)", "group_right (c, d)"]);
            format!("({inner}) * on (a) {group} abs({})", vector(n, depth - 1))
        }
    }
}

#[test]
fn what_is_written_parses_to_the_same_tree() {
    let mut numbers = Numbers(5);
    for round in 0..3000 {
        let text = vector(&mut numbers, round % 4);
        let tree = parse(&text).unwrap_or_else(|e| panic!("{text}: {e}"));
        let written = tree.to_string();
        let again = parse(&written).unwrap_or_else(|e| panic!("{text} -> {written}: {e}"));
        assert_eq!(tree, again, "{text} -> {written}");
        assert_eq!(again.to_string(), written);
    }
}

#[test]
fn precedence_is_prometheus() {
    let shape = |text: &str| {
        fn show(expr: &Expr) -> String {
            match &expr.kind {
                Kind::Binary { op, lhs, rhs, .. } => format!("({} {} {})", show(lhs), op.as_str(), show(rhs)),
                Kind::Negate(inner) => format!("-{}", show(inner)),
                _ => expr.to_string(),
            }
        }
        show(&parse(text).unwrap())
    };
    assert_eq!(shape("a + b * c ^ d ^ e"), "(a + (b * (c ^ (d ^ e))))");
    assert_eq!(shape("a or b and c unless d"), "(a or ((b and c) unless d))");
    assert_eq!(shape("a - b - c"), "((a - b) - c)");
    assert_eq!(shape("-a ^ b * c"), "(-(a ^ b) * c)");
    assert_eq!(shape("a == b + c atan2 d"), "(a == (b + (c atan2 d)))");
    assert_eq!(shape("-1 ^ 2"), "-(1 ^ 2)");
    assert_eq!(shape("a AND b OR c"), "((a and b) or c)");
}

#[test]
fn keywords_may_be_names() {
    for text in [
        "sum",
        "offset",
        "by{on=\"x\"}",
        "rate",
        "count_values + avg",
        "sum by (by) (on)",
        "infinity",
        "# note\nup # end",
    ] {
        parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
    }
}

#[test]
fn errors_point_at_the_place() {
    for (text, span, message) in [
        ("", (0, 0), "expected an expression, found the end of the query"),
        ("up{job=node}", (7, 11), "expected a quoted value, found \"node\""),
        ("up{job=\"a\"", (10, 10), "expected \"}\" or a comma after a matcher"),
        ("up{job=~\"[\"}", (3, 11), "regular expression \"[\" is not valid"),
        ("{}", (0, 2), "at least one matcher"),
        ("{a=~\".*\"}", (0, 9), "at least one matcher"),
        ("up{__name__=\"x\"}", (3, 11), "metric name must not be set twice"),
        ("rats(x[5m])", (0, 4), "unknown function \"rats\""),
        ("rat(x[5m])", (0, 3), "did you mean rate?"),
        ("irtae(x[5m])", (0, 5), "did you mean irate?"),
        ("rate(x)", (5, 6), "rate needs a range vector, found an instant vector"),
        ("sum(x[5m])", (4, 9), "sum needs an instant vector, found a range vector"),
        ("abs(x, y)", (0, 9), "abs takes 1 argument(s), found 2"),
        ("round()", (0, 7), "round takes 1 to 2 argument(s), found 0"),
        ("label_join(x, \"a\")", (0, 18), "label_join takes at least 3"),
        ("topk(x)", (0, 7), "topk takes 2 argument(s), found 1"),
        ("1 > 2", (0, 5), "comparison of two scalars needs bool"),
        ("x and 1", (6, 7), "set operator \"and\" is not possible with a scalar"),
        ("x + bool y", (4, 8), "bool can only follow a comparison"),
        ("x and on(a) group_left y", (12, 22), "no grouping is allowed for \"and\""),
        ("x + on(a) group_left(a) y", (10, 20), "must not be in both"),
        ("x + on(a) 1", (2, 3), "vector matching is only possible between two vectors"),
        ("x[5m", (4, 4), "expected \"]\" or \":\" after the range"),
        ("x[0s]", (2, 4), "must be greater than zero"),
        ("x[5m] offset", (12, 12), "expected a duration such as 5m after offset"),
        ("x offset 5m[5m]", (11, 12), "the range must stand before offset and @"),
        ("rate(x)[5m]", (7, 8), "write a subquery"),
        ("x offset 1m offset 2m", (12, 18), "may not be set twice"),
        ("1 offset 5m", (2, 8), "offset can only follow a selector or a subquery"),
        ("x @ foo", (4, 7), "expected a time in seconds"),
        ("x y", (2, 3), "expected an operator or the end of the query, found \"y\""),
        ("(x", (2, 2), "expected \")\" to close the bracket"),
        ("x + \"a\\q\"", (6, 7), "unknown escape"),
        ("x ~ y", (2, 3), "unexpected character '~'"),
        ("5mm", (0, 3), "\"5mm\" is not a duration"),
        ("1.5x", (0, 4), "\"1.5x\" is not a number"),
        ("\"a\" + 1", (0, 3), "needs scalars or instant vectors, found a string"),
        ("-\"a\"", (1, 4), "a sign needs a scalar or an instant vector"),
        ("x + * y", (4, 5), "expected an expression, found \"*\""),
        ("größe", (2, 4), "unexpected character 'ö'"),
    ] {
        let error = parse(text).expect_err(text);
        let found = error.span.expect(text);
        assert_eq!((found.start, found.end), span, "{text}: {error}");
        assert!(error.message.contains(message), "{text}: {error}");
    }
}

#[test]
fn hostile_texts_are_refused() {
    assert!(parse(&"(".repeat(5000)).unwrap_err().message.contains("nested deeper"));
    assert!(parse(&"-".repeat(5000)).unwrap_err().message.contains("nested deeper"));
    assert!(parse(&"x^".repeat(5000)).unwrap_err().message.contains("nested deeper"));
    assert!(parse(&"x".repeat(70_000)).unwrap_err().message.contains("longer than"));
    let mut numbers = Numbers(9);
    let parts = [
        "x", "(", ")", "[", "5m", "]", "{", "}", "=", "\"a\"", ",", "sum", "by", "-", "on", "offset", "@",
        "1", ":", "é", "^",
    ];
    for _ in 0..20_000 {
        let text: String = (0..numbers.below(12)).map(|_| numbers.pick(&parts)).collect();
        let _ = parse(&text);
    }
}

#[test]
fn match_selectors_are_bare() {
    assert_eq!(parse_selector("up{a=\"b\"}").unwrap().len(), 2);
    assert!(parse_selector("up offset 5m").is_err() && parse_selector("sum(up)").is_err());
}
