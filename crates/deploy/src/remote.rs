//! Shell scripts on the host, with the right they need, and the answers they mark.
//!
//! Invariants: a script and its data go over standard input, so that no process list or sudo log shows them; only lines
//! with this run's random mark are answers, so that whatever a login shell prints is noise; success is such a mark,
//! never the look of a prompt.

use std::time::Duration;

use ring::rand::{SecureRandom, SystemRandom};

use tokio::sync::Notify;

use crate::transport::{Connection, Input, Ran};
use crate::{Code, Failure, Secret, Step};

/// Everything but an upload.
pub(crate) const SCRIPT_TIMEOUT: Duration = Duration::from_secs(120);
/// Fetches the script as one line: understood the same by every login shell, and no more than this is in a log.
const BOOTSTRAP: &str = r#"/bin/sh -c 'IFS= read -r s; eval "$(printf "%b" "$s")"'"#;
const PRELUDE: &str = include_str!("scripts/prelude.sh");
/// Characters of what a host said, in one field.
const VALUE_CHARS_MAX: usize = 1000;
/// Answers of one script.
const MARKS_MAX: usize = 500;

/// How root's work is done.
#[derive(Clone, Debug)]
pub(crate) enum Right {
    /// The user is root, or root is not needed.
    Plain,
    /// `sudo` without a password.
    SudoFree {
        terminal: bool,
    },
    SudoPassword {
        password: Secret,
        terminal: bool,
    },
    DoasFree,
}

impl Right {
    pub(crate) fn as_str(&self) -> &'static str {
        match self {
            Right::Plain => "root",
            Right::SudoFree { .. } => "sudo without a password",
            Right::SudoPassword { .. } => "sudo with a password",
            Right::DoasFree => "doas",
        }
    }

    /// What stands before a command.
    fn prefix(&self) -> &'static str {
        match self {
            Right::Plain => "",
            Right::SudoFree { .. } => "env LC_ALL=C sudo -n -- ",
            // sudo-rs knows these three options too; -k: whether it asks must not depend on an earlier sign-in.
            Right::SudoPassword { .. } => "env LC_ALL=C sudo -S -k -p \"\" -- ",
            Right::DoasFree => "doas -n ",
        }
    }

    fn terminal(&self) -> bool {
        matches!(self, Right::SudoFree { terminal: true } | Right::SudoPassword { terminal: true, .. })
    }

    fn password(&self) -> Option<&Secret> {
        match self {
            Right::SudoPassword { password, .. } => Some(password),
            _ => None,
        }
    }
}

/// What a script is run with.
pub(crate) struct Script<'a> {
    pub step: Step,
    pub text: &'a str,
    /// Set before the script begins; quoted here.
    pub variables: &'a [(&'a str, String)],
    /// What its commands read: its own lines and bytes.
    pub data: &'a [Input<'a>],
    pub limit: Duration,
}

/// What a script answered.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    pub marks: Vec<(String, String)>,
    /// The end of everything else that was printed.
    pub noise: String,
    pub exit: Option<u32>,
}

impl Answers {
    /// The first answer of this name, if it is not empty.
    pub(crate) fn get<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.all(name).find(|value| !value.is_empty())
    }

    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.marks.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// A host that commands can be run on.
pub(crate) struct Remote {
    pub connection: Connection,
    pub right: Right,
}

impl Remote {
    /// Runs a script; `each` gets every answer as it comes.
    pub(crate) async fn script(
        &self,
        script: &Script<'_>,
        mut each: impl FnMut(&str, &str) + Send,
    ) -> Result<Answers, Failure> {
        let mark = random_mark();
        let line = one_line(&mark, script);
        let end = Secret::new("\n");
        let ready = Notify::new();
        let mut input = Vec::new();
        if let Some(password) = self.right.password() {
            input.extend([Input::Secret(password), Input::Secret(&end)]);
        }
        // When sudo gives a terminal back, it throws away what was typed ahead.
        let terminal = self.right.terminal();
        input.extend(terminal.then_some(Input::Until(&ready)));
        input.push(Input::Text(&line));
        input.extend(script.data.iter().map(Input::again));
        let mut answers = Answers::default();
        let mut noise = String::new();
        let command = match terminal {
            true => format!(
                "{}{}",
                self.right.prefix(),
                BOOTSTRAP.replacen("IFS=", &format!("echo {mark} ready; IFS="), 1)
            ),
            false => format!("{}{BOOTSTRAP}", self.right.prefix()),
        };
        let mut take = |text: &str| match marked(text, &mark) {
            Some((key, _)) if key == "ready" => ready.notify_one(),
            Some((key, value)) if answers.marks.len() < MARKS_MAX => {
                each(&key, &value);
                answers.marks.push((key, value));
            }
            Some(_) => {}
            None => crate::transport::keep(&mut noise, &clean(text)),
        };
        let ran =
            self.connection.run(script.step, &command, terminal, &input, script.limit, &mut take).await?;
        let Ran { exit, errors } = ran;
        noise.push_str(&errors);
        Ok(Answers { noise: noise.trim().to_string(), exit, ..answers })
    }

