//! Proving who we are: keys, the agent's keys, then the password.
//!
//! Invariant: a password never goes to a host that was seen for the first time just now.

use std::sync::Arc;
use std::time::Duration;

use russh::MethodKind;
use russh::client::{AuthResult, KeyboardInteractiveAuthResponse};
use russh::keys::agent::AgentIdentity;
use russh::keys::agent::client::AgentClient;
use russh::keys::{PrivateKey, PrivateKeyWithHashAlg, decode_secret_key};
use tokio::time::timeout;

use super::algorithms::rsa_hash;
use super::connect::Connection;
use super::host_key::{Standing, unknown};
use crate::{Code, Failure, Key, Login, Secret, Step};

/// All attempts together; PAM may sleep after each wrong one.
const SIGN_IN_TIMEOUT: Duration = Duration::from_secs(30);
/// Identities of an ssh-agent that are tried: sshd gives up after six attempts.
const AGENT_KEYS_MAX: usize = 5;
/// Rounds of questions that are answered.
const PROMPT_ROUNDS_MAX: usize = 3;

/// What was tried, and what the server would take.
#[derive(Default)]
struct Attempts {
    tried: Vec<String>,
    accepted: Vec<&'static str>,
    partial: bool,
}

impl Attempts {
    /// Whether this was the one.
    fn took(&mut self, what: String, result: &AuthResult) -> bool {
        match result {
            AuthResult::Success => return true,
            AuthResult::Failure { remaining_methods, partial_success } => {
                self.accepted = remaining_methods.iter().map(Into::into).collect();
                self.partial |= partial_success;
            }
        }
        self.tried.push(what);
        false
    }

    fn offers(&self, method: MethodKind) -> bool {
        // Before the first answer nothing is known.
        self.tried.is_empty() || self.accepted.contains(&<&'static str>::from(&method))
    }
}

impl Connection {
    /// Signs in as the login's user; says by what.
    pub(crate) async fn sign_in(&mut self, login: &Login) -> Result<String, Failure> {
        match timeout(SIGN_IN_TIMEOUT, self.try_all(login)).await {
            Ok(result) => result,
            Err(_) => Err(Failure::new(
                Step::SignIn,
                Code::Auth,
                format!(
                    "{} did not decide about the sign-in in {} s",
                    login.target,
                    SIGN_IN_TIMEOUT.as_secs()
                ),
                "check the host's PAM configuration and name service (journalctl -u ssh)",
            )),
        }
    }

    async fn try_all(&mut self, login: &Login) -> Result<String, Failure> {
        let mut attempts = Attempts::default();
        for key in &login.auth.keys {
            if !attempts.offers(MethodKind::PublicKey) {
                break;
            }
            if self.try_key(login, key, &mut attempts).await? {
                return Ok(format!("key {}", key.name));
            }
        }
        if let Some(comment) = self.try_agent(login, &mut attempts).await? {
            return Ok(format!("agent key {comment}"));
        }
        if let Some(password) = &login.auth.password {
            if self.standing == Standing::New {
                let place = format!("{}:{}", self.target.host, self.target.port);
                return Err(unknown(
                    &place,
                    &self.host_key.fingerprint(),
                    "a password is not sent to such a host",
                ));
            }
            if let Some(how) = self.try_password(login, password, &mut attempts).await? {
                return Ok(how.to_string());
            }
        }
        if attempts.tried.is_empty() {
            let none = self
                .handle
                .authenticate_none(login.target.user.as_str())
                .await
                .map_err(|e| lost(login, &e))?;
            if attempts.took("nothing".into(), &none) {
                return Ok("nothing: the host asks for no proof".into());
            }
        }
        Err(self.refused(login, &attempts))
    }

    async fn try_key(&mut self, login: &Login, key: &Key, attempts: &mut Attempts) -> Result<bool, Failure> {
        let private = Arc::new(decode(key)?);
        let hash = match private.algorithm().is_rsa() {
            true => {
                let understood = self.handle.best_supported_rsa_hash().await.map_err(|e| lost(login, &e))?;
                rsa_hash(understood, login.legacy_algorithms)
            }
            false => None,
        };
        let private = PrivateKeyWithHashAlg::new(private, hash);
        let user = login.target.user.as_str();
        let result = self.handle.authenticate_publickey(user, private).await.map_err(|e| lost(login, &e))?;
        Ok(attempts.took(format!("key {}", key.name), &result))
    }

    /// The comment of the agent's key that was accepted.
    async fn try_agent(&mut self, login: &Login, attempts: &mut Attempts) -> Result<Option<String>, Failure> {
        let Some(socket) = &login.auth.agent_socket else { return Ok(None) };
        // An agent that does not answer is as good as none: there may be a password.
        let Ok(mut agent) = AgentClient::connect_uds(socket).await else { return Ok(None) };
        let Ok(identities) = agent.request_identities().await else { return Ok(None) };
        for identity in identities.into_iter().take(AGENT_KEYS_MAX) {
            let AgentIdentity::PublicKey { key, comment } = identity else { continue };
            if !attempts.offers(MethodKind::PublicKey) {
                return Ok(None);
            }
            let hash = match key.algorithm().is_rsa() {
                true => {
                    let understood =
                        self.handle.best_supported_rsa_hash().await.map_err(|e| lost(login, &e))?;
                    rsa_hash(understood, login.legacy_algorithms)
                }
                false => None,
            };
            let user = login.target.user.as_str();
            // An agent that declines one key may have another.
            let Ok(result) = self.handle.authenticate_publickey_with(user, key, hash, &mut agent).await
            else {
                continue;
            };
            if attempts.took(format!("agent key {comment}"), &result) {
                return Ok(Some(comment));
            }
        }
        Ok(None)
    }

