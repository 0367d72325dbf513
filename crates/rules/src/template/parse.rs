//! Reads a template.

use watchtower_matchers::unquote;

use super::{Expr, Function, Part, TemplateError, Verb, Vocabulary};

/// Functions in one pipeline.
const PIPELINE_MAX: usize = 16;

pub(super) fn parse(text: &str, vocabulary: &Vocabulary) -> Result<Vec<Part>, TemplateError> {
    let max = vocabulary.template_bytes_max;
    if text.len() > max {
        return Err(error(max, format!("longer than {max} bytes")));
    }
    let mut parts = Vec::new();
    let mut at = 0;
    let mut trim_next = false;
    while at < text.len() {
        let open = text[at..].find("{{").map_or(text.len(), |n| at + n);
        let mut literal = &text[at..open];
        let trims_before = text[open..].starts_with("{{- ");
        literal = if trim_next { literal.trim_start() } else { literal };
        literal = if trims_before { literal.trim_end() } else { literal };
        if !literal.is_empty() {
            parts.push(Part::Text(literal.to_string()));
        }
        if open == text.len() {
            break;
        }
        let from = open + if trims_before { 3 } else { 2 };
        let mut action = Action { text, at: from, vocabulary };
        let expr = action.pipeline()?;
        action.skip_spaces();
        trim_next = action.rest().starts_with("-}}");
        if !trim_next && !action.rest().starts_with("}}") {
            return Err(action.unexpected("| or }}"));
        }
        at = action.at + if trim_next { 3 } else { 2 };
        parts.push(Part::Value(expr));
    }
    Ok(parts)
}

fn error(at: usize, message: impl Into<String>) -> TemplateError {
    TemplateError { at, message: message.into() }
}

/// Inside `{{ }}`.
struct Action<'a> {
    text: &'a str,
    at: usize,
    vocabulary: &'a Vocabulary,
}

