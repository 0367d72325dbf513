//! Masks what looks like a secret in a command line, before it leaves the server.
//!
//! Invariant: in doubt a word is masked; what remains is one line within the protocol's bounds.

const MASK: &str = "***";

/// Parts of an option's or variable's name that make its value a secret.
const SECRET_NAMES: [&str; 10] = [
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "token",
    "credential",
    "apikey",
    "api_key",
    "api-key",
];
/// Beginnings of tokens that well-known services hand out.
const TOKEN_PREFIXES: [&str; 14] = [
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "github_pat_",
    "glpat-",
    "xoxb-",
    "xoxp-",
    "xoxa-",
    "sk-",
    "sk_live_",
    "rk_live_",
    "hvs.",
    "eyJ",
];
/// Programs whose `-p` carries the password without a space.
const ATTACHED_P: [&str; 5] = ["mysql", "mysqldump", "mysqladmin", "mariadb", "mariadb-dump"];

/// The arguments of `/proc/PID/cmdline` as one line.
pub fn command_line(raw: &[u8]) -> String {
    let raw = raw.strip_suffix(&[0]).unwrap_or(raw);
    let text = String::from_utf8_lossy(raw);
    let mut out = String::with_capacity(text.len());
    let mut mask_next = None;
    let mut program = "";
    for (at, argument) in text.split('\0').enumerate() {
        if at == 0 {
            program = argument.rsplit('/').next().unwrap_or(argument);
        } else {
            out.push(' ');
        }
        match mask_next.take() {
            Some(Next::Whole) => out.push_str(MASK),
            Some(Next::AfterColon) => push_user_and_mask(&mut out, argument),
            Some(Next::UnlessPath) if !is_path(argument) => out.push_str(MASK),
            _ => {
                push_argument(&mut out, program, argument);
                mask_next = what_follows(program, argument);
            }
        }
    }
    super::super::one_line(&out)
}

/// What to do with the argument after this one.
enum Next {
    Whole,
    /// `user:password`
    AfterColon,
    /// `--key` is as often a file's name as a key.
    UnlessPath,
}

fn what_follows(program: &str, argument: &str) -> Option<Next> {
    if argument.contains(char::is_whitespace) || argument.contains('=') {
        return None;
    }
    let name = argument.strip_prefix('-')?.trim_start_matches('-').to_ascii_lowercase();
    if is_secret_name(&name) {
        return Some(Next::Whole);
    }
    if name.ends_with("key") {
        return Some(Next::UnlessPath);
    }
    match (program, argument) {
        ("curl" | "wget", "-u" | "--user" | "-U" | "--proxy-user") => Some(Next::AfterColon),
        ("sshpass" | "redis-cli", "-p" | "-a" | "--pass") => Some(Next::Whole),
        _ => None,
    }
}

/// An argument may be a small command line of its own (`sh -c "..."`): its words are masked one by one.
fn push_argument(out: &mut String, program: &str, argument: &str) {
    if let Some(rest) = argument.strip_prefix("-p")
        && !rest.is_empty()
        && (ATTACHED_P.contains(&program) || program == "sshpass")
    {
        out.push_str("-p");
        out.push_str(MASK);
        return;
    }
    let lower = argument.to_ascii_lowercase();
    if let Some(at) = ["authorization:", "x-api-key:", "x-auth-token:", "private-token:", "cookie:"]
        .iter()
        .find_map(|header| lower.find(header).map(|at| at + header.len()))
    {
        out.push_str(argument.get(..at).unwrap_or(""));
        out.push(' ');
        out.push_str(MASK);
        return;
    }
    let mut mask_next = None;
    let mut inner = "";
    for (at, word) in argument.split(' ').enumerate() {
        if at > 0 {
            out.push(' ');
        }
        match mask_next.take() {
            Some(Next::Whole) => out.push_str(MASK),
            Some(Next::AfterColon) => push_user_and_mask(out, word),
            Some(Next::UnlessPath) if !is_path(word) => out.push_str(MASK),
            _ => {
                push_word(out, inner, word);
                mask_next = what_follows(inner, word);
            }
        }
        if !word.starts_with('-') && !word.contains('=') && !word.is_empty() {
            inner = word.rsplit('/').next().unwrap_or(word);
        }
    }
}

fn push_word(out: &mut String, program: &str, word: &str) {
    if ATTACHED_P.contains(&program) && word.len() > 2 && word.starts_with("-p") {
        out.push_str("-p");
        out.push_str(MASK);
        return;
    }
    if let Some((name, value)) = word.split_once('=') {
        let lower = name.to_ascii_lowercase();
        if is_secret_name(&lower) || (lower.ends_with("key") && !is_path(value)) {
            out.push_str(name);
            out.push('=');
            out.push_str(MASK);
            return;
        }
    }
    let start = word.find(|c: char| c.is_ascii_alphanumeric()).unwrap_or(0);
    let value_start = word.find('=').map_or(start, |at| at + 1);
    let value = word[value_start..].trim_start_matches(['"', '\'']);
    if TOKEN_PREFIXES.iter().any(|prefix| value.starts_with(prefix) && value.len() >= prefix.len() + 16)
        || holds_aws_key(word)
    {
        out.push_str(MASK);
        return;
    }
    push_without_url_password(out, word);
}

