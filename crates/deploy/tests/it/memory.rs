//! A hub that remembers host keys and ships a program of a few bytes: the port without a hub behind it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use watchtower_deploy::{
    Action, AgentBinary, AgentPolicy, Answer, Bastions, Change, Code, Credentials, Failure, HostKey,
    HostKeyCheck, HostKeyPolicy, HubPort, Job, Login, Outcome, Owner, Secret, Target, Trust, deploy,
};
use watchtower_model::Timestamp;

#[derive(Default)]
pub struct Memory {
    pub keys: Mutex<Vec<(String, u16, HostKey)>>,
}

impl HubPort for Memory {
    fn host_keys<'a>(&'a self, host: &'a str, port: u16) -> Answer<'a, Vec<HostKey>> {
        let keys = self.keys.lock().unwrap();
        let of = keys
            .iter()
            .filter(|(h, p, _)| (h.as_str(), *p) == (host, port))
            .map(|(_, _, key)| key.clone())
            .collect();
        Box::pin(async move { Ok(of) })
    }

    fn remember_host_key<'a>(&'a self, host: &'a str, port: u16, key: HostKey) -> Answer<'a, ()> {
        self.keys.lock().unwrap().push((host.into(), port, key));
        Box::pin(async { Ok(()) })
    }

    fn trust(&self) -> Answer<'_, Trust> {
        let trust = Trust { hub_id: "test".into(), urls: vec![], pins: vec![], bundle: String::new() };
        Box::pin(async move { Ok(trust) })
    }

    fn agent_binary<'a>(&'a self, _: &'a str) -> Answer<'a, Option<AgentBinary>> {
        let binary = AgentBinary { version: "1".into(), sha256: "00".into(), bytes: Arc::new(vec![0; 10]) };
        Box::pin(async move { Ok(Some(binary)) })
    }

    fn invite<'a>(&'a self, _: &'a str) -> Answer<'a, Secret> {
        panic!("a plan makes no token")
    }

    fn server_of<'a>(&'a self, _: &'a str) -> Answer<'a, Option<Owner>> {
        Box::pin(async { Ok(None) })
    }

    fn report_after<'a>(
        &'a self,
        _: &'a str,
        _: Option<Timestamp>,
        _: Duration,
    ) -> Answer<'a, Option<Timestamp>> {
        Box::pin(async { Ok(None) })
    }
}

/// A sign-in as root at a port of this machine.
pub fn login(port: u16, auth: Credentials) -> Login {
    Login {
        target: Target { user: "root".into(), host: "127.0.0.1".into(), port },
        auth,
        host_key: HostKeyCheck { policy: HostKeyPolicy::AcceptNew, expected: None },
        legacy_algorithms: false,
    }
}

pub fn planned(login: Login, jumps: Vec<Login>) -> Job {
    Job {
        id: None,
        action: Action::Install,
        server: "test".into(),
        login,
        jumps,
        sudo_password: None,
        takeover: false,
        dry_run: true,
        policy: AgentPolicy::Monitor,
    }
}

pub async fn plan(hub: &Memory, login: Login) -> Result<Outcome, Failure> {
    deploy(&planned(login, vec![]), hub, &|_| {}, &Bastions::new()).await
}

/// Whether a plan got past everything that is SSH's: this machine need not run systemd.
pub fn got_in(result: &Result<Outcome, Failure>) -> bool {
    match result {
        Ok(outcome) => matches!(outcome.change, Change::Planned(_)),
        Err(failure) => failure.code == Code::Os,
    }
}

/// # Panics
/// Unless it failed with this code, a cause and a fix.
#[track_caller]
pub fn failed_with(result: Result<Outcome, Failure>, code: Code) -> Failure {
    let failure = result.expect_err("it cannot succeed");
    assert_eq!(failure.code, code, "{failure}");
    assert!(!failure.cause.is_empty() && !failure.fix.is_empty(), "{failure}");
    failure
}
