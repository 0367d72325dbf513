//! One line of `/proc/PID/stat` (proc_pid_stat(5)).

/// Bytes of the command's name: `TASK_COMM_LEN` without its end.
const NAME_BYTES: usize = 15;

#[derive(Clone, Copy, Debug)]
pub struct Stat {
    pub pid: u32,
    pub ppid: u32,
    pub state: u8,
    pub threads: u32,
    pub cpu_ticks: u64,
    pub start_ticks: u64,
    pub rss_pages: u64,
    name: [u8; NAME_BYTES],
    name_len: u8,
}

impl Stat {
    /// The name stands in parentheses and may hold anything, parentheses and spaces included.
    pub fn parse(pid: u32, line: &[u8]) -> Option<Stat> {
        let open = line.iter().position(|b| *b == b'(')?;
        let close = line.iter().rposition(|b| *b == b')')?;
        let raw_name = line.get(open + 1..close)?;
        let name_len = raw_name.len().min(NAME_BYTES);
        let mut name = [0; NAME_BYTES];
        name[..name_len].copy_from_slice(&raw_name[..name_len]);
        let rest = std::str::from_utf8(line.get(close + 1..)?).ok()?;
        let mut fields = rest.split_ascii_whitespace();
        let state = *fields.next()?.as_bytes().first()?;
        let ppid = fields.next()?.parse().ok()?;
        // Fields 14 and 15 of the manual: user and system time.
        let user: u64 = fields.nth(9)?.parse().ok()?;
        let system: u64 = fields.next()?.parse().ok()?;
        let threads = fields.nth(4)?.parse().ok()?;
        let start_ticks = fields.nth(1)?.parse().ok()?;
        let rss_pages = fields.nth(1)?.parse::<i64>().ok()?.max(0) as u64;
        Some(Stat {
            pid,
            ppid,
            state,
            threads,
            cpu_ticks: user + system,
            start_ticks,
            rss_pages,
            name,
            name_len: name_len as u8,
        })
    }

    /// What is not UTF-8 is cut off there.
    pub fn name(&self) -> &str {
        let bytes = &self.name[..usize::from(self.name_len)];
        match std::str::from_utf8(bytes) {
            Ok(name) => name,
            Err(error) => std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or(""),
        }
    }
}
