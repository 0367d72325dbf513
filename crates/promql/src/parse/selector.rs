//! Vector selectors: a metric name, matchers in braces, or both.

use watchtower_matchers::{Matcher, Matchers, Op};
use watchtower_model::METRIC_NAME;

use super::Parser;
use crate::ast::{Expr, Kind, Selector, Span, TimeShift};
use crate::error::QueryError;
use crate::lex::Token;

impl Parser {
    /// A selector; the metric name, if one stands before the braces, is read already.
    pub(super) fn vector(&mut self, name: Option<(String, Span)>) -> Result<Expr, QueryError> {
        let mut span = name.as_ref().map_or(self.span(), |(_, span)| *span);
        let mut matchers: Vec<Matcher> = Vec::new();
        let mut named = name.is_some();
        if let Some((name, _)) = name {
            matchers.push(Matcher::equal(METRIC_NAME, name));
        }
        if self.eat_sign("{") {
            while !self.is_sign("}") {
                let place = self.span();
                let (matcher, is_name) = self.matcher()?;
                // Several matchers on __name__ may stand together; beside a name of its own there may be none.
                let twice = if is_name { matchers.iter().any(of_name) } else { of_name(&matcher) && named };
                if twice {
                    return Err(QueryError::invalid(place, "the metric name must not be set twice"));
                }
                named |= is_name;
                matchers.push(matcher);
                if !self.eat_sign(",") {
                    break;
                }
            }
            span = span.to(self.expect_sign("}", "or a comma after a matcher")?);
        }
        let matchers = Matchers::new(matchers);
        if matchers.all_match_empty() {
            let message = "the selector must have at least one matcher that does not match an empty value";
            return Err(QueryError::invalid(span, message));
        }
        Ok(Expr { span, kind: Kind::Vector(Selector { matchers, time: TimeShift::default() }) })
    }

    /// One matcher, and whether it is a quoted metric name on its own.
    fn matcher(&mut self) -> Result<(Matcher, bool), QueryError> {
        let start = self.span();
        let (name, quoted) = match self.token().clone() {
            Token::Word(name) if !name.contains(':') => (name, false),
            Token::String(name) if !name.is_empty() => (name, true),
            _ => return Err(self.unexpected("a label name or \"}\"")),
        };
        self.next();
        if quoted && (self.is_sign(",") || self.is_sign("}")) {
            return Ok((Matcher::equal(METRIC_NAME, name), true));
        }
        let op = match self.token() {
            Token::Sign(sign) => Op::ALL.into_iter().find(|op| op.as_str() == *sign),
            _ => None,
        };
        let op = op.ok_or_else(|| self.unexpected(&format!("=, !=, =~ or !~ after label {name:?}")))?;
        self.next();
        let Token::String(value) = self.token().clone() else {
            return Err(self.unexpected("a quoted value"));
        };
        let end = self.next().1;
        let matcher =
            Matcher::new(name, op, value).map_err(|e| QueryError::invalid(start.to(end), e.to_string()))?;
        Ok((matcher, false))
    }
}

fn of_name(matcher: &Matcher) -> bool {
    matcher.name() == METRIC_NAME
}
