//! Tables: fitted to a terminal, or tab-separated and complete in a pipe.
//!
//! Invariant: a row is one line and never wraps; columns of low priority go first, then text is cut in its middle.

use serde_json::Value;

use super::Look;
use super::cell::{As, Column, Shape, at, escaped, mark, one_line, plain, shown};

const GAP: usize = 2;
/// Cut text keeps at least this many characters.
const CUT_MIN: usize = 8;
/// Text beyond this is rather cut than allowed to push another column out.
const TEXT_SOFT_MAX: usize = 32;

pub fn write(columns: &[&Column], items: &[Value], headers: bool, look: Look) -> String {
    match look.width {
        Some(width) => fitted(columns, items, headers, look, width),
        None => tabs(columns, items, headers),
    }
}

fn tabs(columns: &[&Column], items: &[Value], headers: bool) -> String {
    let mut out = String::new();
    if headers {
        out.push_str(&columns.iter().map(|column| column.header).collect::<Vec<_>>().join("\t"));
        out.push('\n');
    }
    for item in items {
        let cells: Vec<_> = columns.iter().map(|column| escaped(&plain(at(item, column.path)))).collect();
        out.push_str(&cells.join("\t"));
        out.push('\n');
    }
    out
}

fn fitted(columns: &[&Column], items: &[Value], headers: bool, look: Look, width: usize) -> String {
    let cell = |item: &Value, column: &Column| shown(at(item, column.path), column.shown, look);
    let rows: Vec<Vec<String>> =
        items.iter().map(|item| columns.iter().map(|column| cell(item, column)).collect()).collect();
    let widest = |i: usize| {
        let header = if headers { columns[i].header.chars().count() } else { 0 };
        rows.iter().map(|row| row[i].chars().count()).fold(header, usize::max)
    };
    let mut widths: Vec<usize> = (0..columns.len()).map(widest).collect();
    let kept = keep(columns, &widths, width);
    squeeze(&kept, &mut widths, width);
    let mut out = String::new();
    if headers {
        let header = kept.iter().map(|&i| (columns[i].header.to_string(), i, None));
        line(&mut out, header.collect(), &widths);
    }
    for (row, item) in rows.iter().zip(items) {
        let color = |i: usize| match (look.color && columns[i].shown == As::State, at(item, columns[i].path))
        {
            (true, Value::String(word)) => Some(mark(word).sgr()),
            _ => None,
        };
        line(&mut out, kept.iter().map(|&i| (row[i].clone(), i, color(i))).collect(), &widths);
    }
    out
}

fn total(kept: &[usize], widths: &[usize]) -> usize {
    kept.iter().map(|&i| widths[i]).sum::<usize>() + GAP * kept.len().saturating_sub(1)
}

/// The columns that fit, in their order.
fn keep(columns: &[&Column], widths: &[usize], width: usize) -> Vec<usize> {
    let soft = |i: usize| match columns[i].shown {
        As::Text => widths[i].min(TEXT_SOFT_MAX),
        _ => widths[i],
    };
    let widths: Vec<usize> = (0..columns.len()).map(soft).collect();
    let mut kept: Vec<usize> = (0..columns.len()).collect();
    while total(&kept, &widths) > width {
        let last = kept
            .iter()
            .copied()
            .filter(|&i| columns[i].priority > 0)
            .max_by_key(|&i| (columns[i].priority, i));
        let Some(last) = last else { break };
        kept.retain(|&i| i != last);
    }
    kept
}

/// What stays but does not fit gives way at its widest column.
fn squeeze(kept: &[usize], widths: &mut [usize], width: usize) {
    while total(kept, widths) > width {
        let Some(&widest) = kept.iter().max_by_key(|&&i| widths[i]) else { return };
        if widths[widest] <= CUT_MIN {
            return;
        }
        let over = total(kept, widths) - width;
        widths[widest] = widths[widest].saturating_sub(over).max(CUT_MIN);
    }
}

/// Cuts in the middle: both ends of names and paths tell them apart.
fn cut(text: &str, width: usize) -> String {
    let chars: Vec<char> = text.chars().collect();
    if chars.len() <= width {
        return text.to_string();
    }
    let head = (width - 1).div_ceil(2);
    let tail = width - 1 - head;
    chars[..head].iter().chain(['…'].iter()).chain(&chars[chars.len() - tail..]).collect()
}

fn line(out: &mut String, cells: Vec<(String, usize, Option<&str>)>, widths: &[usize]) {
    let last = cells.len().saturating_sub(1);
    for (place, (text, i, color)) in cells.into_iter().enumerate() {
        let text = cut(&text, widths[i].max(1));
        let pad = if place == last { 0 } else { widths[i] - text.chars().count() + GAP };
        match color {
            Some(sgr) => out.push_str(&format!("\x1b[{sgr}m{text}\x1b[0m")),
            None => out.push_str(&text),
        }
        out.extend(std::iter::repeat_n(' ', pad));
    }
    out.push('\n');
}

/// The kind of a field by its name, as the API names them.
fn kind_of(name: &str) -> As {
    match name {
        _ if name.ends_with("_at") || name == "at" || name.ends_with("_until") => As::Time,
        _ if name.ends_with("bytes_per_second") => As::Rate,
        _ if name.ends_with("_bytes") => As::Bytes,
        _ if name.ends_with("_percent") => As::Percent,
        _ if name.ends_with("_seconds") => As::Seconds,
        "state" | "status" | "severity" | "worst_severity" => As::State,
        _ => As::Text,
    }
}

/// One object, a field per line, those of the table first; inner objects by dotted names.
pub fn fields(shape: &Shape, value: &Value, look: Look) -> String {
    let mut rows = Vec::new();
    flatten("", value, &mut rows);
    let place = |name: &str| shape.columns.iter().position(|column| column.path == name && !column.wide);
    rows.sort_by_key(|(name, _)| place(name).unwrap_or(usize::MAX));
    let name_width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let mut out = String::new();
    for (name, value) in rows {
        let text = match look.width {
            None => format!("{name}\t{}\n", escaped(&plain(value))),
            Some(_) => format!("{name:<name_width$}  {}\n", people(&name, value, name_width, look)),
        };
        out.push_str(&text);
    }
    out
}

fn people(name: &str, value: &Value, indent: usize, look: Look) -> String {
    let kind = kind_of(name.rsplit('.').next().unwrap_or(name));
    match value {
        // A script's body keeps its lines, below each other.
        Value::String(text) if text.trim_end().contains('\n') => {
            let next = format!("\n{:width$}", "", width = indent + 2);
            text.trim_end().lines().map(one_line).collect::<Vec<_>>().join(&next)
        }
        _ => {
            let text = shown(value, kind, look);
            match (look.color && kind == As::State, value.as_str()) {
                (true, Some(word)) => format!("\x1b[{}m{text}\x1b[0m", mark(word).sgr()),
                _ => text,
            }
        }
    }
}

fn flatten<'a>(prefix: &str, value: &'a Value, rows: &mut Vec<(String, &'a Value)>) {
    match value {
        // Labels and the like read better on one line than as many dotted names.
        Value::Object(map) if prefix.is_empty() || map.values().any(|v| !v.is_string()) => {
            for (name, inner) in map {
                let name = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
                flatten(&name, inner, rows);
            }
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            for (i, inner) in items.iter().enumerate() {
                flatten(&format!("{prefix}[{i}]"), inner, rows);
            }
        }
        _ => rows.push((prefix.to_string(), value)),
    }
}
