//! Literals, brackets, calls, aggregations, and what may follow an operand: a range, `offset`, `@`.

use super::Parser;
use crate::ast::{AggregateOp, At, Expr, Grouping, Kind, Span, TimeShift};
use crate::error::QueryError;
use crate::functions::{find, nearest, refused};
use crate::lex::Token;

impl Parser {
    pub(super) fn atom(&mut self) -> Result<Expr, QueryError> {
        let span = self.span();
        let kind = match self.token().clone() {
            Token::Number(n) => Kind::Number(n),
            Token::Duration(ms) => Kind::Number(ms as f64 / 1000.0),
            Token::String(text) => Kind::String(text),
            Token::Sign("(") => return self.paren(),
            Token::Sign("{") => return self.vector(None),
            Token::Word(word) => return self.word(&word),
            _ => return Err(self.unexpected("an expression")),
        };
        self.next();
        Ok(Expr { span, kind })
    }

    fn paren(&mut self) -> Result<Expr, QueryError> {
        let start = self.next().1;
        let inner = self.expr(0)?;
        let end = self.expect_sign(")", "to close the bracket")?;
        Ok(Expr { span: start.to(end), kind: Kind::Paren(Box::new(inner)) })
    }

    fn word(&mut self, word: &str) -> Result<Expr, QueryError> {
        let span = self.next().1;
        if word.eq_ignore_ascii_case("inf") {
            return Ok(Expr { span, kind: Kind::Number(f64::INFINITY) });
        }
        if word.eq_ignore_ascii_case("nan") {
            return Ok(Expr { span, kind: Kind::Number(f64::NAN) });
        }
        let aggregate = AggregateOp::ALL.into_iter().find(|op| op.name().eq_ignore_ascii_case(word));
        let groups = self.is_word("by") || self.is_word("without");
        match aggregate {
            Some(op) if groups || self.is_sign("(") => self.aggregate(op, span),
            _ if self.is_sign("(") => self.call(word, span),
            _ => self.vector(Some((word.to_string(), span))),
        }
    }

    fn call(&mut self, name: &str, span: Span) -> Result<Expr, QueryError> {
        if let Some(why) = refused(name) {
            return Err(QueryError::invalid(span, format!("{name} {why}")));
        }
        let function = find(name).ok_or_else(|| {
            let hint = nearest(name).map_or(String::new(), |n| format!("; did you mean {n}?"));
            QueryError::invalid(span, format!("unknown function {name:?}{hint}"))
        })?;
        let (args, end) = self.args()?;
        Ok(Expr { span: span.to(end), kind: Kind::Call { function, args } })
    }

    fn args(&mut self) -> Result<(Vec<Expr>, Span), QueryError> {
        self.expect_sign("(", "before the arguments")?;
        let mut args = Vec::new();
        while !self.is_sign(")") {
            args.push(self.expr(0)?);
            if !self.eat_sign(",") {
                break;
            }
        }
        let end = self.expect_sign(")", "or a comma after an argument")?;
        Ok((args, end))
    }

    fn aggregate(&mut self, op: AggregateOp, start: Span) -> Result<Expr, QueryError> {
        let before = self.grouping()?;
        let (mut args, mut end) = self.args()?;
        let grouping = match before {
            Some(grouping) => grouping,
            None => self.grouping()?.unwrap_or_default(),
        };
        if self.last_span().end > end.end {
            end = self.last_span();
        }
        let span = start.to(end);
        let wanted = 1 + usize::from(op.param().is_some());
        if args.len() != wanted {
            let message = format!("{} takes {wanted} argument(s), found {}", op.name(), args.len());
            return Err(QueryError::invalid(span, message));
        }
        let expr = Box::new(args.pop().expect("counted above"));
        let param = args.pop().map(Box::new);
        Ok(Expr { span, kind: Kind::Aggregate { op, param, expr, grouping } })
    }

    fn grouping(&mut self) -> Result<Option<Grouping>, QueryError> {
        let without = self.is_word("without");
        if !without && !self.is_word("by") {
            return Ok(None);
        }
        self.next();
        Ok(Some(Grouping { without, labels: self.label_list()? }))
    }

    pub(super) fn label_list(&mut self) -> Result<Vec<String>, QueryError> {
        self.expect_sign("(", "before label names")?;
        let mut labels = Vec::new();
        while !self.is_sign(")") {
            match self.token().clone() {
                Token::Word(name) if !name.contains(':') => labels.push(name),
                Token::String(name) if !name.is_empty() => labels.push(name),
                _ => return Err(self.unexpected("a label name")),
            }
            self.next();
            if !self.eat_sign(",") {
                break;
            }
        }
        self.expect_sign(")", "or a comma after a label name")?;
        Ok(labels)
    }

