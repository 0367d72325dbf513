//! Targets that cannot work: each gets its own code, a cause and a fix, and is left as it was.

use std::path::Path;
use std::sync::Arc;

use watchtower_testkit::hosts::{Host, Network};
use watchtower_tests::cli::Said;
use watchtower_tests::hub::{Hub, Setup};
use watchtower_tests::operator::{Operator, difference, files, small_agents};
use watchtower_tests::paging::text;
use watchtower_tests::scene::Scene;

use super::rights;

/// One way to be broken.
struct Case {
    name: &'static str,
    /// Shell on the host before and after, as root.
    breaks: &'static str,
    mends: &'static str,
    user: &'static str,
    /// More words of the command.
    words: &'static [&'static str],
    /// Lines on standard input.
    input: &'static str,
    code: &'static str,
}

/// A case that is not about signing in: as root, by key.
const ROOT: Case = Case { name: "", breaks: "", mends: "", user: "root", words: &[], input: "", code: "" };

/// Users of every kind of right, and a server that asks questions at port 2222.
const USERS: &str = r#"
for user in free pat plain wants-tty wants-both nologin forced; do useradd -m -s /bin/bash $user; echo $user:secret | chpasswd; done
usermod -aG sudo pat; touch ~pat/.sudo_as_admin_successful; chown pat: ~pat/.sudo_as_admin_successful
usermod -s /usr/sbin/nologin nologin
printf 'Defaults:wants-both requiretty, lecture=never\nwants-both ALL=(ALL) ALL\n' > /etc/sudoers.d/wants-both
echo 'free ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/free
printf 'Defaults:wants-tty requiretty\nwants-tty ALL=(ALL) NOPASSWD: ALL\n' > /etc/sudoers.d/wants-tty
printf 'Match User forced\n  ForceCommand /bin/echo only backups here\n' >> /etc/ssh/sshd_config
sed 's/^#*Port .*//; s/^#*KbdInteractiveAuthentication .*//; s/^#*PasswordAuthentication .*//; /^Match/,$d' /etc/ssh/sshd_config > /etc/ssh/asks_config
printf 'Port 2222\nPasswordAuthentication no\nKbdInteractiveAuthentication yes\nUsePAM yes\nPidFile none\n' >> /etc/ssh/asks_config
systemctl restart ssh
systemd-run -q --unit asks /usr/sbin/sshd -D -f /etc/ssh/asks_config
"#;

/// A program before the system's own that says something else.
macro_rules! lies {
    ($program:literal, $says:literal) => {
        concat!(
            "printf '#!/bin/sh\\n",
            $says,
            "\\n' > /usr/local/bin/",
            $program,
            "; chmod 755 /usr/local/bin/",
            $program
        )
    };
}

