//! Why a deployment failed: a closed code for programs, cause and fix for people.

use std::fmt;

use crate::Step;

/// Every way to fail. The spelling is an interface: `E_DNS`.
macro_rules! codes {
    ($($(#[$doc:meta])* $code:ident = $word:literal,)+) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code { $($(#[$doc])* $code),+ }

        impl Code {
            pub const ALL: &'static [Code] = &[$(Code::$code),+];

            pub fn as_str(self) -> &'static str {
                match self { $(Code::$code => $word),+ }
            }
        }
    };
}

codes! {
    Dns = "E_DNS",
    TcpTimeout = "E_TCP_TIMEOUT",
    TcpRefused = "E_TCP_REFUSED",
    TcpUnreachable = "E_TCP_UNREACHABLE",
    /// What answered at the port does not speak SSH.
    NotSsh = "E_NOT_SSH",
    HostKeyUnknown = "E_HOSTKEY_UNKNOWN",
    HostKeyChanged = "E_HOSTKEY_CHANGED",
    HostKeyRevoked = "E_HOSTKEY_REVOKED",
    Kex = "E_KEX",
    Auth = "E_AUTH",
    KeyFormat = "E_KEY_FORMAT",
    KeyPassphrase = "E_KEY_PASSPHRASE",
    /// A jump host; the cause says which and carries its own code.
    Jump = "E_JUMP",
    /// Signed in, but no POSIX shell runs our commands.
    Shell = "E_SHELL",
    /// The connection broke in the middle.
    Lost = "E_LOST",
    /// A command on the host did not end in its time.
    Timeout = "E_TIMEOUT",
    SudoPassword = "E_SUDO_PASSWORD",
    SudoDenied = "E_SUDO_DENIED",
    SudoTty = "E_SUDO_TTY",
    SudoMissing = "E_SUDO_MISSING",
    Os = "E_OS",
    Arch = "E_ARCH",
    Disk = "E_DISK",
    NoExec = "E_NOEXEC",
    ReadOnly = "E_RO_FS",
    Upload = "E_UPLOAD",
    Hash = "E_HASH",
    Selinux = "E_SELINUX",
    Place = "E_PLACE",
    Service = "E_SERVICE",
    CallbackDns = "E_CALLBACK_DNS",
    CallbackTcp = "E_CALLBACK_TCP",
    CallbackTls = "E_CALLBACK_TLS",
    CallbackProxy = "E_CALLBACK_PROXY",
    CallbackClock = "E_CALLBACK_CLOCK",
    TokenExpired = "E_TOKEN_EXPIRED",
    TokenUsed = "E_TOKEN_USED",
    /// The hub refused the enrolment for another reason.
    Enrol = "E_ENROL",
    /// The agent that is there belongs to another hub.
    OtherHub = "E_OTHER_HUB",
    /// The agent that is there is another server of this hub.
    Duplicate = "E_DUPLICATE",
    /// There is no agent that could be rolled back.
    NoAgent = "E_NO_AGENT",
    /// The host keeps no version to go back to.
    NothingKept = "E_NOTHING_KEPT",
    /// Installed and running, and the hub has heard nothing.
    NoReport = "E_NO_REPORT",
    /// An uninstallation left something behind.
    Remove = "E_REMOVE",
    /// The hub could not give what a deployment needs.
    Hub = "E_HUB",
}

impl Code {
    pub fn parse(word: &str) -> Option<Code> {
        Code::ALL.iter().copied().find(|code| code.as_str() == word)
    }
}

/// A failed deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub step: Step,
    pub code: Code,
    /// What is wrong, one sentence.
    pub cause: String,
    /// What to do about it, one sentence.
    pub fix: String,
    /// What the host said: the end of its output, or of the journal; may be empty, may be several lines.
    pub detail: String,
}

impl Failure {
    pub(crate) fn new(step: Step, code: Code, cause: impl Into<String>, fix: impl Into<String>) -> Failure {
        Failure { step, code, cause: cause.into(), fix: fix.into(), detail: String::new() }
    }

    pub(crate) fn detail(mut self, detail: impl Into<String>) -> Failure {
        self.detail = detail.into();
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}: {}; {}", self.code.as_str(), self.step.as_str(), self.cause, self.fix)
    }
}

impl std::error::Error for Failure {}
