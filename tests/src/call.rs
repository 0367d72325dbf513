//! One HTTP call as a receiver reads it from its socket.

use std::collections::BTreeMap;
use std::io::BufRead;
use std::time::Instant;

const BODY_BYTES_MAX: usize = 1 << 20;

/// Read to its last byte.
#[derive(Debug, Clone)]
pub struct Call {
    /// When its first line was read.
    pub at: Instant,
    pub path: String,
    /// By their names in lower case.
    headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

impl Call {
    /// The next call of a connection; `None` when it ended, or is not what a client of ours sends.
    pub fn read(reader: &mut impl BufRead) -> Option<Call> {
        let first = line(reader)?;
        let at = Instant::now();
        let path = first.split(' ').nth(1)?.to_string();
        let mut headers = BTreeMap::new();
        while let Some((name, value)) = line(reader)?.split_once(": ") {
            headers.insert(name.to_ascii_lowercase(), value.to_string());
        }
        let length = headers.get("content-length").map_or(Some(0), |text| text.parse().ok());
        let mut body = vec![0; length.filter(|length| *length <= BODY_BYTES_MAX)?];
        reader.read_exact(&mut body).ok()?;
        Some(Call { at, path, headers, body })
    }

    /// Empty when there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

/// Without its end; `None` at the end of the connection.
fn line(reader: &mut impl BufRead) -> Option<String> {
    let mut text = String::new();
    reader.read_line(&mut text).ok().filter(|read| *read > 0)?;
    Some(text.trim_end().to_string())
}
