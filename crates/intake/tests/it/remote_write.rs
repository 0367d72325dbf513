//! `prometheus.WriteRequest`, whole and damaged.

use watchtower_intake::remote_write::{Metadata, Series, WriteRequest, read_metadata};
use watchtower_intake::{BODY_BYTES_MAX, Encoding, IntakeError, decompress};
use watchtower_testkit::remote_write as sender;

fn labels(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect()
}

fn unpacked(encoding: Encoding, body: &[u8]) -> Result<Vec<u8>, IntakeError> {
    let mut out = Vec::new();
    decompress(encoding, body, &mut out).map(|()| out)
}

fn request(pairs: &[(&str, &str)], samples: &[(i64, f64)]) -> Vec<u8> {
    let sent = sender::request(&[sender::Series { labels: &labels(pairs), samples }]);
    unpacked(Encoding::Snappy, &sent).unwrap()
}

#[test]
fn every_series_comes_out_as_it_was_sent() {
    let (first, second) = (labels(&[("__name__", "up"), ("job", "ünï")]), labels(&[("__name__", "down")]));
    let stale = f64::from_bits(0x7ff0_0000_0000_0002);
    let sent = sender::request(&[
        sender::Series { labels: &first, samples: &[(-5, 1.5), (1_795_000_000_000, stale)] },
        sender::Series { labels: &second, samples: &[] },
    ]);
    let body = unpacked(Encoding::Snappy, &sent).unwrap();
    let mut request = WriteRequest::new(&body);
    let mut series = Series::default();
    assert!(request.next(&mut series).unwrap());
    assert_eq!(series.pairs().unwrap(), [("__name__", "up"), ("job", "ünï")]);
    let samples: Vec<(i64, u64)> = series.samples.iter().map(|s| (s.t.0, s.v.to_bits())).collect();
    assert_eq!(samples, [(-5, 1.5f64.to_bits()), (1_795_000_000_000, stale.to_bits())]);
    assert_eq!(series.to_labels().unwrap().to_string(), "up{job=\"ünï\"}");
    let identity = series.identity().to_vec();
    assert!(request.next(&mut series).unwrap());
    assert!(series.samples.is_empty() && series.identity() != identity);
    assert!(!request.next(&mut series).unwrap());
}

#[test]
fn what_cannot_name_a_series_is_said() {
    let complaint = |pairs: &[(&str, &str)]| {
        let body = request(pairs, &[(0, 1.0)]);
        let mut series = Series::default();
        assert!(WriteRequest::new(&body).next(&mut series).unwrap());
        series.to_labels().map(|l| l.to_string()).unwrap_or_else(|e| e.to_string())
    };
    assert_eq!(complaint(&[("__name__", "a"), ("http.status", "2")]), "a{http.status=\"2\"}");
    assert!(complaint(&[("job", "a")]).contains("no metric name"));
    assert!(complaint(&[("__name__", "")]).contains("no metric name"));
    assert!(complaint(&[("__name__", "a"), ("b", "1"), ("b", "2")]).contains("\"b\" stands there twice"));
    assert!(complaint(&[("__name__", "a"), ("", "1")]).contains("label name"));
    assert!(complaint(&[("__name__", "a"), ("b", "x\ny")]).contains("control character"));
    assert!(complaint(&[("__name__", "a"), ("b", &"y".repeat(2000))]).contains("longer than"));
    let many: Vec<(String, String)> = (0..100).map(|i| (format!("l{i}"), "v".to_string())).collect();
    let mut many: Vec<(&str, &str)> = many.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    many.push(("__name__", "a"));
    assert!(complaint(&many).contains("more than 64 labels"));
}

#[test]
fn histograms_are_counted_and_unknown_fields_passed_over() {
    // A series with field 4 (a histogram) twice, field 3 (an exemplar) and field 99.
    let series = [0x22, 0x00, 0x22, 0x02, 0x08, 0x01, 0x1a, 0x00, 0x98, 0x06, 0x05];
    let mut body = vec![0x1a, 0x02, 0x08, 0x01, 0x0a, series.len() as u8];
    body.extend(series);
    let mut found = Series::default();
    let mut request = WriteRequest::new(&body);
    assert!(request.next(&mut found).unwrap());
    assert_eq!((found.histograms, found.samples.len()), (2, 0));
    assert!(!request.next(&mut found).unwrap());
}

