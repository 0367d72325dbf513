//! Values that must not show, taken out of what a script writes before it reaches the disk.
//!
//! Invariant: a value is found wherever chunks are cut: what may be its beginning is held back until more is known.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

const INSTEAD: &[u8] = b"***";
/// A shorter value is no secret, and taking it out would spoil the output.
const VALUE_BYTES_MIN: usize = 4;

/// One stream's filter.
#[derive(Clone, Debug, Default)]
pub struct Redactor {
    /// Longest first: a value that begins with another is taken out whole.
    values: Vec<Vec<u8>>,
    held: Vec<u8>,
}

impl Redactor {
    /// For the values of these variables, as they are and in base64.
    pub fn of(secrets: &[String], environment: &BTreeMap<String, String>) -> Self {
        let known = secrets.iter().filter_map(|name| environment.get(name));
        let mut values: Vec<Vec<u8>> = known
            .filter(|value| value.len() >= VALUE_BYTES_MIN)
            .flat_map(|value| [value.as_bytes().to_vec(), STANDARD_NO_PAD.encode(value).into_bytes()])
            .collect();
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        values.dedup();
        Redactor { values, held: Vec::new() }
    }

    /// What may be passed on of these bytes and those held back before.
    pub fn push<'a>(&mut self, bytes: &'a [u8]) -> std::borrow::Cow<'a, [u8]> {
        if self.values.is_empty() {
            return bytes.into();
        }
        let mut all = std::mem::take(&mut self.held);
        all.extend_from_slice(bytes);
        let (mut out, mut at) = (Vec::with_capacity(all.len()), 0);
        while at < all.len() {
            let rest = &all[at..];
            if self.values.iter().any(|value| value.len() > rest.len() && value.starts_with(rest)) {
                self.held = rest.to_vec();
                break;
            }
            at += self.take_one(rest, &mut out);
        }
        out.into()
    }

    /// No more will come: what was held back is no value, or a whole one.
    pub fn end(&mut self) -> Vec<u8> {
        let all = std::mem::take(&mut self.held);
        let (mut out, mut at) = (Vec::new(), 0);
        while at < all.len() {
            at += self.take_one(&all[at..], &mut out);
        }
        out
    }

    fn take_one(&self, rest: &[u8], out: &mut Vec<u8>) -> usize {
        match self.values.iter().find(|value| rest.starts_with(value)) {
            Some(value) => {
                out.extend_from_slice(INSTEAD);
                value.len()
            }
            None => {
                out.push(rest[0]);
                1
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redactor(values: &[&str]) -> Redactor {
        let names: Vec<String> = (0..values.len()).map(|i| format!("S{i}")).collect();
        let environment = names.iter().cloned().zip(values.iter().map(|v| (*v).to_string())).collect();
        Redactor::of(&names, &environment)
    }

    fn in_pieces(values: &[&str], text: &[u8], size: usize) -> Vec<u8> {
        let mut redactor = redactor(values);
        let mut out = Vec::new();
        text.chunks(size).for_each(|piece| out.extend_from_slice(&redactor.push(piece)));
        out.extend(redactor.end());
        out
    }

    #[test]
    fn values_are_found_wherever_the_chunks_are_cut() {
        let values = ["hunter2!", "hunter2!-longer", "aaab"];
        let encoded = STANDARD_NO_PAD.encode("hunter2!");
        let text = format!("a\0\u{ff}hunter2!x hunter2!-longe hunter2!-longer aaaab aaa {encoded}=\nhunter2");
        let expected = "a\0\u{ff}***x ***-longe *** a*** aaa ***=\nhunter2".as_bytes();
        for size in 1..text.len() + 1 {
            assert_eq!(in_pieces(&values, text.as_bytes(), size), expected, "pieces of {size}");
        }
    }

    #[test]
    fn what_cannot_become_a_value_is_not_held_back() {
        let mut redactor = redactor(&["secret"]);
        assert_eq!(&*redactor.push(b"password: se"), b"password: ");
        assert_eq!(&*redactor.push(b"t\n"), b"set\n");
        assert_eq!(&*self::redactor(&["abc", ""]).push(b"abc"), b"abc", "too short to be a secret");
    }
}
