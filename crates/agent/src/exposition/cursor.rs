//! A place within a line.

use std::borrow::Cow;

#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a>(pub &'a str);

impl<'a> Cursor<'a> {
    fn cut(&mut self, at: usize) -> &'a str {
        let (head, rest) = self.0.split_at(at);
        self.0 = rest;
        head
    }

    pub(super) fn blanks(&mut self) {
        self.0 = self.0.trim_start_matches([' ', '\t']);
    }

    pub(super) fn eat(&mut self, c: char) -> bool {
        let rest = self.0.strip_prefix(c);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    /// `[a-zA-Z_:][a-zA-Z0-9_:]*`
    pub(super) fn name(&mut self) -> Option<&'a str> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b':';
        let end = self.0.bytes().position(|b| !allowed(b)).unwrap_or(self.0.len());
        let name = self.cut(end);
        (!name.is_empty() && !name.as_bytes()[0].is_ascii_digit()).then_some(name)
    }

    /// What stands before the next blank; empty at the end.
    pub(super) fn word(&mut self) -> &'a str {
        self.blanks();
        let end = self.0.find([' ', '\t']).unwrap_or(self.0.len());
        self.cut(end)
    }

    /// A text in quotes, with `\\`, `\"` and `\n` meant as in C; another escape stands for itself.
    pub(super) fn quoted(&mut self) -> Option<Cow<'a, str>> {
        let inner = self.0.strip_prefix('"')?;
        let special = inner.find(['"', '\\'])?;
        if inner.as_bytes()[special] == b'"' {
            self.0 = &inner[special + 1..];
            return Some(Cow::Borrowed(&inner[..special]));
        }
        let mut text = String::with_capacity(inner.len().min(128));
        let mut chars = inner.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.0 = &inner[at + 1..];
                    return Some(Cow::Owned(text));
                }
                '\\' => match chars.next()?.1 {
                    'n' => text.push('\n'),
                    c @ ('"' | '\\') => text.push(c),
                    other => text.extend(['\\', other]),
                },
                c => text.push(c),
            }
        }
        None
    }
}