#[test]
fn labels_that_stand_apart_are_one_identity_too() {
    let label = |name: &[u8], value: &[u8]| {
        let mut label = vec![0x0a, name.len() as u8];
        label.extend(name);
        label.extend([0x12, value.len() as u8]);
        label.extend(value);
        [vec![0x0a, label.len() as u8], label].concat()
    };
    let sample = vec![0x12, 0x02, 0x10, 0x05];
    let (name, job) = (label(b"__name__", b"up"), label(b"job", b"a"));
    let read = |parts: &[&[u8]]| {
        let message = parts.concat();
        let body = [vec![0x0a, message.len() as u8], message].concat();
        let mut series = Series::default();
        assert!(WriteRequest::new(&body).next(&mut series).unwrap());
        (series.identity().to_vec(), series.to_labels().unwrap().to_string(), series.samples.len())
    };
    let together = read(&[&name, &job, &sample]);
    let apart = read(&[&name, &sample, &job]);
    assert_eq!((together.1.as_str(), together.2), ("up{job=\"a\"}", 1));
    assert_eq!((&apart.1, apart.2), (&together.1, 1));
    assert_ne!(apart.0, read(&[&name, &sample]).0, "a label behind the samples counts");
    assert_ne!(apart.0, together.0);
    assert_eq!(read(&[&name, &job]).0, together.0);
}

#[test]
fn a_cut_request_is_an_error_wherever_it_is_cut() {
    let body = request(&[("__name__", "up"), ("job", "a")], &[(1, 1.0), (2, 2.0)]);
    for end in 1..body.len() {
        let mut series = Series::default();
        let error = WriteRequest::new(&body[..end]).next(&mut series).unwrap_err();
        assert!(matches!(error, IntakeError::Malformed { .. }), "{end}: {error}");
    }
}

#[test]
fn claims_are_not_believed() {
    // A snappy block of ten bytes that claims to hold 4 GB; and one that claims less, but more than ten bytes can hold.
    let huge = [0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0, 0, 0, 0];
    assert_eq!(unpacked(Encoding::Snappy, &huge), Err(IntakeError::TooLarge { limit: BODY_BYTES_MAX }));
    let boast = [0x80, 0x80, 0x40, 0, 0, 0, 0, 0];
    assert!(matches!(unpacked(Encoding::Snappy, &boast), Err(IntakeError::Malformed { .. })));
    // 65 MB of zeros in a few kilobytes.
    let bomb = zstd::bulk::compress(&vec![0; BODY_BYTES_MAX + 1], 1).unwrap();
    assert_eq!(unpacked(Encoding::Zstd, &bomb), Err(IntakeError::TooLarge { limit: BODY_BYTES_MAX }));
}

#[test]
fn the_encoding_is_the_one_that_is_named() {
    let body = request(&[("__name__", "up")], &[(1, 1.0)]);
    let zstd = zstd::bulk::compress(&body, 1).unwrap();
    assert_eq!(unpacked(Encoding::of_remote_write(Some("zstd")).unwrap(), &zstd).unwrap(), body);
    assert_eq!(Encoding::of_remote_write(None), Ok(Encoding::Snappy));
    let error = Encoding::of_remote_write(Some("gzip")).unwrap_err().to_string();
    assert_eq!(error, "Content-Encoding \"gzip\" is not understood: send snappy or zstd");
    assert_eq!(unpacked(Encoding::Snappy, &zstd), Err(IntakeError::NotCompressed { encoding: "snappy" }));
    assert_eq!(unpacked(Encoding::Zstd, b"text"), Err(IntakeError::NotCompressed { encoding: "zstd" }));
}

#[test]
fn what_is_said_of_names_comes_out_and_is_no_series() {
    use watchtower_model::MetricType::{Counter, StateSet, Unknown};
    let sent =
        sender::metadata(&[(1, "a_total", "ünï\nb", "s"), (7, "b", "", ""), (200 & 0x7f, "c", "x", "")]);
    let body = unpacked(Encoding::Snappy, &sent).unwrap();
    let mut all = Vec::new();
    read_metadata(&body, |said| all.push(said)).unwrap();
    let said = |family, kind, help, unit| Metadata { family, kind, help, unit };
    let expected =
        [said("a_total", Counter, "ünï\nb", "s"), said("b", StateSet, "", ""), said("c", Unknown, "x", "")];
    assert_eq!(all, expected);
    assert!(!WriteRequest::new(&body).next(&mut Series::default()).unwrap());
    let samples = request(&[("__name__", "x")], &[(0, 1.0)]);
    read_metadata(&samples, |said| panic!("{said:?} was not said")).unwrap();
    for length in 0..body.len() {
        let mut whole = 0;
        let read = read_metadata(&body[..length], |_| whole += 1);
        assert!(whole < 3 && (read.is_err() || whole > 0 || length == 0), "{length}: {read:?}");
    }
}