const CASES: &[Case] = &[
    Case { name: "sudo wants a password", user: "pat", code: "E_SUDO_PASSWORD", ..ROOT },
    Case {
        name: "sudo's password is wrong",
        user: "pat",
        words: &["--ask-sudo"],
        input: "wrong\n",
        code: "E_SUDO_PASSWORD",
        ..ROOT
    },
    Case {
        name: "not in sudoers",
        user: "plain",
        words: &["--ask-sudo"],
        input: "secret\n",
        code: "E_SUDO_DENIED",
        ..ROOT
    },
    Case {
        name: "no sudo at all",
        user: "pat",
        breaks: "chmod 700 /usr/bin/sudo; mv /usr/bin/sudo /srv/sudo",
        mends: "mv /srv/sudo /usr/bin/sudo; chmod 4755 /usr/bin/sudo",
        code: "E_SUDO_MISSING",
        ..ROOT
    },
    Case {
        name: "requiretty and no terminal",
        user: "wants-tty",
        breaks: "echo 'PermitTTY no' > /etc/ssh/sshd_config.d/tty.conf; systemctl restart ssh",
        mends: "rm /etc/ssh/sshd_config.d/tty.conf; systemctl restart ssh",
        code: "E_SUDO_TTY",
        ..ROOT
    },
    Case { name: "no login shell", user: "nologin", code: "E_SHELL", ..ROOT },
    Case { name: "forced command", user: "forced", code: "E_SHELL", ..ROOT },
    Case { name: "no such user", user: "nobody-here", code: "E_AUTH", ..ROOT },
    Case {
        name: "sudo's password of a new host",
        user: "pat",
        words: &["--ask-sudo", "--port-asks"],
        input: "secret\n",
        code: "E_HOSTKEY_UNKNOWN",
        ..ROOT
    },
    Case {
        name: "password of a new host",
        user: "pat",
        words: &["--ask-password", "--port-asks"],
        input: "secret\n",
        code: "E_HOSTKEY_UNKNOWN",
        ..ROOT
    },
    Case {
        name: "wrong password",
        user: "pat",
        words: &["--ask-password"],
        input: "wrong\n",
        code: "E_AUTH",
        ..ROOT
    },
    Case {
        name: "another fingerprint",
        words: &["--host-key", "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"],
        code: "E_HOSTKEY_CHANGED",
        ..ROOT
    },
    Case { name: "closed port", words: &["--port-closed"], code: "E_TCP_REFUSED", ..ROOT },
    Case { name: "closed jump host", words: &["--jump", "root@127.0.0.1:1"], code: "E_JUMP", ..ROOT },
    Case {
        name: "unknown architecture",
        breaks: lies!("uname", "[ \"$1\" = -m ] && echo riscv64 || exec /bin/uname \"$@\""),
        mends: "rm /usr/local/bin/uname",
        code: "E_ARCH",
        ..ROOT
    },
    Case {
        name: "32-bit programs",
        breaks: lies!("getconf", "echo 32"),
        mends: "rm /usr/local/bin/getconf",
        code: "E_ARCH",
        ..ROOT
    },
    Case {
        name: "aarch64 that is not shipped",
        breaks: lies!("uname", "[ \"$1\" = -m ] && echo aarch64 || exec /bin/uname \"$@\""),
        mends: "rm /usr/local/bin/uname",
        code: "E_ARCH",
        ..ROOT
    },
    Case {
        name: "not Linux",
        breaks: lies!("uname", "echo FreeBSD"),
        mends: "rm /usr/local/bin/uname",
        code: "E_OS",
        ..ROOT
    },
    Case {
        name: "no systemd",
        breaks: "mv /run/systemd/system /run/systemd/away",
        mends: "mv /run/systemd/away /run/systemd/system",
        code: "E_OS",
        ..ROOT
    },
    Case {
        name: "noexec /opt",
        breaks: "mount -t tmpfs -o noexec tmpfs /opt",
        mends: "umount /opt",
        code: "E_NOEXEC",
        ..ROOT
    },
    Case {
        name: "small /opt",
        breaks: "mount -t tmpfs -o size=2m tmpfs /opt",
        mends: "umount /opt",
        code: "E_DISK",
        ..ROOT
    },
    Case {
        name: "full /opt",
        breaks: "mount -t tmpfs -o size=64k tmpfs /opt; head -c 1000000 /dev/zero > /opt/fill || true",
        mends: "umount /opt",
        code: "E_DISK",
        ..ROOT
    },
    Case {
        name: "read-only units",
        breaks: "mount --bind /etc/systemd /etc/systemd && mount -o remount,bind,ro /etc/systemd",
        mends: "umount /etc/systemd",
        code: "E_RO_FS",
        ..ROOT
    },
    Case {
        name: "read-only state",
        breaks: "mount --bind /var/lib /var/lib && mount -o remount,bind,ro /var/lib",
        mends: "umount /var/lib",
        code: "E_RO_FS",
        ..ROOT
    },
    Case {
        name: "a disk that lies",
        user: "free",
        breaks: lies!("sha256sum", "cat > /dev/null; echo 00  -"),
        mends: "rm /usr/local/bin/sha256sum",
        code: "E_HASH",
        ..ROOT
    },
    Case {
        name: "masked unit",
        breaks: "ln -s /dev/null /run/systemd/system/watchtower-agent.service; mkdir /etc/systemd/system/watchtower-agent.service",
        mends: "rmdir /etc/systemd/system/watchtower-agent.service; rm /run/systemd/system/watchtower-agent.service",
        code: "E_PLACE",
        ..ROOT
    },
];

fn target(host: &Host, case: &Case) -> String {
    let port = match () {
        () if case.words.contains(&"--port-asks") => ":2222",
        () if case.words.contains(&"--port-closed") => ":1",
        () => "",
    };
    format!("{}@{}{port}", case.user, host.address)
}

fn deploy(operator: &Operator, host: &Host, case: &Case) -> Said {
    let target = target(host, case);
    let mut words = vec!["agent", "deploy", &target, "--name", "broken", "-y"];
    words.extend(case.words.iter().filter(|word| !word.starts_with("--port-")));
    operator.run_with(&words, case.input)
}

/// Breaks, deploys, compares, mends.
fn check(operator: &Operator, host: &Host, case: &Case, wrong: &mut Vec<String>) {
    host.must(&format!("true; {}", case.breaks));
    let before = files(host);
    let said = deploy(operator, host, case);
    let left = difference(&before, &files(host));
    host.must(&format!("true; {}", case.mends));
    let failure = &said.json["items"][0]["failure"];
    let told =
        ["cause", "fix"].iter().all(|part| failure[*part].as_str().is_some_and(|words| words.len() > 10));
    if failure["code"] != case.code || !told || said.exit != 1 || !left.is_empty() {
        wrong
            .push(format!("{}: exit {}, {failure:#}, {}\nleft {left:#?}", case.name, said.exit, said.errors));
    }
}