    /// Whether the right works: root's shell prints the mark. Nothing but the password is sent, so that a wrong one is
    /// tried once and nothing else is taken for it.
    pub(crate) async fn try_right(&self, right: &Right) -> Result<Answers, Failure> {
        let mark = random_mark();
        let command = format!("{}/bin/sh -c \"echo {mark} root\"", right.prefix());
        let end = Secret::new("\n");
        let input: Vec<Input<'_>> = right
            .password()
            .into_iter()
            .flat_map(|password| [Input::Secret(password), Input::Secret(&end)])
            .collect();
        let (mut answers, mut noise) = (Answers::default(), String::new());
        let mut take = |text: &str| match marked(text, &mark) {
            Some(pair) => answers.marks.push(pair),
            None => crate::transport::keep(&mut noise, &clean(text)),
        };
        let limit = if right.terminal() { TERMINAL_TIMEOUT } else { SUDO_TIMEOUT };
        let ran = self.connection.run(Step::Sudo, &command, right.terminal(), &input, limit, &mut take).await;
        match ran {
            Ok(ran) => noise.push_str(&ran.errors),
            // A terminal has no end of input: sudo waits for another try of a wrong password.
            Err(failure) if failure.code == Code::Timeout => noise.push_str("timed out"),
            Err(failure) => return Err(failure),
        }
        Ok(Answers { noise: noise.trim().to_string(), ..answers })
    }
}

/// PAM modules that ask a directory are slow.
const SUDO_TIMEOUT: Duration = Duration::from_secs(30);
const TERMINAL_TIMEOUT: Duration = Duration::from_secs(10);

fn random_mark() -> String {
    let mut bytes = [0u8; 12];
    SystemRandom::new().fill(&mut bytes).expect("the kernel gives random bytes once it has booted");
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("wt-{hex}")
}

/// Prelude, variables and text as the one line that [`BOOTSTRAP`] reads: `%b` turns it back.
fn one_line(mark: &str, script: &Script<'_>) -> String {
    let variables: String =
        script.variables.iter().map(|(name, value)| format!("{name}={}\n", quoted(value))).collect();
    let whole = format!("W={mark}\n{PRELUDE}{variables}{}", script.text);
    format!("{}\n", whole.replace('\\', "\\\\").replace('\n', "\\n"))
}

/// One word for a POSIX shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Name and value of a line with the mark, wherever in the line it stands.
fn marked(line: &str, mark: &str) -> Option<(String, String)> {
    let at = line.find(mark)?;
    let rest = line[at + mark.len()..].strip_prefix(' ')?;
    let (name, value) = rest.split_once(' ').unwrap_or((rest, ""));
    Some((clean(name), clean(value).trim().to_string()))
}

/// What a host says goes to terminals and logs: one line without control characters.
fn clean(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(VALUE_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::process::{Command, Stdio};

    use super::*;

    /// The very way of a script, without SSH: the bootstrap line in a real shell.
    fn run(shell: &str, text: &str, variables: &[(&str, String)], data: &str) -> Vec<(String, String)> {
        let script = Script { step: Step::Probe, text, variables, data: &[], limit: SCRIPT_TIMEOUT };
        let mut child = Command::new(shell)
            .args(["-c", BOOTSTRAP])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(one_line("wt-mark", &script).as_bytes()).unwrap();
        stdin.write_all(data.as_bytes()).unwrap();
        drop(stdin);
        let output = child.wait_with_output().unwrap();
        String::from_utf8(output.stdout).unwrap().lines().filter_map(|line| marked(line, "wt-mark")).collect()
    }

    #[test]
    fn scripts_arrive_as_they_are_and_leave_their_data() {
        let odd = "a'b\\n\"$HOME\" `x` %s \\0101 ä!";
        let text = "say value \"$V\"\nIFS= read -r one\nsay one \"$one\"\nsay rest \"$(head -c 5)\"\nprintf 'x\\\\y\\n' | { read -r l; say raw \"$l\"; }";
        for shell in ["sh", "bash"] {
            let answers = run(shell, text, &[("V", odd.into())], "first line\n12345678");
            let expected = [("value", odd), ("one", "first line"), ("rest", "12345"), ("raw", "x\\y")];
            assert_eq!(answers, expected.map(|(k, v)| (k.to_string(), v.to_string())), "{shell}");
        }
    }

    #[test]
    fn noise_is_no_answer() {
        assert_eq!(marked("Welcome to web-1!", "wt-1"), None);
        assert_eq!(marked("Last login: wt-1 os Debian", "wt-1"), Some(("os".into(), "Debian".into())));
        assert_eq!(marked("wt-1 os \u{1b}[31mDebian\u{7}", "wt-1").unwrap().1, "[31mDebian");
        assert_ne!(random_mark(), random_mark());
    }
}
