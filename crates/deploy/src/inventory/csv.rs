//! CSV with a header: `name,host,user,port` in any order; every other column is a label.

use super::{HOSTS_MAX, ListError, ListedHost};

/// The hosts of a CSV text (RFC 4180; `;` and tab separate too, where the header uses them).
pub fn csv_hosts(text: &str) -> Result<Vec<ListedHost>, ListError> {
    let text = text.trim_start_matches('\u{feff}');
    let first = text.lines().next().unwrap_or("");
    let separator = [',', ';', '\t'].into_iter().find(|c| first.contains(*c)).unwrap_or(',');
    let mut rows = rows(text, separator)?.into_iter();
    let wrong = |line, what: &str| ListError { line, what: what.into() };
    let (_, header) = rows.next().ok_or_else(|| wrong(1, "there is no header"))?;
    let header: Vec<String> = header.iter().map(|cell| cell.trim().to_lowercase()).collect();
    if !header.iter().any(|name| matches!(name.as_str(), "name" | "host")) {
        return Err(wrong(1, "the header needs a column `name` or `host`"));
    }
    let hosts: Vec<ListedHost> =
        rows.map(|(line, cells)| host(line, &header, &cells)).collect::<Result<_, _>>()?;
    match hosts.len() > HOSTS_MAX {
        true => Err(wrong(HOSTS_MAX + 2, &format!("a list has at most {HOSTS_MAX} hosts"))),
        false => Ok(hosts),
    }
}

fn host(line: usize, header: &[String], cells: &[String]) -> Result<ListedHost, ListError> {
    let wrong = |what: String| ListError { line, what };
    if cells.len() != header.len() {
        return Err(wrong(format!("{} cells where the header has {}", cells.len(), header.len())));
    }
    let mut host = ListedHost::default();
    for (name, cell) in header.iter().zip(cells) {
        let value = cell.trim();
        if value.is_empty() {
            continue;
        }
        match name.as_str() {
            "name" => host.name = value.into(),
            "host" | "address" => host.host = Some(value.into()),
            "user" => host.user = Some(value.into()),
            "port" => {
                host.port = Some(
                    value.parse().map_err(|_| wrong(format!("port {value:?} is no number up to 65535")))?,
                )
            }
            label => host.labels.push((label.into(), value.into())),
        }
    }
    if host.name.is_empty() {
        host.name = host.host.clone().ok_or_else(|| wrong("neither name nor host is given".into()))?;
    }
    Ok(host)
}

/// Rows with the line they begin at; empty ones are passed over.
fn rows(text: &str, separator: char) -> Result<Vec<(usize, Vec<String>)>, ListError> {
    let mut rows = Vec::new();
    let (mut cells, mut cell, mut quoted) = (Vec::new(), String::new(), false);
    let (mut line, mut begun) = (1, 1);
    let mut chars = text.chars().chain(['\n']).peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                cell.push('"');
            }
            '"' if quoted || cell.is_empty() => quoted = !quoted,
            '\n' if !quoted => {
                cells.push(std::mem::take(&mut cell));
                let row = std::mem::take(&mut cells);
                if row.iter().any(|cell: &String| !cell.trim().is_empty()) {
                    rows.push((begun, row));
                }
                line += 1;
                begun = line;
            }
            '\r' if !quoted => {}
            c if c == separator && !quoted => cells.push(std::mem::take(&mut cell)),
            c => {
                line += usize::from(c == '\n');
                cell.push(c);
            }
        }
    }
    match quoted {
        true => Err(ListError { line: begun, what: "a quote is not closed".into() }),
        false => Ok(rows),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_found_by_name() {
        let hosts =
            csv_hosts("\u{feff}host;name;env;Port\r\n10.0.0.1;web-1;prod;2222\r\n\r\n10.0.0.2;;\"a;b\";\r\n")
                .unwrap();
        assert_eq!(
            hosts[0],
            ListedHost {
                name: "web-1".into(),
                host: Some("10.0.0.1".into()),
                user: None,
                port: Some(2222),
                labels: vec![("env".into(), "prod".into())],
            }
        );
        assert_eq!((hosts[1].name.as_str(), hosts[1].labels[0].1.as_str()), ("10.0.0.2", "a;b"));
    }

    #[test]
    fn mistakes_name_their_line() {
        for (text, line) in [
            ("", 1),
            ("a,b\n1,2\n", 1),
            ("name\nx\n\"y\n", 3),
            ("name,port\nx,y\n", 2),
            ("name,user\nx\n", 2),
            ("name,env\n,b\n", 2),
        ] {
            assert_eq!(csv_hosts(text).unwrap_err().line, line, "{text:?}");
        }
    }
}