#[test]
fn broken_hosts_are_named_and_left_as_they_were() {
    let Some(scene) = Scene::start(1) else { return };
    let (operator, host) = (&scene.operator, &scene.hosts[0]);
    host.must(USERS);
    for user in ["free", "pat", "plain", "wants-tty", "wants-both", "nologin", "forced"] {
        operator.may_enter(host, user);
    }
    let mut wrong = Vec::new();
    for case in CASES {
        check(operator, host, case, &mut wrong);
    }
    rights::work(operator, host, &mut wrong);
    assert!(wrong.is_empty(), "{} of {} are wrong:\n{}", wrong.len(), CASES.len(), wrong.join("\n"));
}

/// A hub that tells its agents this URL, and what a deployment by it ends with.
fn unreachable(
    network: &Arc<Network>,
    agents: &Path,
    host: &Host,
    url: String,
    code: &str,
    breaks: &str,
    mends: &str,
) {
    let hub = Hub::start(Setup {
        agent_host: network.gateway(),
        agents_dir: Some(agents.to_path_buf()),
        agent_url: Some(url.clone()),
        ..Setup::default()
    });
    let operator = Operator::new(&hub.url());
    operator.may_enter(host, "root");
    host.must(&format!("true; {breaks}"));
    let before = files(host);
    let said = deploy(&operator, host, &ROOT);
    let left = difference(&before, &files(host));
    host.must(&format!("true; {mends}"));
    let failure = &said.row()["failure"];
    assert_eq!(
        (text(&failure["code"]), text(&failure["step"])),
        (code.into(), "reach_hub".into()),
        "{url}: {said:?}"
    );
    assert!(text(&failure["cause"]).contains(&url), "{failure}");
    assert_eq!(left, Vec::<String>::new(), "{url}");
}

#[test]
fn hubs_out_of_reach_are_told_by_the_host_itself() {
    let Some(network) = Network::start() else { return };
    let hub = Hub::start(Setup { agent_host: network.gateway(), ..Setup::default() });
    let agents = small_agents();
    let other = hub.agent_address().replace("127.0.0.1", &network.gateway());
    let (gateway, host) = (network.gateway(), network.host(1));
    unreachable(&network, agents.path(), &host, format!("https://{gateway}:1"), "E_CALLBACK_TCP", "", "");
    unreachable(
        &network,
        agents.path(),
        &host,
        "https://no-such-hub.invalid:8401".into(),
        "E_CALLBACK_DNS",
        "",
        "",
    );
    unreachable(&network, agents.path(), &host, format!("https://{other}"), "E_CALLBACK_TLS", "", "");
    let clock = lies!("date", "[ \"$1\" = +%%s ] && echo 1500000000 || exec /bin/date \"$@\"");
    unreachable(
        &network,
        agents.path(),
        &host,
        format!("https://{other}"),
        "E_CALLBACK_CLOCK",
        clock,
        "rm /usr/local/bin/date",
    );
    let proxy = "systemctl set-environment https_proxy=http://127.0.0.1:1";
    unreachable(
        &network,
        agents.path(),
        &host,
        format!("https://{other}"),
        "E_CALLBACK_TCP",
        proxy,
        "systemctl unset-environment https_proxy",
    );
    owners(&network, &hub, &host);
}

/// A host has one owner: another hub, and another name in the same hub, are refused unless they take it over.
fn owners(network: &Arc<Network>, first: &Hub, host: &Host) {
    let second = Hub::start(Setup { agent_host: network.gateway(), ..Setup::default() });
    let (one, two) = (Operator::new(&first.url()), Operator::new(&second.url()));
    one.may_enter(host, "root");
    two.may_enter(host, "root");
    let target = format!("root@{}", host.address);
    let run = |operator: &Operator, name: &str, more: &[&str]| {
        let words = [&["agent", "deploy", &target, "--name", name, "-y"], more].concat();
        operator.run(&words).row().clone()
    };
    assert_eq!(text(&run(&one, "a", &[])["result"]), "installed");
    let before = files(host);
    for (operator, name, code) in [(&two, "a", "E_OTHER_HUB"), (&one, "b", "E_DUPLICATE")] {
        let row = run(operator, name, &[]);
        assert_eq!(text(&row["failure"]["code"]), code, "{row}");
    }
    let foreign = two.run(&["agent", "uninstall", &target, "--name", "a", "-y"]);
    assert_eq!(text(&foreign.row()["failure"]["code"]), "E_OTHER_HUB", "{foreign:?}");
    // What the agent that works there keeps for itself goes on: the executor makes its files when it is first asked.
    let own = ["/var/lib/watchtower/", "/var/lib/watchtower-executor/"];
    let quiet = |lines: Vec<String>| {
        lines.into_iter().filter(|line| !own.iter().any(|dir| line.contains(dir))).collect::<Vec<_>>()
    };
    assert_eq!(quiet(difference(&before, &files(host))), Vec::<String>::new());
    for (operator, hub, name) in [(&one, first, "b"), (&two, &second, "a")] {
        let row = run(operator, name, &["--takeover"]);
        assert!(row["failure"].is_null(), "{row}");
        assert_eq!(hub.api().get(&format!("/servers/{name}"))["status"], "up");
    }
}
