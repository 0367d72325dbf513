//! The table of functions: names and types. What they compute is in `eval`.

use crate::ast::Type::{self, Range, Scalar, String, Vector};

/// Which computation stands behind a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Code {
    Rate,
    Irate,
    Increase,
    Delta,
    Idelta,
    Deriv,
    PredictLinear,
    Changes,
    Resets,
    AvgOverTime,
    MinOverTime,
    MaxOverTime,
    SumOverTime,
    CountOverTime,
    LastOverTime,
    StddevOverTime,
    StdvarOverTime,
    QuantileOverTime,
    PresentOverTime,
    AbsentOverTime,
    MadOverTime,
    Smoothing,
    Absent,
    ToScalar,
    ToVector,
    Time,
    Timestamp,
    Abs,
    Ceil,
    Floor,
    Round,
    Sqrt,
    Exp,
    Ln,
    Log2,
    Log10,
    Sgn,
    Sin,
    Cos,
    Tan,
    Asin,
    Acos,
    Atan,
    Sinh,
    Cosh,
    Tanh,
    Asinh,
    Acosh,
    Atanh,
    Deg,
    Rad,
    Pi,
    Clamp,
    ClampMin,
    ClampMax,
    Sort,
    SortDesc,
    SortByLabel,
    SortByLabelDesc,
    LabelReplace,
    LabelJoin,
    HistogramQuantile,
    Minute,
    Hour,
    DayOfWeek,
    DayOfMonth,
    DayOfYear,
    Month,
    Year,
    DaysInMonth,
}

#[derive(Debug)]
pub struct Function {
    pub name: &'static str,
    /// Types of the arguments; the last one repeats when `variadic`.
    pub args: &'static [Type],
    /// How many of the last arguments may be left out.
    pub optional: usize,
    pub variadic: bool,
    pub returns: Type,
    pub(crate) code: Code,
}

const fn f(name: &'static str, args: &'static [Type], returns: Type, code: Code) -> Function {
    Function { name, args, optional: 0, variadic: false, returns, code }
}

const fn optional(name: &'static str, args: &'static [Type], code: Code) -> Function {
    Function { name, args, optional: 1, variadic: false, returns: Vector, code }
}

/// The last argument may be left out, and may be repeated.
const fn variadic(name: &'static str, args: &'static [Type], code: Code) -> Function {
    Function { name, args, optional: 1, variadic: true, returns: Vector, code }
}

