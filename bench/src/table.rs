//! The rows, as they are printed.

use std::fmt;

/// What, the measure, the budget, and what the peer took in the same run.
#[derive(Default)]
pub struct Table(Vec<[String; 4]>);

impl Table {
    pub fn row(&mut self, what: &str, measured: String, budget: &str, peer: &str) {
        self.0.push([what.into(), measured, budget.into(), peer.into()]);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = ["what", "measured", "budget", "peer, same run"].map(String::from);
        let all: Vec<&[String; 4]> = std::iter::once(&head).chain(&self.0).collect();
        let width = |i: usize| all.iter().map(|row| row[i].chars().count()).max().unwrap_or(0);
        let widths = [width(0), width(1), width(2), width(3)];
        for row in all {
            let cells: Vec<String> = row.iter().zip(widths).map(|(cell, w)| format!("{cell:<w$}")).collect();
            writeln!(f, "{}", cells.join("  ").trim_end())?;
        }
        Ok(())
    }
}

/// The value at a share of the sorted values.
pub fn quantile(values: &mut [i64], share: f64) -> i64 {
    values.sort_unstable();
    let at = ((values.len() as f64 * share).ceil() as usize).clamp(1, values.len().max(1)) - 1;
    values.get(at).copied().unwrap_or(0)
}

/// Half, nearly all, and all but one in a hundred of the values, in milliseconds.
pub fn spread(values: &mut [i64]) -> String {
    let [half, most, all] = [0.5, 0.95, 0.99].map(|share| quantile(values, share));
    format!("{half} / {most} / {all} ms")
}
