//! The account a script runs as, read from `/etc/passwd` and `/etc/group`.
//!
//! The C library's lookups are not used: in a static binary they would load plugins of the host.

use std::fs;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Supplementary groups that are taken over (the kernel's limit is 65536; nobody needs it).
const GROUPS_MAX: usize = 1024;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    pub name: String,
    pub uid: u32,
    pub gid: u32,
    pub groups: Vec<u32>,
    pub home: PathBuf,
}

/// The account named, or the agent's own for `None`.
pub fn find(user: Option<&str>) -> Result<Account, String> {
    let passwd = fs::read_to_string("/etc/passwd").map_err(|e| format!("/etc/passwd cannot be read: {e}"))?;
    // Without groups a script would run with less than its user has; with a wrong set, with more.
    let group = fs::read_to_string("/etc/group").map_err(|e| format!("/etc/group cannot be read: {e}"))?;
    let own = rustix::process::geteuid().as_raw();
    let account = parse(&passwd, &group, |name, uid| user.map_or(uid == own, |user| name == user));
    match (account, user) {
        (Some(account), _) => Ok(account),
        (None, Some(user)) => Err(format!("user {user:?} is not in /etc/passwd")),
        (None, None) => Ok(Account {
            name: own.to_string(),
            uid: own,
            gid: rustix::process::getegid().as_raw(),
            groups: Vec::new(),
            home: "/".into(),
        }),
    }
}

fn parse(passwd: &str, group: &str, wanted: impl Fn(&str, u32) -> bool) -> Option<Account> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        let home = fields.nth(1)?;
        wanted(name, uid).then(|| Account {
            name: name.to_string(),
            uid,
            gid,
            groups: groups_of(name, gid, group),
            home: home.into(),
        })
    })
}

fn groups_of(user: &str, primary: u32, group: &str) -> Vec<u32> {
    let mut groups = vec![primary];
    for line in group.lines() {
        let mut fields = line.split(':');
        let Some(gid) = fields.nth(2).and_then(|gid| gid.parse().ok()) else { continue };
        let member = fields.next().is_some_and(|members| members.split(',').any(|member| member == user));
        if member && !groups.contains(&gid) && groups.len() < GROUPS_MAX {
            groups.push(gid);
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn account_and_groups_are_read() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\nbroken\nweb:x:33:34::/srv/web:/bin/false\n";
        let group = "root:x:0:\nweb:x:34:\nlogs:x:50:adm,web\nadm:x:4:webmaster\n";
        let account = parse(passwd, group, |name, _| name == "web").unwrap();
        assert_eq!((account.uid, account.gid, account.groups), (33, 34, vec![34, 50]));
        assert_eq!(account.home, PathBuf::from("/srv/web"));
        assert!(parse(passwd, group, |name, _| name == "nobody").is_none());
    }
}
