//! The program over the pinned TLS of the agents' listener, into a file; hash and size are checked here.

use std::io::Write;
use std::time::Duration;

use ring::digest::{Context, SHA256};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use watchtower_protocol::{PROGRAM_PATH, TLS_SERVER_NAME};

use super::{ApplyError, Plan};
use crate::link;

/// Bytes of a program: a static agent has about three million, with debug information thirty.
const PROGRAM_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Bytes of the answer's head.
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// For the whole program, from one address.
const DOWNLOAD: Duration = Duration::from_secs(300);
const READ_BYTES: usize = 64 * 1024;

/// Tries each address of the hub.
pub async fn fetch(plan: &Plan, proxy: Option<&str>, file: &mut std::fs::File) -> Result<(), ApplyError> {
    if plan.release.size > PROGRAM_BYTES_MAX {
        return Err(ApplyError::Download(format!("the program is larger than {PROGRAM_BYTES_MAX} bytes")));
    }
    let mut last = ApplyError::Download("the trust bundle names no address".into());
    for url in &plan.bundle.urls {
        match timeout(DOWNLOAD, from(url, plan, proxy, file)).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => last = error,
            Err(_) => last = ApplyError::Download(format!("{url} took longer than {} s", DOWNLOAD.as_secs())),
        }
        file.set_len(0).map_err(|error| ApplyError::io("the new program", error))?;
        std::io::Seek::rewind(file).map_err(|error| ApplyError::io("the new program", error))?;
    }
    Err(last)
}

async fn from(
    url: &str,
    plan: &Plan,
    proxy: Option<&str>,
    file: &mut std::fs::File,
) -> Result<(), ApplyError> {
    let download = |why: String| ApplyError::Download(format!("{url}: {why}"));
    let mut stream = link::secure(url, &plan.bundle, proxy).await.map_err(|e| download(e.to_string()))?;
    let request = format!(
        "GET {PROGRAM_PATH}/{}/{} HTTP/1.1\r\nHost: {TLS_SERVER_NAME}\r\nAuthorization: Bearer {}\r\nConnection: close\r\n\r\n",
        plan.execution_id, plan.release.arch, plan.token
    );
    stream.write_all(request.as_bytes()).await.map_err(|e| download(e.to_string()))?;
    let body = head(&mut stream).await.map_err(&download)?;
    receive(stream, &body, plan, file).await
}

/// Reads the answer's head; what came of the body with it.
async fn head(stream: &mut (impl AsyncRead + Unpin)) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        if bytes.len() > HEAD_BYTES_MAX || stream.read_buf(&mut bytes).await.map_err(|e| e.to_string())? == 0
        {
            return Err("that is no answer of a hub".into());
        }
    };
    let status = String::from_utf8_lossy(&bytes[..end]);
    let status = status.lines().next().unwrap_or("");
    if status.split(' ').nth(1) != Some("200") {
        return Err(format!("the hub answers {}", crate::collect::one_line(status)));
    }
    Ok(bytes.split_off(end))
}

async fn receive(
    mut stream: impl AsyncRead + Unpin,
    first: &[u8],
    plan: &Plan,
    file: &mut std::fs::File,
) -> Result<(), ApplyError> {
    let (mut hash, mut got) = (Context::new(&SHA256), 0u64);
    let mut take = |data: &[u8]| {
        got += data.len() as u64;
        hash.update(data);
        if got > plan.release.size {
            return Err(ApplyError::Hash(format!("it has more than {} bytes", plan.release.size)));
        }
        file.write_all(data).map_err(|error| ApplyError::io("the new program", error))
    };
    take(first)?;
    let mut buffer = vec![0; READ_BYTES];
    loop {
        // A peer that closes TLS without a farewell is noticed by the size.
        let read = stream.read(&mut buffer).await.unwrap_or(0);
        if read == 0 {
            break;
        }
        take(&buffer[..read])?;
    }
    let sum: String = hash.finish().as_ref().iter().map(|b| format!("{b:02x}")).collect();
    if got != plan.release.size || sum != plan.release.sha256 {
        return Err(ApplyError::Hash(format!("{got} bytes with sha256 {sum}")));
    }
    file.sync_all().map_err(|error| ApplyError::io("the new program", error))
}
