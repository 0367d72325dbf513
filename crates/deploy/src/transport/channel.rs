//! One program on the host: its input written and its output read at the same time.
//!
//! Invariant: however the waiting ends, the channel is closed: sshd allows ten at once, and fewer where MaxSessions says so.

use std::time::Duration;

use russh::client::Msg;
use russh::{Channel, ChannelMsg, ChannelWriteHalf, Pty};
use tokio::sync::Notify;
use tokio::time::timeout;

use super::connect::Connection;
use crate::{Code, Failure, Secret, Step};

/// Bytes of output kept, from the end.
const KEPT_BYTES_MAX: usize = 16 * 1024;
/// Bytes of one line; a longer one is cut.
const LINE_BYTES_MAX: usize = 8 * 1024;
/// Bytes handed to the library at once.
const WRITE_BYTES: usize = 32 * 1024;
const OPEN_TIMEOUT: Duration = Duration::from_secs(15);

/// What a program reads.
pub(crate) enum Input<'a> {
    Secret(&'a Secret),
    Text(&'a str),
    Bytes(&'a [u8]),
    /// Nothing, but what comes after it waits for this.
    Until(&'a Notify),
}

impl<'a> Input<'a> {
    /// The same once more.
    pub(crate) fn again(&self) -> Self {
        match *self {
            Input::Secret(secret) => Input::Secret(secret),
            Input::Text(text) => Input::Text(text),
            Input::Bytes(bytes) => Input::Bytes(bytes),
            Input::Until(ready) => Input::Until(ready),
        }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Input::Secret(secret) => secret.reveal().as_bytes(),
            Input::Text(text) => text.as_bytes(),
            Input::Bytes(bytes) => bytes,
            Input::Until(_) => &[],
        }
    }
}

/// A program that has ended.
#[derive(Debug, Default)]
pub(crate) struct Ran {
    /// `None`: killed by a signal, or the connection broke.
    pub exit: Option<u32>,
    /// The end of standard error (with a terminal: of what is not ours on standard output).
    pub errors: String,
}

/// Closes the channel when the waiting for it is given up.
struct Guard(Option<ChannelWriteHalf<Msg>>);

impl Guard {
    fn half(&self) -> &ChannelWriteHalf<Msg> {
        self.0.as_ref().expect("taken only by drop")
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let (Some(half), Ok(runtime)) = (self.0.take(), tokio::runtime::Handle::try_current()) {
            runtime.spawn(async move {
                let _ = half.eof().await;
                let _ = half.close().await;
            });
        }
    }
}

/// Cuts a stream of bytes into lines.
#[derive(Default)]
struct Lines(Vec<u8>);

impl Lines {
    fn push(&mut self, data: &[u8], mut each: impl FnMut(&str)) {
        for &byte in data {
            match byte {
                b'\n' => {
                    each(String::from_utf8_lossy(&self.0).trim_end_matches('\r'));
                    self.0.clear();
                }
                _ if self.0.len() < LINE_BYTES_MAX => self.0.push(byte),
                _ => {}
            }
        }
    }

    fn rest(&self, mut each: impl FnMut(&str)) {
        if !self.0.is_empty() {
            each(&String::from_utf8_lossy(&self.0));
        }
    }
}

/// Keeps the end of a text.
pub(crate) fn keep(kept: &mut String, line: &str) {
    kept.push_str(line);
    kept.push('\n');
    if kept.len() > 2 * KEPT_BYTES_MAX {
        let cut = kept.len() - KEPT_BYTES_MAX;
        let start = kept[..].char_indices().map(|(at, _)| at).find(|&at| at >= cut).unwrap_or(0);
        kept.drain(..start);
    }
}

impl Connection {
    /// Runs a command line to its end. `line` gets each line of standard output; with `terminal`, also what the program
    /// says on standard error.
    pub(crate) async fn run(
        &self,
        step: Step,
        command: &str,
        terminal: bool,
        input: &[Input<'_>],
        limit: Duration,
        line: &mut (dyn FnMut(&str) + Send),
    ) -> Result<Ran, Failure> {
        let channel = self.open(step).await?;
        match timeout(limit, self.talk(step, channel, command, terminal, input, line)).await {
            Ok(result) => result,
            Err(_) => Err(Failure::new(
                step,
                Code::Timeout,
                format!("a command on {} did not end in {} s", self.target.host, limit.as_secs()),
                "look at the host's load and at what its disks and name service do, then try again",
            )),
        }
    }

    async fn open(&self, step: Step) -> Result<Channel<Msg>, Failure> {
        let why = match timeout(OPEN_TIMEOUT, self.handle.channel_open_session()).await {
            Ok(Ok(channel)) => return Ok(channel),
            Ok(Err(error @ russh::Error::ChannelOpenFailure(_))) => {
                return Err(Failure::new(
                    step,
                    Code::Shell,
                    format!("{} gives no session: {error}", self.target.host),
                    "check MaxSessions and ForceCommand in its sshd_config, and that the user may log in",
                ));
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer in {} s", OPEN_TIMEOUT.as_secs()),
        };
        Err(self.lost(step, &why))
    }

    fn lost(&self, step: Step, why: &str) -> Failure {
        Failure::new(
            step,
            Code::Lost,
            format!("the connection to {} broke: {why}", self.target.host),
            "try again: what was begun is taken up or cleared away by the next deployment",
        )
    }

    async fn talk(
        &self,
        step: Step,
        channel: Channel<Msg>,
        command: &str,
        terminal: bool,
        input: &[Input<'_>],
        line: &mut (dyn FnMut(&str) + Send),
    ) -> Result<Ran, Failure> {
        let (mut output, half) = channel.split();
        let guard = Guard(Some(half));
        let failed = |error: russh::Error| self.lost(step, &error.to_string());
        if terminal {
            guard.half().request_pty(false, "dumb", 200, 50, 0, 0, &RAW).await.map_err(failed)?;
        }
        guard.half().exec(true, command).await.map_err(failed)?;
        let mut ran = Ran::default();
        let (mut out, mut err) = (Lines::default(), Lines::default());
        let mut write = std::pin::pin!(write_all(guard.half(), input));
        let (mut written, mut refused) = (false, false);
        loop {
            let message = tokio::select! {
                result = &mut write, if !written => {
                    written = true;
                    // A program that does not read its input says why by its output and exit.
                    let _ = result;
                    continue;
                }
                message = output.wait() => message,
            };
            match message {
                Some(ChannelMsg::Data { data }) => out.push(&data, &mut *line),
                Some(ChannelMsg::ExtendedData { data, .. }) => {
                    err.push(&data, |text| keep(&mut ran.errors, text))
                }
                Some(ChannelMsg::ExitStatus { exit_status }) => ran.exit = Some(exit_status),
                Some(ChannelMsg::Failure) => refused = true,
                // Data may come after the exit status; only the end of all is the end.
                Some(ChannelMsg::Close) | None => break,
                Some(_) => {}
            }
            if refused {
                break;
            }
        }
        out.rest(&mut *line);
        err.rest(|text| keep(&mut ran.errors, text));
        if refused {
            return Err(Failure::new(
                step,
                Code::Shell,
                format!("{} refuses to run commands", self.target.host),
                "check the user's login shell and ForceCommand in sshd_config and authorized_keys",
            ));
        }
        if ran.exit.is_none() && self.is_closed() {
            return Err(self.lost(step, "it was closed before the command ended"));
        }
        Ok(ran)
    }
}

/// All input, then the end of it.
async fn write_all(half: &ChannelWriteHalf<Msg>, input: &[Input<'_>]) -> Result<(), russh::Error> {
    for part in input {
        if let Input::Until(ready) = part {
            ready.notified().await;
        }
        for piece in part.bytes().chunks(WRITE_BYTES) {
            half.data_bytes(piece.to_vec()).await?;
        }
    }
    half.eof().await
}

/// A terminal that changes nothing of what passes through it.
const RAW: [(Pty, u32); 10] = [
    (Pty::ECHO, 0),
    (Pty::ECHONL, 0),
    (Pty::ICANON, 0),
    (Pty::ISIG, 0),
    (Pty::IEXTEN, 0),
    (Pty::ICRNL, 0),
    (Pty::INLCR, 0),
    (Pty::IGNCR, 0),
    (Pty::IXON, 0),
    (Pty::OPOST, 0),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_whole() {
        let (mut lines, mut seen) = (Lines::default(), Vec::new());
        lines.push(b"one\r\ntw", |line| seen.push(line.to_string()));
        lines.push(b"o\nrest", |line| seen.push(line.to_string()));
        lines.rest(|line| seen.push(line.to_string()));
        assert_eq!(seen, ["one", "two", "rest"]);
    }

    #[test]
    fn the_end_of_a_long_text_is_kept() {
        let mut kept = String::new();
        (0..10_000).for_each(|i| keep(&mut kept, &format!("ä{i}")));
        assert!(kept.len() <= 2 * KEPT_BYTES_MAX + 16 && kept.ends_with("ä9999\n"));
    }
}
