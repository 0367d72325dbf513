//! The key that a host shows, for a person to compare: nothing is signed in to but the jump hosts on the way.

use crate::connect::way;
use crate::{Bastions, Credentials, Failure, HostKey, HostKeyCheck, HostKeyPolicy, HubPort, Login};

/// Key exchange and no more. What is known of the host plays no part: a changed key is shown as any other.
///
/// # Errors
/// The way to the host, or a key exchange that no safe algorithm allows.
pub async fn offered_host_key(login: &Login, jumps: &[Login], hub: &dyn HubPort) -> Result<HostKey, Failure> {
    let bastions = Bastions::new();
    let via = bastions.through(jumps, hub).await?;
    let anybody = Login {
        auth: Credentials::default(),
        host_key: HostKeyCheck { policy: HostKeyPolicy::AcceptNew, expected: None },
        ..login.clone()
    };
    let connection = way(&anybody, via, Vec::new(), || {}).await?;
    connection.close().await;
    Ok(connection.host_key.clone())
}
