//! CSV as RFC 4180, for spreadsheets.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

/// A header and rows of as many cells.
pub fn answer(header_cells: &[&str], rows: impl Iterator<Item = Vec<String>>) -> Response {
    let mut out = String::new();
    line(&mut out, header_cells.iter().map(|cell| (*cell).to_string()));
    rows.for_each(|row| line(&mut out, row.into_iter()));
    let mut response = out.into_response();
    let kind = HeaderValue::from_static("text/csv; charset=utf-8; header=present");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

fn line(out: &mut String, cells: impl Iterator<Item = String>) {
    let cells: Vec<String> = cells.map(|cell| quote(&cell)).collect();
    out.push_str(&cells.join(","));
    out.push_str("\r\n");
}

fn quote(cell: &str) -> String {
    // Spreadsheets run cells that begin like a formula; a name must not be one. Numbers stay numbers.
    let formula = cell.starts_with(['=', '@', '+', '-']) && cell.parse::<f64>().is_err();
    let cell = if formula { format!("'{cell}") } else { cell.to_string() };
    match cell.contains(['"', ',', '\n', '\r']) {
        true => format!("\"{}\"", cell.replace('"', "\"\"")),
        false => cell,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_run_nothing() {
        let mut out = String::new();
        let cells = ["a,b", "say \"x\"", "=1+1", "-5.5", "@x", "plain"].map(String::from);
        line(&mut out, cells.into_iter());
        assert_eq!(out, "\"a,b\",\"say \"\"x\"\"\",'=1+1,-5.5,'@x,plain\r\n");
    }
}