impl<'a> Action<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn skip_spaces(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    fn unexpected(&self, wanted: &str) -> TemplateError {
        let found: String = self.rest().chars().take_while(|c| !c.is_whitespace()).take(20).collect();
        let found = if found.is_empty() { "the end".to_string() } else { format!("{found:?}") };
        error(self.at, format!("expected {wanted}, found {found}"))
    }

    fn pipeline(&mut self) -> Result<Expr, TemplateError> {
        let mut expr = self.command(None)?;
        for _ in 0..PIPELINE_MAX {
            self.skip_spaces();
            if !self.rest().starts_with('|') {
                return Ok(expr);
            }
            self.at += 1;
            expr = self.command(Some(expr))?;
        }
        Err(error(self.at, format!("more than {PIPELINE_MAX} functions in one pipeline")))
    }

    /// A value, or a function with its arguments, of which `piped` is the last.
    fn command(&mut self, piped: Option<Expr>) -> Result<Expr, TemplateError> {
        self.skip_spaces();
        let start = self.at;
        let len = self.rest().find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(self.rest().len());
        let word = &self.rest()[..len];
        if word.is_empty() || word.starts_with(|c: char| c.is_ascii_digit()) {
            return match piped {
                None => self.operand(),
                Some(_) => Err(self.unexpected("a function after |")),
            };
        }
        if word == "printf" {
            self.at += len;
            return self.printf(start, piped);
        }
        if word == "default" {
            self.at += len;
            let other = Box::new(self.operand()?);
            let value = Box::new(piped.map_or_else(|| self.operand(), Ok)?);
            return Ok(Expr::Default(other, value));
        }
        let Some((_, function)) = Function::ALL.into_iter().find(|(name, _)| *name == word) else {
            let named = Function::ALL.iter().map(|(name, _)| *name);
            let known: Vec<&str> = named.chain(["printf", "default"]).collect();
            return Err(error(start, format!("{word:?} is not supported here; known: {}", known.join(", "))));
        };
        self.at += len;
        let arg = match piped {
            Some(arg) => arg,
            None => self.operand()?,
        };
        Ok(Expr::Call(function, Box::new(arg)))
    }

    fn operand(&mut self) -> Result<Expr, TemplateError> {
        self.skip_spaces();
        let rest = self.rest();
        if rest.starts_with(['"', '`']) {
            let (text, len) = unquote(rest).map_err(|e| error(self.at + e.at(), e.to_string()))?;
            self.at += len;
            return Ok(Expr::Literal(text));
        }
        if let Some(expr) = self.named()? {
            return Ok(expr);
        }
        let number = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        if number > 0 && rest[..number].parse::<f64>().is_ok() {
            self.at += number;
            return Ok(Expr::Literal(rest[..number].to_string()));
        }
        Err(self.unexpected(&format!("{}, a string or a function", self.vocabulary.names())))
    }

    /// `$word` or `$map.name`, if one of those that are known begins here.
    fn named(&mut self) -> Result<Option<Expr>, TemplateError> {
        let Some(rest) = self.rest().strip_prefix('$') else { return Ok(None) };
        let name = word_of(rest);
        let behind = &rest[name.len()..];
        let map = self.vocabulary.maps.iter().copied().find(|map| *map == name);
        if let Some((map, behind)) = map.zip(behind.strip_prefix('.')) {
            self.at += 1 + name.len() + 1;
            let member = word_of(behind);
            if member.is_empty() {
                return Err(self.unexpected(&format!("a name after ${map}.")));
            }
            self.at += member.len();
            return Ok(Some(Expr::Member(map, member.to_string())));
        }
        let word = self.vocabulary.words.iter().copied().find(|word| *word == name);
        self.at += word.map_or(0, |word| 1 + word.len());
        Ok(word.map(Expr::Word))
    }

    fn printf(&mut self, start: usize, piped: Option<Expr>) -> Result<Expr, TemplateError> {
        self.skip_spaces();
        let format_at = self.at;
        let Expr::Literal(format) = self.operand()? else {
            return Err(error(format_at, "printf needs a quoted format first"));
        };
        let pieces = verbs(&format).map_err(|verb| {
            error(
                format_at,
                format!("printf verb {verb:?} is not supported: use %.2f, %.4g, %d, %s, %v or %%"),
            )
        })?;
        let wanted = pieces.iter().filter(|(_, verb)| verb.is_some()).count();
        let mut args = Vec::new();
        while args.len() + usize::from(piped.is_some()) < wanted {
            args.push(self.operand()?);
        }
        args.extend(piped);
        if args.len() != wanted {
            return Err(error(start, format!("printf has {wanted} verb(s) and {} argument(s)", args.len())));
        }
        let mut args = args.into_iter();
        let pair =
            |(text, verb): (String, Option<Verb>)| (text, verb.and_then(|v| args.next().map(|a| (v, a))));
        Ok(Expr::Printf(pieces.into_iter().map(pair).collect()))
    }
}

fn word_of(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    &text[..end]
}

/// A format's texts, each with the verb behind it; an unknown verb is the error.
fn verbs(format: &str) -> Result<Vec<(String, Option<Verb>)>, String> {
    let mut pieces = Vec::new();
    let mut text = String::new();
    let mut rest = format;
    while let Some(at) = rest.find('%') {
        text.push_str(&rest[..at]);
        let verb = &rest[at + 1..];
        let precision_len = verb.find(|c: char| c != '.' && !c.is_ascii_digit()).unwrap_or(verb.len());
        let precision =
            verb[..precision_len].strip_prefix('.').and_then(|p| p.parse().ok()).filter(|p| *p <= 20);
        let kind = verb[precision_len..].chars().next();
        let parsed = match (kind, precision, precision_len) {
            (Some('%'), _, 0) => None,
            (Some('f'), _, 0) => Some(Verb::Fixed(6)),
            (Some('f'), Some(p), _) => Some(Verb::Fixed(p)),
            (Some('g'), Some(p), _) => Some(Verb::General(p)),
            (Some('d'), _, 0) => Some(Verb::Integer),
            (Some('s' | 'v' | 'g'), _, 0) => Some(Verb::Plain),
            _ => return Err(rest[at..].chars().take(precision_len + 2).collect()),
        };
        match parsed {
            Some(verb) => pieces.push((std::mem::take(&mut text), Some(verb))),
            None => text.push('%'),
        }
        rest = &verb[precision_len + 1..];
    }
    text.push_str(rest);
    pieces.push((text, None));
    Ok(pieces)
}
