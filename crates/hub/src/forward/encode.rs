//! Requests of remote_write 1.0: `prometheus.WriteRequest`, compressed by snappy's block format.

use watchtower_model::{Labels, Timestamp};

/// The labels of a time series as they stand in a request: once encoded, used for each of its samples.
pub(super) fn labels(labels: &Labels) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, value) in labels.iter() {
        let mut label = Vec::with_capacity(name.len() + value.len() + 6);
        bytes(&mut label, 1, name.as_bytes());
        bytes(&mut label, 2, value.as_bytes());
        bytes(&mut out, 1, &label);
    }
    out
}

/// Adds a time series with one sample.
pub(super) fn series(request: &mut Vec<u8>, labels: &[u8], t: Timestamp, v: f64) {
    let mut sample = [0; 24];
    sample[0] = 1 << 3 | 1;
    sample[1..9].copy_from_slice(&v.to_bits().to_le_bytes());
    sample[9] = 2 << 3;
    let mut time = Vec::with_capacity(10);
    varint(&mut time, t.0 as u64);
    sample[10..10 + time.len()].copy_from_slice(&time);
    let sample = &sample[..10 + time.len()];
    request.push(1 << 3 | 2);
    varint(request, (labels.len() + 2 + sample.len()) as u64);
    request.extend_from_slice(labels);
    bytes(request, 2, sample);
}

pub(super) fn compress(request: &[u8]) -> Vec<u8> {
    snap::raw::Encoder::new().compress_vec(request).expect("a buffer in memory is shorter than 4 GiB")
}

fn bytes(out: &mut Vec<u8>, field: u8, content: &[u8]) {
    out.push(field << 3 | 2);
    varint(out, content.len() as u64);
    out.extend_from_slice(content);
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;
    use watchtower_intake::remote_write::{Series, WriteRequest};
    use watchtower_intake::{Encoding, decompress};
    use watchtower_model::stale_nan;

    #[test]
    fn our_own_decoder_reads_what_was_put_in() {
        let up = Labels::from_pairs([("__name__", "up"), ("job", "ünï")]);
        let samples = [(1_795_000_000_000, 1.5), (-5, stale_nan()), (0, f64::INFINITY)];
        let mut request = Vec::new();
        for (t, v) in samples {
            series(&mut request, &labels(&up), Timestamp(t), v);
        }
        let mut plain = Vec::new();
        decompress(Encoding::Snappy, &compress(&request), &mut plain).unwrap();
        let (mut read, mut found) = (WriteRequest::new(&plain), Series::default());
        for (t, v) in samples {
            assert!(read.next(&mut found).unwrap());
            assert_eq!(found.to_labels().unwrap(), up);
            assert_eq!((found.samples[0].t.0, found.samples[0].v.to_bits()), (t, v.to_bits()));
        }
        assert!(!read.next(&mut found).unwrap());
    }
}
