//! The terminal while `top` owns it: alternate screen, no echo, and all of it given back at the end.

use std::io::{self, Write};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::stdio::stdin;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

const ENTER: &str = "\x1b[?1049h\x1b[?25l";
const LEAVE: &str = "\x1b[?25h\x1b[?1049l";
/// Home, then each line clears its own rest: no flicker.
const HOME: &str = "\x1b[H";
const CLEAR_REST_OF_LINE: &str = "\x1b[K";
const CLEAR_BELOW: &str = "\x1b[J";

pub struct Screen {
    before: Termios,
}

impl Screen {
    /// Takes the terminal; dropping gives it back, also when a panic or an error passes by.
    pub fn enter() -> io::Result<Screen> {
        let before = tcgetattr(stdin())?;
        let mut raw = before.clone();
        // Ctrl-C comes as a key, so that the terminal is restored before we end.
        raw.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
        tcsetattr(stdin(), OptionalActions::Now, &raw)?;
        let screen = Screen { before };
        let mut out = io::stdout();
        out.write_all(ENTER.as_bytes())?;
        out.flush()?;
        Ok(screen)
    }

    /// Draws a frame of at most `rows` lines.
    pub fn draw(&self, frame: &str, rows: usize) -> io::Result<()> {
        let mut text = String::from(HOME);
        for (i, line) in frame.lines().take(rows).enumerate() {
            if i > 0 {
                text.push_str("\r\n");
            }
            text.push_str(line);
            text.push_str(CLEAR_REST_OF_LINE);
        }
        text.push_str(CLEAR_BELOW);
        let mut out = io::stdout();
        out.write_all(text.as_bytes())?;
        out.flush()
    }

    /// The key that is pressed within the time, if any.
    pub fn key(&self, wait: Duration) -> io::Result<Option<u8>> {
        let stdin = stdin();
        let mut fds = [PollFd::new(&stdin, PollFlags::IN)];
        let wait = Timespec { tv_sec: wait.as_secs() as i64, tv_nsec: i64::from(wait.subsec_nanos()) };
        if poll(&mut fds, Some(&wait))? == 0 {
            return Ok(None);
        }
        let mut byte = [0u8; 1];
        Ok((rustix::io::read(stdin, &mut byte)? == 1).then_some(byte[0]))
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // Nothing is left to do about a terminal that cannot be restored.
        let _ = tcsetattr(stdin(), OptionalActions::Now, &self.before);
        let mut out = io::stdout();
        let _ = out.write_all(LEAVE.as_bytes()).and_then(|()| out.flush());
    }
}
