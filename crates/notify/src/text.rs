//! Texts within the lengths of those who take them.

use crate::{Link, Message};

const ZERO_WIDTH_SPACE: char = '\u{200b}';
/// Where less room is left than this, a piece of output would say nothing.
const OUTPUT_ROOM_MIN: usize = 40;

/// How a provider counts: [`chars`], [`char::len_utf8`] or [`char::len_utf16`].
pub(crate) type Size = fn(char) -> usize;

pub(crate) fn chars(_: char) -> usize {
    1
}

/// The beginning of what is longer than `max`, with an ellipsis.
pub(crate) fn cut(text: &str, max: usize, size: Size) -> String {
    if length(text, size) <= max {
        return text.to_string();
    }
    let mut kept = begin(text.chars(), max.saturating_sub(size('…')), size);
    kept.push('…');
    kept
}

/// The end of what is longer than `max`: what an output says last is what went wrong.
pub(crate) fn tail(text: &str, max: usize, size: Size) -> String {
    if length(text, size) <= max {
        return text.to_string();
    }
    let kept = begin(text.chars().rev(), max.saturating_sub(size('…')), size);
    ['…'].into_iter().chain(kept.chars().rev()).collect()
}

pub(crate) fn length(text: &str, size: Size) -> usize {
    text.chars().map(size).sum()
}

fn begin(text: impl Iterator<Item = char>, max: usize, size: Size) -> String {
    let fits = |used: &mut usize, c: char| {
        *used += size(c);
        (*used <= max).then_some(c)
    };
    text.scan(0, fits).collect()
}

/// Every `@` is followed by a zero-width space: nothing that an alert says can call people together.
pub(crate) fn unmention(text: &str) -> String {
    text.replace('@', &format!("@{ZERO_WIDTH_SPACE}"))
}

/// For HTML and XML, attributes included.
pub(crate) fn escape_html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Where, the details, and links of which there is no other place, a line each.
pub(crate) fn details(message: &Message, links: &[Link]) -> String {
    let links = links.iter().map(|link| format!("{}: {}", link.label, link.url));
    let (first, lines) = message.said();
    let lines: Vec<String> = [first].into_iter().chain(lines).chain(links).collect();
    lines.join("\n")
}

/// The details, and as much of the output's end as there is room for.
pub(crate) fn fit(message: &Message, links: &[Link], max: usize, size: Size) -> String {
    let mut text = cut(&details(message, links), max, size);
    let room = max - length(&text, size);
    if let Some(output) = message.output.as_ref().filter(|_| room >= OUTPUT_ROOM_MIN) {
        text.push_str("\n\n");
        text.push_str(&tail(output, room - 2, size));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_at_characters_and_never_longer_than_asked() {
        let sizes: [Size; 3] = [chars, char::len_utf8, char::len_utf16];
        for size in sizes {
            for max in 4..30 {
                let text = "aé😀b".repeat(5);
                let (first, last) = (cut(&text, max, size), tail(&text, max, size));
                assert!(length(&first, size) <= max && length(&last, size) <= max, "{first} {last} {max}");
                assert!(
                    first == text || first.ends_with('…') && text.starts_with(first.trim_end_matches('…'))
                );
                assert!(
                    last == text || last.starts_with('…') && text.ends_with(last.trim_start_matches('…'))
                );
            }
        }
        assert_eq!((cut("abc", 3, chars), cut("abcd", 3, chars)), ("abc".into(), "ab…".into()));
        assert_eq!((tail("abc", 3, chars), tail("abcd", 3, chars)), ("abc".into(), "…cd".into()));
    }
}
