//! CSV as RFC 4180: a header of field paths, exact values, quotes where needed.

use serde_json::Value;

use super::cell::{Column, at, plain};

pub fn write(columns: &[&Column], items: &[Value], headers: bool) -> String {
    let mut out = String::new();
    if headers {
        row(&mut out, columns.iter().map(|column| column.path.to_string()));
    }
    for item in items {
        row(&mut out, columns.iter().map(|column| plain(at(item, column.path))));
    }
    out
}

fn row(out: &mut String, cells: impl Iterator<Item = String>) {
    let cells: Vec<_> = cells.map(|cell| quote(&cell)).collect();
    out.push_str(&cells.join(","));
    out.push_str("\r\n");
}

fn quote(cell: &str) -> String {
    // Spreadsheets run cells that begin like a formula; what a server says must not be one. Numbers stay numbers.
    let formula = cell.starts_with(['=', '@', '+', '-']) && cell.parse::<f64>().is_err();
    let cell = if formula { format!("'{cell}") } else { cell.to_string() };
    match cell.contains(['"', ',', '\n', '\r']) {
        true => format!("\"{}\"", cell.replace('"', "\"\"")),
        false => cell,
    }
}
