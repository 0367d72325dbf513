//! Texts as exporters write them, and as they should not.

use super::*;

fn lines(text: &str, format: Format) -> Result<Vec<String>, String> {
    let mut all = Vec::new();
    let shown = |line: &Line<'_>| {
        let labels: Vec<String> = line.labels.iter().map(|(n, v)| format!("{n}={v}")).collect();
        format!("{}[{}] {} {:?}", line.name, labels.join(","), line.value, line.t_ms)
    };
    read(text, format, |line| all.push(shown(line))).map_err(|error| error.to_string())?;
    Ok(all)
}

#[test]
fn the_text_format_as_its_documentation_shows_it() {
    let text = "# HELP http_requests_total The total number.\n# TYPE http_requests_total counter\n\
        http_requests_total{method=\"post\",code=\"200\"} 1027 1395066363000\n\
        # Escaping in label values:\n\
        msdos_file_access_time_seconds{path=\"C:\\\\DIR\\\\FILE.TXT\",error=\"Cannot find file:\\n\\\"FILE.TXT\\\"\"} 1.458255915e9\n\
        \n\tmetric_without_timestamp_and_labels 12.47\n\
        something_weird { problem = \"division by zero\" , } +Inf -3982045\r\n\
        a:b{le=\"+Inf\"} NaN\nlast{} -Inf";
    assert_eq!(
        lines(text, Format::Text).unwrap(),
        [
            "http_requests_total[method=post,code=200] 1027 Some(1395066363000)",
            "msdos_file_access_time_seconds[path=C:\\DIR\\FILE.TXT,error=Cannot find file:\n\"FILE.TXT\"] 1458255915 None",
            "metric_without_timestamp_and_labels[] 12.47 None",
            "something_weird[problem=division by zero] inf Some(-3982045)",
            "a:b[le=+Inf] NaN None",
            "last[] -inf None",
        ]
    );
}

#[test]
fn openmetrics_has_seconds_exemplars_and_an_end() {
    let text = "# TYPE foo histogram\nfoo_bucket{le=\"0.1\"} 8 # {trace_id=\"a # b\"} 0.054\n\
        foo_bucket{le=\"+Inf\"} 17 1520879607.789 # {} 3 1520879607\nfoo_created 1.5e9\n# EOF\n";
    assert_eq!(
        lines(text, Format::OpenMetrics).unwrap(),
        [
            "foo_bucket[le=0.1] 8 None",
            "foo_bucket[le=+Inf] 17 Some(1520879607789)",
            "foo_created[] 1500000000 None",
        ]
    );
    assert_eq!(lines("a 1\n", Format::OpenMetrics).unwrap_err(), "line 2: the text does not end with # EOF");
    let behind = lines("a 1\n# EOF\nb 1\n", Format::OpenMetrics).unwrap_err();
    assert_eq!(behind, "line 3: something stands behind # EOF");
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert_eq!(Format::of_content_type(kind), Format::OpenMetrics);
    assert_eq!(Format::of_content_type("text/plain; version=0.0.4"), Format::Text);
}

#[test]
fn one_bad_line_makes_the_text_bad() {
    for (line, what) in [
        ("1a 2", "a metric's name"),
        ("{a=\"b\"} 2", "a metric's name"),
        ("a", "a value"),
        ("a x", "a value"),
        ("a{b} 1", "= is expected"),
        ("a{b=\"c} 1", "in quotes"),
        ("a{b=\"c\\", "in quotes"),
        ("a{b=c} 1", "in quotes"),
        ("a{b=\"c\" d=\"e\"} 1", "a comma or }"),
        ("a{,} 1", "a label's name"),
        ("a{b=\"c\"", "a comma or }"),
        ("a 1 2.5", "a time"),
        ("a 1 2 3", "something stands behind"),
        ("a 1 # {} 3", "something stands behind"),
    ] {
        let error = lines(&format!("ok 1\n{line}\n"), Format::Text).unwrap_err();
        assert!(error.starts_with("line 2: ") && error.contains(what), "{line}: {error}");
    }
}

fn admitted(text: &str, own: &[(&str, &str)], honor: bool) -> Option<String> {
    let own: Vec<(String, String)> = own.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect();
    let mut all = None;
    read(text, Format::Text, |line| {
        all = admit(line, &own, honor).map(|found| {
            let labels: Vec<String> = found.labels.iter().map(|(n, v)| format!("{n}={v}")).collect();
            format!("{}[{}]", found.name, labels.join(","))
        });
    })
    .unwrap();
    all
}

#[test]
fn labels_that_are_taken_already_are_kept_as_exported_ones() {
    let own = [("job", "db"), ("target", "a:1")];
    let text = "x{job=\"theirs\",instance=\"me\",z=\"1\"} 1";
    let kept = "x[exported_job=theirs,exported_instance=me,z=1,job=db,target=a:1]";
    assert_eq!(admitted(text, &own, false).as_deref(), Some(kept));
    let honoured = "x[job=theirs,exported_instance=me,z=1,target=a:1]";
    assert_eq!(admitted(text, &own, true).as_deref(), Some(honoured));
    assert_eq!(admitted("x{job=\"\"} 1", &own, true).as_deref(), Some("x[job=db,target=a:1]"));
    assert_eq!(admitted("x{job=\"theirs\"} 1", &[], false).as_deref(), Some("x[exported_job=theirs]"));
}

#[test]
fn what_the_hub_would_refuse_is_left_out() {
    let many: Vec<String> = (0..60).map(|i| format!("l{i}=\"v\"")).collect();
    for text in [
        format!("{} 1", "x".repeat(200)),
        format!("x{{{}=\"v\"}} 1", "l".repeat(200)),
        format!("x{{{}}} 1", many.join(",")),
        "x{a:b=\"v\"} 1".into(),
        "x{a=\"1\",a=\"2\"} 1".into(),
        "x{__name__=\"y\"} 1".into(),
        "x{job=\"a\",exported_job=\"b\"} 1".into(),
    ] {
        assert_eq!(admitted(&text, &[], false), None, "{text}");
    }
}