static FUNCTIONS: [Function; 71] = [
    f("rate", &[Range], Vector, Code::Rate),
    f("irate", &[Range], Vector, Code::Irate),
    f("increase", &[Range], Vector, Code::Increase),
    f("delta", &[Range], Vector, Code::Delta),
    f("idelta", &[Range], Vector, Code::Idelta),
    f("deriv", &[Range], Vector, Code::Deriv),
    f("predict_linear", &[Range, Scalar], Vector, Code::PredictLinear),
    f("changes", &[Range], Vector, Code::Changes),
    f("resets", &[Range], Vector, Code::Resets),
    f("avg_over_time", &[Range], Vector, Code::AvgOverTime),
    f("min_over_time", &[Range], Vector, Code::MinOverTime),
    f("max_over_time", &[Range], Vector, Code::MaxOverTime),
    f("sum_over_time", &[Range], Vector, Code::SumOverTime),
    f("count_over_time", &[Range], Vector, Code::CountOverTime),
    f("last_over_time", &[Range], Vector, Code::LastOverTime),
    f("stddev_over_time", &[Range], Vector, Code::StddevOverTime),
    f("stdvar_over_time", &[Range], Vector, Code::StdvarOverTime),
    f("quantile_over_time", &[Scalar, Range], Vector, Code::QuantileOverTime),
    f("present_over_time", &[Range], Vector, Code::PresentOverTime),
    f("absent_over_time", &[Range], Vector, Code::AbsentOverTime),
    f("mad_over_time", &[Range], Vector, Code::MadOverTime),
    f("double_exponential_smoothing", &[Range, Scalar, Scalar], Vector, Code::Smoothing),
    // Its name in Prometheus 2.
    f("holt_winters", &[Range, Scalar, Scalar], Vector, Code::Smoothing),
    f("absent", &[Vector], Vector, Code::Absent),
    f("scalar", &[Vector], Scalar, Code::ToScalar),
    f("vector", &[Scalar], Vector, Code::ToVector),
    f("time", &[], Scalar, Code::Time),
    f("timestamp", &[Vector], Vector, Code::Timestamp),
    f("abs", &[Vector], Vector, Code::Abs),
    f("ceil", &[Vector], Vector, Code::Ceil),
    f("floor", &[Vector], Vector, Code::Floor),
    optional("round", &[Vector, Scalar], Code::Round),
    f("sqrt", &[Vector], Vector, Code::Sqrt),
    f("exp", &[Vector], Vector, Code::Exp),
    f("ln", &[Vector], Vector, Code::Ln),
    f("log2", &[Vector], Vector, Code::Log2),
    f("log10", &[Vector], Vector, Code::Log10),
    f("sgn", &[Vector], Vector, Code::Sgn),
    f("sin", &[Vector], Vector, Code::Sin),
    f("cos", &[Vector], Vector, Code::Cos),
    f("tan", &[Vector], Vector, Code::Tan),
    f("asin", &[Vector], Vector, Code::Asin),
    f("acos", &[Vector], Vector, Code::Acos),
    f("atan", &[Vector], Vector, Code::Atan),
    f("sinh", &[Vector], Vector, Code::Sinh),
    f("cosh", &[Vector], Vector, Code::Cosh),
    f("tanh", &[Vector], Vector, Code::Tanh),
    f("asinh", &[Vector], Vector, Code::Asinh),
    f("acosh", &[Vector], Vector, Code::Acosh),
    f("atanh", &[Vector], Vector, Code::Atanh),
    f("deg", &[Vector], Vector, Code::Deg),
    f("rad", &[Vector], Vector, Code::Rad),
    f("pi", &[], Scalar, Code::Pi),
    f("clamp", &[Vector, Scalar, Scalar], Vector, Code::Clamp),
    f("clamp_min", &[Vector, Scalar], Vector, Code::ClampMin),
    f("clamp_max", &[Vector, Scalar], Vector, Code::ClampMax),
    f("sort", &[Vector], Vector, Code::Sort),
    f("sort_desc", &[Vector], Vector, Code::SortDesc),
    variadic("sort_by_label", &[Vector, String], Code::SortByLabel),
    variadic("sort_by_label_desc", &[Vector, String], Code::SortByLabelDesc),
    f("label_replace", &[Vector, String, String, String, String], Vector, Code::LabelReplace),
    variadic("label_join", &[Vector, String, String, String], Code::LabelJoin),
    f("histogram_quantile", &[Scalar, Vector], Vector, Code::HistogramQuantile),
    optional("minute", &[Vector], Code::Minute),
    optional("hour", &[Vector], Code::Hour),
    optional("day_of_week", &[Vector], Code::DayOfWeek),
    optional("day_of_month", &[Vector], Code::DayOfMonth),
    optional("day_of_year", &[Vector], Code::DayOfYear),
    optional("month", &[Vector], Code::Month),
    optional("year", &[Vector], Code::Year),
    optional("days_in_month", &[Vector], Code::DaysInMonth),
];

/// Functions of Prometheus that have nothing to work on here, and why.
const REFUSED: [(&str, &str); 9] = [
    ("histogram_avg", NATIVE),
    ("histogram_count", NATIVE),
    ("histogram_fraction", NATIVE),
    ("histogram_stddev", NATIVE),
    ("histogram_stdvar", NATIVE),
    ("histogram_sum", NATIVE),
    ("histogram_quantiles", NATIVE),
    ("info", "joins labels by an experimental rule of Prometheus: write group_left over the info metric"),
    ("limit_ratio", "samples by a hash that differs between versions of Prometheus: use limitk"),
];
const NATIVE: &str =
    "works on native histograms, which are not stored here: use classic buckets and histogram_quantile";

pub(crate) fn refused(name: &str) -> Option<&'static str> {
    REFUSED.iter().find(|(known, _)| *known == name).map(|(_, why)| *why)
}

pub(crate) fn find(name: &str) -> Option<&'static Function> {
    FUNCTIONS.iter().find(|f| f.name == name)
}

/// The known name that `name` is most likely a slip of.
pub(crate) fn nearest(name: &str) -> Option<&'static str> {
    let close =
        |f: &&Function| f.name.starts_with(name) || name.starts_with(f.name) || one_slip(name, f.name);
    FUNCTIONS.iter().find(close).map(|f| f.name)
}

/// One character changed, added, left out, or two swapped.
fn one_slip(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let same = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let (x, y) = (&a[same..], &b[same..]);
    let behind = |s: &[u8], n: usize| s.get(n..).map(<[u8]>::to_vec);
    behind(x, 1) == behind(y, 1)
        || behind(x, 1).as_deref() == Some(y)
        || Some(x) == behind(y, 1).as_deref()
        || (x.len() > 1 && y.len() > 1 && x[0] == y[1] && x[1] == y[0] && x[2..] == y[2..])
}
