//! Tokens to a tree: a Pratt parser. `selector` reads vectors, `atom` everything else that is no operator.
//!
//! Invariant: a tree that is returned is well typed (see `check`).

mod atom;
mod selector;

use watchtower_matchers::Matchers;

use crate::ast::{BinaryOp, Cardinality, Expr, Kind, Matching, Span, UNARY_PRECEDENCE};
use crate::check::check;
use crate::error::QueryError;
use crate::lex::{Token, lex};
use crate::{DEPTH_MAX, QUERY_BYTES_MAX};

/// Parses and checks one expression.
pub fn parse(text: &str) -> Result<Expr, QueryError> {
    let mut parser = Parser::new(text)?;
    let expr = parser.expr(0)?;
    parser.expect_end()?;
    check(&expr)?;
    Ok(expr)
}

/// Parses a bare selector such as `up{job="node"}`: what `match[]` of Prometheus' API takes.
pub fn parse_selector(text: &str) -> Result<Matchers, QueryError> {
    let expr = parse(text)?;
    match expr.kind {
        Kind::Vector(selector) if selector.time == Default::default() => Ok(selector.matchers),
        _ => Err(QueryError::invalid(expr.span, "expected a series selector such as up{job=\"node\"}")),
    }
}

pub(crate) struct Parser {
    tokens: Vec<(Token, Span)>,
    at: usize,
    depth: usize,
}

impl Parser {
    fn new(text: &str) -> Result<Self, QueryError> {
        if text.len() > QUERY_BYTES_MAX {
            let message = format!("the query is longer than {QUERY_BYTES_MAX} bytes");
            return Err(QueryError::invalid(Span { start: 0, end: text.len() }, message));
        }
        Ok(Parser { tokens: lex(text)?, at: 0, depth: 0 })
    }

    fn token(&self) -> &Token {
        &self.tokens[self.at].0
    }

    fn span(&self) -> Span {
        self.tokens[self.at].1
    }

    fn next(&mut self) -> (Token, Span) {
        let token = self.tokens[self.at].clone();
        // The last token is the end, and stays.
        self.at = (self.at + 1).min(self.tokens.len() - 1);
        token
    }

    fn last_span(&self) -> Span {
        self.tokens[self.at.saturating_sub(1)].1
    }

    fn is_sign(&self, sign: &str) -> bool {
        matches!(self.token(), Token::Sign(s) if *s == sign)
    }

