//! The expression tree. Spans are byte offsets into the parsed text and do not take part in equality.

use watchtower_matchers::Matchers;

use crate::functions::Function;

#[derive(Clone, Copy, Debug, Default)]
pub struct Span {
    pub start: usize,
    pub end: usize,
}

impl Span {
    pub(crate) fn to(self, end: Span) -> Span {
        Span { start: self.start, end: end.end }
    }
}

/// Two trees are the same query wherever they stood in their texts.
impl PartialEq for Span {
    fn eq(&self, _: &Span) -> bool {
        true
    }
}

impl Eq for Span {}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    Scalar,
    Vector,
    Range,
    String,
}

impl Type {
    pub fn name(self) -> &'static str {
        match self {
            Type::Scalar => "scalar",
            Type::Vector => "instant vector",
            Type::Range => "range vector",
            Type::String => "string",
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    pub span: Span,
    pub kind: Kind,
}

#[derive(Clone, Debug)]
pub enum Kind {
    Number(f64),
    String(String),
    Vector(Selector),
    Range { selector: Selector, range_ms: i64 },
    Subquery { expr: Box<Expr>, range_ms: i64, step_ms: Option<i64>, time: TimeShift },
    Negate(Box<Expr>),
    Plus(Box<Expr>),
    Paren(Box<Expr>),
    Call { function: &'static Function, args: Vec<Expr> },
    Aggregate { op: AggregateOp, param: Option<Box<Expr>>, expr: Box<Expr>, grouping: Grouping },
    Binary { op: BinaryOp, lhs: Box<Expr>, rhs: Box<Expr>, bool_modifier: bool, matching: Matching },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector {
    /// With the metric name as a matcher on `__name__`.
    pub matchers: Matchers,
    pub time: TimeShift,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimeShift {
    /// Positive looks into the past.
    pub offset_ms: i64,
    pub at: Option<At>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// Milliseconds since the epoch.
    Time(i64),
    Start,
    End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AggregateOp {
    Sum,
    Avg,
    Min,
    Max,
    Count,
    Group,
    Stddev,
    Stdvar,
    Topk,
    Bottomk,
    Limitk,
    Quantile,
    CountValues,
}

impl AggregateOp {
    pub const ALL: [AggregateOp; 13] = [
        AggregateOp::Sum,
        AggregateOp::Avg,
        AggregateOp::Min,
        AggregateOp::Max,
        AggregateOp::Count,
        AggregateOp::Group,
        AggregateOp::Stddev,
        AggregateOp::Stdvar,
        AggregateOp::Topk,
        AggregateOp::Bottomk,
        AggregateOp::Limitk,
        AggregateOp::Quantile,
        AggregateOp::CountValues,
    ];

    pub fn name(self) -> &'static str {
        match self {
            AggregateOp::Sum => "sum",
            AggregateOp::Avg => "avg",
            AggregateOp::Min => "min",
            AggregateOp::Max => "max",
            AggregateOp::Count => "count",
            AggregateOp::Group => "group",
            AggregateOp::Stddev => "stddev",
            AggregateOp::Stdvar => "stdvar",
            AggregateOp::Topk => "topk",
            AggregateOp::Bottomk => "bottomk",
            AggregateOp::Limitk => "limitk",
            AggregateOp::Quantile => "quantile",
            AggregateOp::CountValues => "count_values",
        }
    }

    /// The type of the parameter in front of the vector.
    pub fn param(self) -> Option<Type> {
        match self {
            AggregateOp::Topk | AggregateOp::Bottomk | AggregateOp::Limitk | AggregateOp::Quantile => {
                Some(Type::Scalar)
            }
            AggregateOp::CountValues => Some(Type::String),
            _ => None,
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grouping {
    pub without: bool,
    pub labels: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    Or,
    And,
    Unless,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    Atan2,
    Pow,
}

impl BinaryOp {
    pub fn as_str(self) -> &'static str {
        match self {
            BinaryOp::Or => "or",
            BinaryOp::And => "and",
            BinaryOp::Unless => "unless",
            BinaryOp::Eq => "==",
            BinaryOp::Ne => "!=",
            BinaryOp::Lt => "<",
            BinaryOp::Le => "<=",
            BinaryOp::Gt => ">",
            BinaryOp::Ge => ">=",
            BinaryOp::Add => "+",
            BinaryOp::Sub => "-",
            BinaryOp::Mul => "*",
            BinaryOp::Div => "/",
            BinaryOp::Mod => "%",
            BinaryOp::Atan2 => "atan2",
            BinaryOp::Pow => "^",
        }
    }

    pub fn is_set(self) -> bool {
        matches!(self, BinaryOp::Or | BinaryOp::And | BinaryOp::Unless)
    }

    pub fn is_comparison(self) -> bool {
        use BinaryOp::{Eq, Ge, Gt, Le, Lt, Ne};
        matches!(self, Eq | Ne | Lt | Le | Gt | Ge)
    }

    /// Greater binds tighter. Only `^` groups to the right.
    pub(crate) fn precedence(self) -> u8 {
        use BinaryOp::{Add, And, Atan2, Div, Mod, Mul, Or, Pow, Sub, Unless};
        match self {
            Or => 1,
            And | Unless => 2,
            Add | Sub => 4,
            Mul | Div | Mod | Atan2 => 5,
            Pow => 7,
            _ => 3,
        }
    }
}

/// Unary minus binds tighter than `*`, looser than `^`.
pub(crate) const UNARY_PRECEDENCE: u8 = 6;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cardinality {
    #[default]
    OneToOne,
    /// `group_left`
    ManyToOne,
    /// `group_right`
    OneToMany,
}

/// How two vectors find their pairs. The default ignores nothing but the metric name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matching {
    pub on: bool,
    pub labels: Vec<String>,
    pub cardinality: Cardinality,
    /// Labels taken over from the "one" side.
    pub include: Vec<String>,
}

impl Matching {
    pub fn is_default(&self) -> bool {
        *self == Matching::default()
    }
}

/// NaN equals NaN here: this is about the text, not the number.
impl PartialEq for Kind {
    fn eq(&self, other: &Kind) -> bool {
        match (self, other) {
            (Kind::Number(a), Kind::Number(b)) => a == b || (a.is_nan() && b.is_nan()),
            (Kind::String(a), Kind::String(b)) => a == b,
            (Kind::Vector(a), Kind::Vector(b)) => a == b,
            (Kind::Range { selector: a, range_ms: x }, Kind::Range { selector: b, range_ms: y }) => {
                (a, x) == (b, y)
            }
            (
                Kind::Subquery { expr: a, range_ms: r, step_ms: s, time: t },
                Kind::Subquery { expr: b, range_ms: r2, step_ms: s2, time: t2 },
            ) => (a, r, s, t) == (b, r2, s2, t2),
            (Kind::Negate(a), Kind::Negate(b))
            | (Kind::Plus(a), Kind::Plus(b))
            | (Kind::Paren(a), Kind::Paren(b)) => a == b,
            (Kind::Call { function: f, args: a }, Kind::Call { function: g, args: b }) => {
                f.name == g.name && a == b
            }
            (
                Kind::Aggregate { op: a, param: b, expr: c, grouping: d },
                Kind::Aggregate { op: a2, param: b2, expr: c2, grouping: d2 },
            ) => (a, b, c, d) == (a2, b2, c2, d2),
            (
                Kind::Binary { op: a, lhs: b, rhs: c, bool_modifier: d, matching: e },
                Kind::Binary { op: a2, lhs: b2, rhs: c2, bool_modifier: d2, matching: e2 },
            ) => (a, b, c, d, e) == (a2, b2, c2, d2, e2),
            _ => false,
        }
    }
}

impl Expr {
    pub fn result_type(&self) -> Type {
        match &self.kind {
            Kind::Number(_) => Type::Scalar,
            Kind::String(_) => Type::String,
            Kind::Vector(_) | Kind::Aggregate { .. } => Type::Vector,
            Kind::Range { .. } | Kind::Subquery { .. } => Type::Range,
            Kind::Negate(e) | Kind::Plus(e) | Kind::Paren(e) => e.result_type(),
            Kind::Call { function, .. } => function.returns,
            Kind::Binary { lhs, rhs, .. } => match (lhs.result_type(), rhs.result_type()) {
                (Type::Scalar, Type::Scalar) => Type::Scalar,
                _ => Type::Vector,
            },
        }
    }

    /// The expression inside any parentheses.
    pub fn bare(&self) -> &Expr {
        match &self.kind {
            Kind::Paren(inner) => inner.bare(),
            _ => self,
        }
    }

    /// Direct parts, in reading order.
    pub fn children(&self) -> Vec<&Expr> {
        match &self.kind {
            Kind::Number(_) | Kind::String(_) | Kind::Vector(_) | Kind::Range { .. } => Vec::new(),
            Kind::Subquery { expr, .. } | Kind::Negate(expr) | Kind::Plus(expr) | Kind::Paren(expr) => {
                vec![expr]
            }
            Kind::Call { args, .. } => args.iter().collect(),
            Kind::Aggregate { param, expr, .. } => param.iter().map(|p| &**p).chain([&**expr]).collect(),
            Kind::Binary { lhs, rhs, .. } => vec![lhs, rhs],
        }
    }
}
