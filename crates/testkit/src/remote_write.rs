//! Encodes remote_write requests, by the specification rather than by our decoder.

/// Labels, and samples as (milliseconds, value).
pub struct Series<'a> {
    pub labels: &'a [(String, String)],
    pub samples: &'a [(i64, f64)],
}

/// A `prometheus.WriteRequest`, compressed as senders do. Labels must be sorted.
///
/// # Panics
/// Never: what is compressed is in memory.
pub fn request(all: &[Series<'_>]) -> Vec<u8> {
    let mut body = Vec::new();
    for series in all {
        let mut message = Vec::new();
        for (name, value) in series.labels {
            let mut label = Vec::new();
            bytes(&mut label, 1, name.as_bytes());
            bytes(&mut label, 2, value.as_bytes());
            bytes(&mut message, 1, &label);
        }
        for (t, v) in series.samples {
            let mut sample = vec![1 << 3 | 1];
            sample.extend_from_slice(&v.to_bits().to_le_bytes());
            sample.push(2 << 3);
            varint(&mut sample, *t as u64);
            bytes(&mut message, 2, &sample);
        }
        bytes(&mut body, 1, &message);
    }
    snap::raw::Encoder::new().compress_vec(&body).expect("a buffer in memory can be compressed")
}

/// A request that says of each name (type's number, name, help, unit), compressed as senders do.
///
/// # Panics
/// Never: what is compressed is in memory.
pub fn metadata(all: &[(u8, &str, &str, &str)]) -> Vec<u8> {
    let mut body = Vec::new();
    for (kind, name, help, unit) in all {
        let mut message = vec![1 << 3, *kind];
        bytes(&mut message, 2, name.as_bytes());
        bytes(&mut message, 4, help.as_bytes());
        bytes(&mut message, 5, unit.as_bytes());
        bytes(&mut body, 3, &message);
    }
    snap::raw::Encoder::new().compress_vec(&body).expect("a buffer in memory can be compressed")
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
