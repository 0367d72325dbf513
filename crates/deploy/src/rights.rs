//! By which right root's work is done: root itself, sudo, doas.

use crate::facts::{Facts, Tool};
use crate::remote::{Remote, Right};
use crate::transport::{Standing, unknown};
use crate::{Code, Failure, Secret, Step};

/// Finds the right that works, and says what to do where none does.
pub(crate) async fn find(
    remote: &Remote,
    facts: &Facts,
    password: Option<&Secret>,
) -> Result<Right, Failure> {
    if facts.root {
        return Ok(Right::Plain);
    }
    match (&facts.sudo, &facts.doas) {
        (Tool::Free, _) => Ok(Right::SudoFree { terminal: false }),
        (_, Tool::Free) => Ok(Right::DoasFree),
        (Tool::Asks(said), _) => by_sudo(remote, said, password).await,
        (Tool::Missing, Tool::Asks(said)) => Err(Failure::new(
            Step::Sudo,
            Code::SudoPassword,
            format!("doas asks {} for a password, which it takes from a terminal only", user(remote)),
            "add `permit nopass USER` to /etc/doas.conf for the time of the deployment, or sign in as root",
        )
        .detail(said)),
        (Tool::Missing, Tool::Missing) => Err(Failure::new(
            Step::Sudo,
            Code::SudoMissing,
            format!("{} is not root, and there is neither sudo nor doas", user(remote)),
            "sign in as root, or install sudo on the host",
        )),
    }
}

fn user(remote: &Remote) -> &str {
    &remote.connection.target.user
}

/// sudo that did not do it without a password: `said` is why.
async fn by_sudo(remote: &Remote, said: &str, password: Option<&Secret>) -> Result<Right, Failure> {
    let terminal = wants_terminal(said);
    let right = match password {
        Some(password) => {
            let connection = &remote.connection;
            if connection.standing == Standing::New {
                let place = format!("{}:{}", connection.target.host, connection.target.port);
                let key = connection.host_key.fingerprint();
                return Err(unknown(&place, &key, "sudo's password is not sent to such a host"));
            }
            Right::SudoPassword { password: password.clone(), terminal }
        }
        None if terminal => Right::SudoFree { terminal },
        None => return Err(refused(remote, said, false)),
    };
    let answers = remote.try_right(&right).await?;
    if answers.get("root").is_some() || answers.marks.iter().any(|(name, _)| name == "root") {
        return Ok(right);
    }
    // Some ask for a terminal only once they know the user.
    if !terminal && wants_terminal(&answers.noise) {
        let right = with_terminal(right);
        let again = remote.try_right(&right).await?;
        return match again.marks.iter().any(|(name, _)| name == "root") {
            true => Ok(right),
            false => Err(refused(remote, &again.noise, password.is_some())),
        };
    }
    Err(refused(remote, &answers.noise, password.is_some()))
}

fn with_terminal(right: Right) -> Right {
    match right {
        Right::SudoPassword { password, .. } => Right::SudoPassword { password, terminal: true },
        Right::SudoFree { .. } => Right::SudoFree { terminal: true },
        other => other,
    }
}

fn wants_terminal(said: &str) -> bool {
    said.contains("must have a tty") || said.contains("terminal is required") && said.contains("tty")
}

/// Names the reason by what sudo said in the C locale: only the naming depends on it, never the success.
fn refused(remote: &Remote, said: &str, gave: bool) -> Failure {
    let user = user(remote);
    let denied = ["not in the sudoers", "not allowed to", "may not run", "I'm sorry"];
    let (code, cause, fix) = if denied.iter().any(|words| said.contains(words)) {
        (
            Code::SudoDenied,
            format!("sudo does not let {user} run a root shell"),
            format!("add {user} to the group sudo (or wheel), or sign in as another user"),
        )
    } else if wants_terminal(said) {
        (
            Code::SudoTty,
            "sudo insists on a terminal (requiretty), and refuses the one it was given".to_string(),
            "remove requiretty from the host's sudoers, or sign in as root".to_string(),
        )
    } else if gave {
        (
            Code::SudoPassword,
            format!("sudo does not accept the password given for {user}"),
            "type sudo's password again; it is the user's own, not root's".to_string(),
        )
    } else {
        (
            Code::SudoPassword,
            format!("sudo asks {user} for a password"),
            "give it (--ask-sudo), or allow NOPASSWD for the time of the deployment".to_string(),
        )
    };
    Failure::new(Step::Sudo, code, cause, fix).detail(said)
}
