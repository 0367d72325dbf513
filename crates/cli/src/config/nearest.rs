//! The known word that was probably meant.

/// The nearest of `known`, if any is near: a letter in three may be wrong, and two always.
pub fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let far = (word.chars().count() / 3).max(2);
    let nearest = known.into_iter().map(|one| (distance(word, one), one)).min()?;
    (nearest.0 <= far).then_some(nearest.1)
}

/// Letters to add, drop or exchange.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, to) in b.iter().enumerate() {
            let exchanged = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = exchanged.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_understood_and_nonsense_is_not() {
        let known = ["name", "matchers", "service", "runbook_url"];
        for (word, meant) in [
            ("servise", Some("service")),
            ("matcher", Some("matchers")),
            ("runbok-url", Some("runbook_url")),
            ("nmae", Some("name")),
            ("colour", None),
        ] {
            assert_eq!(nearest(word, known), meant, "{word}");
        }
        assert_eq!(nearest("x", []), None);
    }
}
