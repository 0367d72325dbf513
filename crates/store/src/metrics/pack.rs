//! Rows of the catalogue, packed together: series of one sender have nearly the same labels.
//!
//! Invariant: a pack with a changed bit is `None`, never other rows.
//!
//! ```text
//! CRC-32 of all behind it u32 LE | bytes unpacked u32 LE | zstd of:
//!   per row: series u64 LE | last day i32 LE | length of the key u32 LE | key
//! ```

use super::SeriesRow;

/// Series whose rows share a pack.
pub(super) const SERIES: u64 = 64;
const LEVEL: i32 = 3;
const SUM_BYTES: usize = 4;
/// Bytes of one pack, unpacked.
const BYTES_MAX: u32 = 256 * 1024 * 1024;

pub(super) fn encode(rows: &[SeriesRow]) -> std::io::Result<Vec<u8>> {
    let mut plain = Vec::new();
    for row in rows {
        plain.extend_from_slice(&row.series.to_le_bytes());
        plain.extend_from_slice(&row.last_day.to_le_bytes());
        plain.extend_from_slice(&(row.key.len() as u32).to_le_bytes());
        plain.extend_from_slice(&row.key);
    }
    let mut out = vec![0; SUM_BYTES];
    out.extend_from_slice(&(plain.len() as u32).to_le_bytes());
    out.extend_from_slice(&zstd::bulk::compress(&plain, LEVEL)?);
    let sum = crc32fast::hash(&out[SUM_BYTES..]);
    out[..SUM_BYTES].copy_from_slice(&sum.to_le_bytes());
    Ok(out)
}

pub(super) fn decode(bytes: &[u8]) -> Option<Vec<SeriesRow>> {
    let (sum, body) = bytes.split_first_chunk::<SUM_BYTES>()?;
    if crc32fast::hash(body) != u32::from_le_bytes(*sum) {
        return None;
    }
    let (length, packed) = body.split_first_chunk::<4>()?;
    let length = Some(u32::from_le_bytes(*length)).filter(|length| *length <= BYTES_MAX)?;
    let plain = zstd::bulk::decompress(packed, length as usize).ok()?;
    let mut rest = plain.as_slice();
    let mut rows = Vec::new();
    while !rest.is_empty() {
        let (series, behind) = rest.split_first_chunk::<8>()?;
        let (last_day, behind) = behind.split_first_chunk::<4>()?;
        let (length, behind) = behind.split_first_chunk::<4>()?;
        let (key, behind) = behind.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        rows.push(SeriesRow {
            series: u64::from_le_bytes(*series),
            key: key.to_vec(),
            last_day: i32::from_le_bytes(*last_day),
        });
        rest = behind;
    }
    Some(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_and_take_little() {
        let row = |i: u64| SeriesRow {
            series: i * 3,
            key: format!("requests_total instance host-{} job api path /v1/resource/{}", i % 10, i)
                .into_bytes(),
            last_day: if i.is_multiple_of(5) { i32::MIN } else { 20_000 + i as i32 },
        };
        let rows: Vec<SeriesRow> = (0..SERIES).map(row).collect();
        let bytes = encode(&rows).unwrap();
        assert_eq!(decode(&bytes), Some(rows.clone()));
        let plain: usize = rows.iter().map(|r| r.key.len()).sum();
        assert!(bytes.len() * 4 < plain, "{} of {plain}", bytes.len());
        assert_eq!(decode(&encode(&[]).unwrap()), Some(vec![]));
        for at in 0..bytes.len() * 8 {
            let mut broken = bytes.clone();
            broken[at / 8] ^= 1 << (at % 8);
            assert_eq!(decode(&broken), None, "{at}");
        }
    }
}