    /// Ranges, subqueries, `offset` and `@` behind an operand.
    pub(super) fn postfix(&mut self, mut expr: Expr) -> Result<Expr, QueryError> {
        loop {
            let from = self.span();
            if self.is_sign("[") {
                expr = self.range(expr)?;
            } else if self.eat_word("offset") {
                let offset_ms = self.signed_duration()?;
                let shift = time_mut(&mut expr, from, "offset")?;
                if shift.offset_ms != 0 {
                    return Err(QueryError::invalid(from, "offset may not be set twice"));
                }
                shift.offset_ms = offset_ms;
                expr.span = expr.span.to(self.last_span());
            } else if self.eat_sign("@") {
                let at = self.at_time()?;
                let shift = time_mut(&mut expr, from, "@")?;
                if shift.at.is_some() {
                    return Err(QueryError::invalid(from, "@ may not be set twice"));
                }
                shift.at = Some(at);
                expr.span = expr.span.to(self.last_span());
            } else {
                return Ok(expr);
            }
        }
    }

    /// `[5m]`, `[1h:1m]` or `[1h:]` behind `expr`.
    fn range(&mut self, expr: Expr) -> Result<Expr, QueryError> {
        let open = self.next().1;
        let range_ms = self.duration("a range such as 5m")?;
        let subquery = self.eat_sign(":");
        let step_ms = match self.token() {
            Token::Sign("]") => None,
            _ if subquery => Some(self.duration("a step such as 1m")?),
            _ => return Err(self.unexpected("\"]\" or \":\" after the range")),
        };
        let span = expr.span.to(self.expect_sign("]", "to close the range")?);
        if subquery {
            let time = TimeShift::default();
            return Ok(Expr { span, kind: Kind::Subquery { expr: Box::new(expr), range_ms, step_ms, time } });
        }
        match expr.kind {
            Kind::Vector(selector) if selector.time == TimeShift::default() => {
                Ok(Expr { span, kind: Kind::Range { selector, range_ms } })
            }
            Kind::Vector(_) => Err(QueryError::invalid(open, "the range must stand before offset and @")),
            _ => Err(QueryError::invalid(
                open,
                "a range can only follow a series selector; for other expressions write a subquery such as [5m:]",
            )),
        }
    }

    fn duration(&mut self, wanted: &str) -> Result<i64, QueryError> {
        let ms = match self.token() {
            Token::Duration(ms) => *ms,
            Token::Number(seconds) if seconds.abs() < 1e12 => (seconds * 1000.0) as i64,
            _ => return Err(self.unexpected(wanted)),
        };
        let span = self.next().1;
        if ms <= 0 {
            return Err(QueryError::invalid(span, "a duration must be greater than zero"));
        }
        Ok(ms)
    }

    fn signed_duration(&mut self) -> Result<i64, QueryError> {
        let negative = self.eat_sign("-");
        let _ = !negative && self.eat_sign("+");
        if matches!(self.token(), Token::Number(0.0) | Token::Duration(0)) {
            self.next();
            return Ok(0);
        }
        let ms = self.duration("a duration such as 5m after offset")?;
        Ok(if negative { -ms } else { ms })
    }

    fn at_time(&mut self) -> Result<At, QueryError> {
        for (word, at) in [("start", At::Start), ("end", At::End)] {
            if self.eat_word(word) {
                self.expect_sign("(", &format!("after {word}"))?;
                self.expect_sign(")", &format!("after {word}("))?;
                return Ok(at);
            }
        }
        let negative = self.eat_sign("-");
        let _ = !negative && self.eat_sign("+");
        match *self.token() {
            Token::Number(seconds) if seconds.abs() < 1e13 => {
                self.next();
                let ms = (seconds * 1000.0).round() as i64;
                Ok(At::Time(if negative { -ms } else { ms }))
            }
            _ => Err(self.unexpected("a time in seconds, start() or end() after @")),
        }
    }
}

fn time_mut<'a>(expr: &'a mut Expr, place: Span, what: &str) -> Result<&'a mut TimeShift, QueryError> {
    match &mut expr.kind {
        Kind::Vector(selector) | Kind::Range { selector, .. } => Ok(&mut selector.time),
        Kind::Subquery { time, .. } => Ok(time),
        _ => Err(QueryError::invalid(place, format!("{what} can only follow a selector or a subquery"))),
    }
}