fn is_secret_name(lower: &str) -> bool {
    let name = lower.trim_start_matches('-');
    SECRET_NAMES.iter().any(|part| name.contains(part)) || name == "pass" || name.ends_with("_pass")
}

fn is_path(value: &str) -> bool {
    value.starts_with(['/', '.', '~']) || [".pem", ".key", ".crt"].iter().any(|end| value.ends_with(end))
}

/// Access key ids: `AKIA` or `ASIA` and 16 upper-case letters or digits.
fn holds_aws_key(word: &str) -> bool {
    ["AKIA", "ASIA"].iter().any(|prefix| {
        word.find(prefix).is_some_and(|at| {
            let rest = &word.as_bytes()[at + 4..];
            rest.len() >= 16 && rest[..16].iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
        })
    })
}

/// `scheme://user:password@host` loses the password.
fn push_without_url_password(out: &mut String, word: &str) {
    let Some(start) = word.find("://").map(|at| at + 3) else {
        out.push_str(word);
        return;
    };
    // A password may itself hold an `@` or, unescaped, a slash: the last `@` ends the user part.
    let at_sign = word[start..].rfind('@');
    let colon = at_sign.and_then(|at| word[start..start + at].find(':'));
    match (at_sign, colon) {
        (Some(at), Some(colon)) => {
            out.push_str(&word[..=start + colon]);
            out.push_str(MASK);
            out.push_str(&word[start + at..]);
        }
        _ => out.push_str(word),
    }
}

fn push_user_and_mask(out: &mut String, argument: &str) {
    let user = argument.split(':').next().unwrap_or("");
    out.push_str(user);
    out.push(':');
    out.push_str(MASK);
}

#[cfg(test)]
mod tests {
    use super::command_line;

    fn masked(arguments: &[&str]) -> String {
        command_line(arguments.join("\0").as_bytes())
    }

    #[test]
    fn secrets_are_masked() {
        for (arguments, expected) in [
            (&["app", "--password=hunter2", "-v"][..], "app --password=*** -v"),
            (&["app", "--password", "two words", "x"], "app --password *** x"),
            (&["app", "--db-passwd", "x"], "app --db-passwd ***"),
            (&["app", "--auth-token=abc"], "app --auth-token=***"),
            (&["app", "--api-key", "abc"], "app --api-key ***"),
            (&["app", "--key", "abcdef"], "app --key ***"),
            (&["app", "--secret-access-key=zzz"], "app --secret-access-key=***"),
            (
                &["env", "DB_PASS=x", "AWS_SECRET_ACCESS_KEY=y", "run"],
                "env DB_PASS=*** AWS_SECRET_ACCESS_KEY=*** run",
            ),
            (&["aws", "AKIAIOSFODNN7EXAMPLE"], "aws ***"),
            (&["psql", "postgres://bob:pw@db/x"], "psql postgres://bob:***@db/x"),
            (&["psql", "postgres://bob:p@w/d@db/x"], "psql postgres://bob:***@db/x"),
            (&["redis", "redis://:pw@h:6379"], "redis redis://:***@h:6379"),
            (&["/usr/bin/mysql", "-uroot", "-phunter2"], "/usr/bin/mysql -uroot -p***"),
            (&["curl", "-u", "bob:pw", "https://x/"], "curl -u bob:*** https://x/"),
            (&["curl", "-H", "Authorization: Bearer abc"], "curl -H Authorization: ***"),
            (&["git", "ghp_0123456789abcdef0123456789abcdef0123"], "git ***"),
            (
                &["sh", "-c", "mysql -px1 --password=a; PGPASSWORD=b psql"],
                "sh -c mysql -p*** --password=*** PGPASSWORD=*** psql",
            ),
            (&["sh", "-c", "app --token abc --x"], "sh -c app --token *** --x"),
        ] {
            assert_eq!(masked(arguments), expected);
        }
    }

    #[test]
    fn ordinary_arguments_stay() {
        for line in [
            "nginx: worker process",
            "/usr/sbin/sshd -D -p 22",
            "app --key /etc/ssl/app.key --config=/etc/app.toml",
            "curl https://example.com:8443/a?b=c",
            "java -Xmx4g -jar app.jar",
            "sk-tool --level 3",
        ] {
            assert_eq!(command_line(line.replace(' ', "\0").as_bytes()), line);
        }
    }

    #[test]
    fn bytes_that_are_not_text_stay_one_line() {
        let line = command_line(b"a\0\xff\xfe\nb\0");
        assert!(!line.chars().any(char::is_control));
        assert!(command_line(&vec![b'x'; 100_000]).len() <= 1024);
    }
}
