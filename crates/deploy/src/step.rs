//! The steps of a deployment, in the order they are taken.

/// One step. The names are an interface: stored, shown and tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// Jump hosts, name lookup, TCP.
    Connect,
    /// Key exchange and the host's key.
    HostKey,
    SignIn,
    /// What the host is, in one look.
    Probe,
    /// By which right root's work is done.
    Sudo,
    /// Whether it can work, and what it would change. A dry run ends here.
    Plan,
    /// Into a staging folder, checked by SHA-256 and run once.
    Upload,
    /// From the host to the hub, by the uploaded agent itself.
    ReachHub,
    /// Program, policy and unit at their places, checked by running the program there.
    Place,
    Enrol,
    Start,
    FirstReport,
    /// The previous version is put back: by an upgrade that went wrong, or because somebody wanted it.
    RollBack,
    /// An uninstallation's work.
    Remove,
    /// That nothing is left.
    Verify,
    /// What a failed deployment had brought is taken away, and what it had taken is put back.
    CleanUp,
}

impl Step {
    pub const ALL: [Step; 16] = [
        Step::Connect,
        Step::HostKey,
        Step::SignIn,
        Step::Probe,
        Step::Sudo,
        Step::Plan,
        Step::Upload,
        Step::ReachHub,
        Step::Place,
        Step::Enrol,
        Step::Start,
        Step::FirstReport,
        Step::RollBack,
        Step::Remove,
        Step::Verify,
        Step::CleanUp,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Step::Connect => "connect",
            Step::HostKey => "host_key",
            Step::SignIn => "sign_in",
            Step::Probe => "probe",
            Step::Sudo => "sudo",
            Step::Plan => "plan",
            Step::Upload => "upload",
            Step::ReachHub => "reach_hub",
            Step::Place => "place",
            Step::Enrol => "enrol",
            Step::Start => "start",
            Step::FirstReport => "first_report",
            Step::RollBack => "roll_back",
            Step::Remove => "remove",
            Step::Verify => "verify",
            Step::CleanUp => "clean_up",
        }
    }

    pub fn parse(word: &str) -> Option<Step> {
        Step::ALL.into_iter().find(|step| step.as_str() == word)
    }
}
