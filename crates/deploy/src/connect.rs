//! To a host and into it: TCP or tunnel, key, sign-in.
//!
//! Invariant: a new host's key is remembered only once somebody vouched for it: a person by the fingerprint, or a key of
//! ours by being accepted.

use std::sync::Arc;

use crate::reporter::Reporter;
use crate::transport::{Connection, Standing, dial};
use crate::{Code, Failure, HostKey, HubPort, Login, PortError, Step};

pub(crate) async fn open(
    login: &Login,
    via: Option<Arc<Connection>>,
    hub: &dyn HubPort,
    reporter: &Reporter<'_>,
) -> Result<Connection, Failure> {
    reporter.begin(Step::Connect);
    let target = &login.target;
    let known =
        hub.host_keys(&target.host, target.port).await.map_err(|error| of_hub(Step::HostKey, error))?;
    let before = known.clone();
    let mut connection = way(login, via, known, || reporter.begin(Step::HostKey)).await?;
    reporter.detail(connection.host_key.fingerprint().to_string());
    reporter.begin(Step::SignIn);
    let how = connection.sign_in(login).await?;
    reporter.detail(how);
    if !before.iter().any(|key| key.blob == connection.host_key.blob) {
        let key = connection.host_key.clone();
        hub.remember_host_key(&target.host, target.port, key)
            .await
            .map_err(|error| of_hub(Step::HostKey, error))?;
        if connection.standing == Standing::New {
            reporter.remark(format!(
                "{} is new: its key {} is remembered",
                target.host,
                connection.host_key.fingerprint()
            ));
        }
    }
    Ok(connection)
}

/// TCP or tunnel, then the key exchange; `reached` is called between them.
pub(crate) async fn way(
    login: &Login,
    via: Option<Arc<Connection>>,
    known: Vec<HostKey>,
    reached: impl FnOnce(),
) -> Result<Connection, Failure> {
    match via {
        Some(via) => {
            let stream = via.tunnel(&login.target).await?;
            reached();
            Connection::secure(stream, login, known, Some(via)).await
        }
        None => {
            let stream = dial(&login.target).await?;
            reached();
            Connection::secure(stream, login, known, None).await
        }
    }
}

/// The hub's own trouble.
pub(crate) fn of_hub(step: Step, error: PortError) -> Failure {
    Failure::new(step, Code::Hub, error.cause, error.fix)
}