    fn eat_sign(&mut self, sign: &str) -> bool {
        let found = self.is_sign(sign);
        if found {
            self.next();
        }
        found
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.token(), Token::Word(w) if w.eq_ignore_ascii_case(word))
    }

    fn eat_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        if found {
            self.next();
        }
        found
    }

    fn expect_sign(&mut self, sign: &str, place: &str) -> Result<Span, QueryError> {
        if self.is_sign(sign) {
            return Ok(self.next().1);
        }
        Err(self.unexpected(&format!("{sign:?} {place}")))
    }

    fn expect_end(&self) -> Result<(), QueryError> {
        match self.token() {
            Token::End => Ok(()),
            _ => Err(self.unexpected("an operator or the end of the query")),
        }
    }

    fn unexpected(&self, wanted: &str) -> QueryError {
        let found = match self.token() {
            Token::Word(word) => format!("{word:?}"),
            Token::Number(n) => format!("number {n}"),
            Token::Duration(ms) => format!("duration {}", watchtower_model::format_duration_ms(*ms)),
            Token::String(s) => format!("string {s:?}"),
            Token::Sign(sign) => format!("{sign:?}"),
            Token::End => "the end of the query".to_string(),
        };
        QueryError::invalid(self.span(), format!("expected {wanted}, found {found}"))
    }

    /// An expression of operators that bind at least as tightly as `min`.
    fn expr(&mut self, min: u8) -> Result<Expr, QueryError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(QueryError::invalid(self.span(), format!("nested deeper than {DEPTH_MAX} levels")));
        }
        let mut lhs = self.operand()?;
        while let Some(op) = self.binary_op().filter(|op| op.precedence() >= min) {
            let op_span = self.next().1;
            let bool_modifier = self.bool_modifier(op)?;
            let matching = self.matching(op)?;
            // `^` groups to the right, all others to the left.
            let rhs = self.expr(op.precedence() + u8::from(op != BinaryOp::Pow))?;
            let span = lhs.span.to(rhs.span);
            if !matching.is_default() && (lhs.is_scalar() || rhs.is_scalar()) {
                return Err(QueryError::invalid(
                    op_span,
                    "vector matching is only possible between two vectors",
                ));
            }
            let (lhs_box, rhs) = (Box::new(lhs), Box::new(rhs));
            lhs = Expr { span, kind: Kind::Binary { op, lhs: lhs_box, rhs, bool_modifier, matching } };
        }
        self.depth -= 1;
        Ok(lhs)
    }

    fn operand(&mut self) -> Result<Expr, QueryError> {
        let start = self.span();
        let negate = self.is_sign("-");
        if !negate && !self.is_sign("+") {
            let atom = self.atom()?;
            return self.postfix(atom);
        }
        self.next();
        let inner = self.expr(UNARY_PRECEDENCE)?;
        let span = start.to(inner.span);
        // A literal takes its sign in, so that -1 stays a number for those who look for one.
        let kind = match inner.kind {
            Kind::Number(n) if negate => Kind::Number(-n),
            Kind::Number(n) => Kind::Number(n),
            _ if negate => Kind::Negate(Box::new(inner)),
            _ => Kind::Plus(Box::new(inner)),
        };
        Ok(Expr { span, kind })
    }

    fn binary_op(&self) -> Option<BinaryOp> {
        let text = match self.token() {
            Token::Sign(sign) => *sign,
            Token::Word(word) => word.as_str(),
            _ => return None,
        };
        use BinaryOp::{Add, And, Atan2, Div, Eq, Ge, Gt, Le, Lt, Mod, Mul, Ne, Or, Pow, Sub, Unless};
        [Or, And, Unless, Eq, Ne, Lt, Le, Gt, Ge, Add, Sub, Mul, Div, Mod, Atan2, Pow]
            .into_iter()
            .find(|op| op.as_str().eq_ignore_ascii_case(text))
    }

    fn bool_modifier(&mut self, op: BinaryOp) -> Result<bool, QueryError> {
        if !self.is_word("bool") {
            return Ok(false);
        }
        if !op.is_comparison() {
            return Err(QueryError::invalid(self.span(), "bool can only follow a comparison operator"));
        }
        self.next();
        Ok(true)
    }

    fn matching(&mut self, op: BinaryOp) -> Result<Matching, QueryError> {
        let mut matching = Matching::default();
        if self.is_word("on") || self.is_word("ignoring") {
            matching.on = self.is_word("on");
            self.next();
            matching.labels = self.label_list()?;
        } else {
            return Ok(matching);
        }
        let group = self.span();
        if self.eat_word("group_left") {
            matching.cardinality = Cardinality::ManyToOne;
        } else if self.eat_word("group_right") {
            matching.cardinality = Cardinality::OneToMany;
        } else {
            return Ok(matching);
        }
        if op.is_set() {
            return Err(QueryError::invalid(group, format!("no grouping is allowed for {:?}", op.as_str())));
        }
        if self.is_sign("(") {
            matching.include = self.label_list()?;
        }
        let both = matching.include.iter().find(|l| matching.on && matching.labels.contains(l));
        if let Some(label) = both {
            let message = format!("label {label:?} must not be in both the on and the group clause");
            return Err(QueryError::invalid(group, message));
        }
        Ok(matching)
    }
}

impl Expr {
    fn is_scalar(&self) -> bool {
        self.result_type() == crate::ast::Type::Scalar
    }
}

#[cfg(test)]
mod tests;