    async fn try_password(
        &mut self,
        login: &Login,
        password: &Secret,
        attempts: &mut Attempts,
    ) -> Result<Option<&'static str>, Failure> {
        let user = login.target.user.as_str();
        if attempts.offers(MethodKind::Password) {
            let result = self
                .handle
                .authenticate_password(user, password.reveal())
                .await
                .map_err(|e| lost(login, &e))?;
            if attempts.took("password".into(), &result) {
                return Ok(Some("password"));
            }
        }
        // Many hosts take a password only as the answer to a question; those that refused it above say what else they take.
        if !attempts.offers(MethodKind::KeyboardInteractive) {
            return Ok(None);
        }
        let result = self.answer_questions(login, password).await?;
        let how = "keyboard-interactive";
        Ok(attempts.took(how.into(), &result).then_some(how))
    }

    /// Answers one hidden question with the password; any other question is not ours to answer.
    async fn answer_questions(&mut self, login: &Login, password: &Secret) -> Result<AuthResult, Failure> {
        use KeyboardInteractiveAuthResponse as Response;
        let user = login.target.user.as_str();
        let begun = self.handle.authenticate_keyboard_interactive_start(user, None).await;
        let mut response = begun.map_err(|e| lost(login, &e))?;
        let mut answered = false;
        for _ in 0..PROMPT_ROUNDS_MAX {
            let prompts = match response {
                Response::Success => return Ok(AuthResult::Success),
                Response::Failure { remaining_methods, partial_success } => {
                    return Ok(AuthResult::Failure { remaining_methods, partial_success });
                }
                Response::InfoRequest { prompts, .. } => prompts,
            };
            let answers = match prompts.as_slice() {
                [] => vec![],
                [prompt] if !prompt.echo && !answered => vec![password.reveal().to_string()],
                _ => {
                    let asked: Vec<&str> = prompts.iter().map(|prompt| prompt.prompt.trim()).collect();
                    return Err(Failure::new(
                        Step::SignIn,
                        Code::Auth,
                        format!("{} asks more than a password: {}", login.target, asked.join(", ")),
                        "use a key for this user: a second factor cannot be answered here",
                    ));
                }
            };
            answered |= !answers.is_empty();
            let next = self.handle.authenticate_keyboard_interactive_respond(answers).await;
            response = next.map_err(|e| lost(login, &e))?;
        }
        Ok(AuthResult::Failure { remaining_methods: russh::MethodSet::empty(), partial_success: false })
    }

    fn refused(&self, login: &Login, attempts: &Attempts) -> Failure {
        let accepted = match attempts.accepted.is_empty() {
            true => "closed the connection (too many attempts: MaxAuthTries)".to_string(),
            false => format!("accepts {}", attempts.accepted.join(", ")),
        };
        let fix = match (attempts.partial, &login.auth.password) {
            (true, _) => {
                "it wants a second proof after the first: use a user for whom one is enough".to_string()
            }
            (_, None) if !attempts.accepted.contains(&"publickey") && !attempts.accepted.is_empty() => {
                "this host takes no keys: give a password (--ask-password)".to_string()
            }
            _ => format!(
                "check the user name, and that ~/.ssh/authorized_keys of {} holds the key or that the password is right",
                login.target.user
            ),
        };
        let tried = attempts.tried.join(", ");
        Failure::new(
            Step::SignIn,
            Code::Auth,
            format!("{} refuses the sign-in: it {accepted}; tried: {tried}", login.target),
            fix,
        )
    }
}

fn lost(login: &Login, error: &russh::Error) -> Failure {
    Failure::new(
        Step::SignIn,
        Code::Lost,
        format!("{} closed the connection during the sign-in: {error}", login.target),
        "try again; if it stays, the host's sshd log says why (journalctl -u ssh)",
    )
}

fn decode(key: &Key) -> Result<PrivateKey, Failure> {
    let passphrase = key.passphrase.as_ref().map(Secret::reveal);
    let text = key.text.reveal();
    let encrypted = is_protected(text);
    decode_secret_key(text, passphrase).map_err(|error| match (encrypted, passphrase.is_some()) {
        (true, false) => Failure::new(
            Step::SignIn,
            Code::KeyPassphrase,
            format!("the key {} is protected by a passphrase", key.name),
            "give the passphrase, or load the key into ssh-agent (ssh-add)",
        ),
        (true, true) => Failure::new(
            Step::SignIn,
            Code::KeyPassphrase,
            format!("the passphrase does not open the key {}", key.name),
            "type it again; `ssh-keygen -yf FILE` tells whether it is right",
        ),
        (false, _) => Failure::new(
            Step::SignIn,
            Code::KeyFormat,
            format!("the key {} cannot be read: {error}", key.name),
            "give a private key in OpenSSH or PEM form (not the .pub file); `ssh-keygen -p -f FILE` rewrites old ones",
        ),
    })
}

/// Whether a passphrase protects a private key, in any of the forms that are read.
pub(crate) fn is_protected(text: &str) -> bool {
    text.contains("ENCRYPTED") || PrivateKey::from_openssh(text).is_ok_and(|key| key.is_encrypted())
}
