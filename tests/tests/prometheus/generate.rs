//! Queries by chance over the series of `data`: mostly well formed, some not.

use crate::random::Random;

const METRICS: &[&str] = &[
    "requests_total",
    "requests_total",
    "temperature",
    "temperature",
    "level",
    "latency_seconds_bucket",
    "latency_seconds_count",
    "latency_seconds_sum",
    "build_info",
    "sparse",
    "moment_seconds",
    "half",
    "odd_bucket",
    "missing",
];
const MATCHERS: &[&str] = &[
    "job=\"api\"",
    "job!=\"api\"",
    "job=~\"a.*|web\"",
    "job!~\"w.b\"",
    "instance=\"host-1:9100\"",
    "instance=~\"host-[0-2]:9100\"",
    "instance!=\"\"",
    "code=\"200\"",
    "code=\"\"",
    "code=~\"5..|\"",
    "zone=\"ünï\"",
    "zone!~\"e.\"",
    "le=\"+Inf\"",
    "le=~\"0.*\"",
    "missing=\"x\"",
    "n=~\"[01]\"",
    "__name__=~\".+\"",
];
const LABELS: &[&str] = &["job", "instance", "code", "zone", "le", "version", "part", "n", "missing"];
const RANGES: &[&str] = &["15s", "40s", "1m", "2m30s", "5m", "7m", "20m", "1h"];
/// None is the reverse of a range: where a subquery begins just when the query does, 2.42 forgets its offset inside of it.
const OFFSETS: &[&str] = &["30s", "1m", "5m", "-45s", "-4m", "13m"];
const OVER_TIME: &[&str] = &[
    "rate",
    "rate",
    "increase",
    "irate",
    "delta",
    "idelta",
    "deriv",
    "changes",
    "resets",
    "avg_over_time",
    "min_over_time",
    "max_over_time",
    "sum_over_time",
    "count_over_time",
    "last_over_time",
    "present_over_time",
    "absent_over_time",
];
const OF_ONE: &[&str] = &[
    "abs",
    "sqrt",
    "exp",
    "ln",
    "log2",
    "log10",
    "sgn",
    "sin",
    "cos",
    "tan",
    "asin",
    "acos",
    "atan",
    "sinh",
    "cosh",
    "tanh",
    "asinh",
    "acosh",
    "atanh",
    "deg",
    "rad",
    "sort",
    "sort_desc",
    "absent",
];
const DATES: &[&str] =
    &["minute", "hour", "day_of_week", "day_of_month", "day_of_year", "month", "year", "days_in_month"];
const AGGREGATES: &[&str] = &["sum", "avg", "min", "max", "count", "group"];
const ARITHMETIC: &[&str] = &["+", "-", "*", "/", "^", "atan2"];
const COMPARISONS: &[&str] = &["==", "!=", "<", "<=", ">", ">="];
const NUMBERS: &[&str] =
    &["0", "1", "2", "0.5", "-1", "3.25", "1e3", "0x10", "NaN", "Inf", "-Inf", "100", "20"];
const BROKEN: &[&str] = &[
    "sum(",
    "rate(requests_total)",
    "rate(requests_total[5m]",
    "requests_total[5m]",
    "unknown(temperature)",
    "sum by job (temperature)",
    "temperature{job=\"api\"",
    "temperature{}{}",
    "{job=~\".*\"}",
    "{__name__=\"a\", __name__=\"b\"}",
    "temperature == bool",
    "1 == 2",
    "1 and 2",
    "temperature and 1",
    "\"text\" + 1",
    "\"text\"",
    "topk(temperature)",
    "topk(NaN, temperature)",
    "quantile(0.5)",
    "label_replace(temperature, \"job\", \"$1\", \"instance\")",
    "label_replace(temperature, \"~bad\", \"$1\", \"instance\", \"(.*)\")",
    "label_replace(temperature, \"job\", \"$1\", \"instance\", \"(.*\")",
    "label_join(temperature, \"\", \"-\", \"job\")",
    "count_values(\"1bad\", temperature)",
    "temperature offset",
    "temperature offset 5m offset 1m",
    "rate(temperature[5m])[10m]",
    "temperature[0s]",
    "temperature[5m:0s]",
    "-\"text\"",
    "temperature + on (job) temperature",
    "requests_total * on (instance) temperature",
    "requests_total + on (job) group_left temperature",
    "requests_total * on (job) group_left (job) temperature",
    "requests_total and on (job) group_left temperature",
    "label_replace(temperature, \"instance\", \"one\", \"instance\", \".*\")",
    "{__name__=~\"latency_seconds_.*\"} * 2",
    "rate({__name__=~\"latency_seconds_(sum|count)\"}[5m])",
    "sum(temperature) by (job) by (job)",
    "sum without (job temperature)",
    "histogram_quantile(temperature, latency_seconds_bucket)",
    "scalar(5)",
    "vector(temperature)",
    "time(1)",
    "temperature @ foo",
    "temperature @ 1e400",
    "sum_over_time((temperature + 1)[5m:1m]) bool 1",
    "temperature !~ 1",
    "",
    "temperature[5m] offset 1m @ start() + 1",
    "holt_winters(temperature[5m], 2, 0.5)",
];

/// One query, and whether it is one of those written to fail.
pub struct Query {
    pub text: String,
    /// `topk` and `bottomk` may choose either of two equal elements.
    pub chooses: bool,
}

pub struct Generator<'a> {
    pub random: &'a mut Random,
    /// Seconds inside the data, for `@`.
    pub moments: Vec<String>,
    chooses: bool,
}

impl<'a> Generator<'a> {
    pub fn new(random: &'a mut Random, start_ms: i64) -> Self {
        let moment = |minute: i64| format!("{:.3}", (start_ms + minute * 60_000 + 321) as f64 / 1000.0);
        let mut moments: Vec<String> = [5, 30, 69].into_iter().map(moment).collect();
        moments.extend(["start()".to_string(), "end()".to_string()]);
        Generator { random, moments, chooses: false }
    }

    pub fn query(&mut self) -> Query {
        self.chooses = false;
        let text = match self.random.below(100) {
            0..4 => self.random.pick(BROKEN).to_string(),
            4..9 => self.scalar(3),
            9..11 => self.range(1),
            // Not inside others: its last digits depend on the order of the sum.
            11..14 => {
                let function = *self.random.pick(&["stddev_over_time", "stdvar_over_time"]);
                format!("{function}({}[{}]{})", self.selector(), self.random.pick(RANGES), self.modifiers())
            }
            _ => self.vector(3),
        };
        Query { text, chooses: self.chooses }
    }

    fn selector(&mut self) -> String {
        let mut matchers: Vec<&str> = Vec::new();
        while self.random.in_ten(3) {
            matchers.push(*self.random.pick(MATCHERS));
        }
        let metric = *self.random.pick(METRICS);
        if matchers.is_empty() { metric.to_string() } else { format!("{metric}{{{}}}", matchers.join(",")) }
    }

    fn modifiers(&mut self) -> String {
        let mut out = String::new();
        if self.random.in_ten(1) {
            out = format!(" @ {}", self.random.pick(&self.moments));
        }
        if self.random.in_ten(2) {
            out += &format!(" offset {}", self.random.pick(OFFSETS));
        }
        out
    }

    fn range(&mut self, depth: u32) -> String {
        let range = *self.random.pick(RANGES);
        if depth > 0 && self.random.in_ten(2) {
            let step = *self.random.pick(&["15s", "1m", "37s", ""]);
            return format!("({})[{range}:{step}]{}", self.vector(depth - 1), self.modifiers());
        }
        format!("{}[{range}]{}", self.selector(), self.modifiers())
    }

    fn scalar(&mut self, depth: u32) -> String {
        match self.random.below(8) {
            0 if depth > 0 => format!("scalar({})", self.vector(depth - 1)),
            1 => "time()".into(),
            2 => "pi()".into(),
            3 if depth > 0 => {
                format!(
                    "({} {} {})",
                    self.scalar(depth - 1),
                    self.random.pick(ARITHMETIC),
                    self.scalar(depth - 1)
                )
            }
            4 if depth > 0 => {
                let op = *self.random.pick(COMPARISONS);
                format!("({} {op} bool {})", self.scalar(depth - 1), self.scalar(depth - 1))
            }
            _ => self.random.pick(NUMBERS).to_string(),
        }
    }

    fn vector(&mut self, depth: u32) -> String {
        if depth == 0 {
            return format!("{}{}", self.selector(), self.modifiers());
        }
        match self.random.below(24) {
            0..5 => format!("{}({})", self.random.pick(OVER_TIME), self.range(depth - 1)),
            5 => self.over_time_with_number(depth - 1),
            6 => format!("{}({})", self.random.pick(OF_ONE), self.vector(depth - 1)),
            7 if self.random.in_ten(2) => format!("{} % {}", self.selector(), self.random.pick(NUMBERS)),
            7 => self.of_numbers(depth - 1),
            8..12 => self.aggregate(depth - 1),
            12..14 => {
                format!(
                    "{} {} {}",
                    self.operand(depth - 1),
                    self.random.pick(ARITHMETIC),
                    self.scalar(depth - 1)
                )
            }
            14 => {
                let as_bool = *self.random.pick(&["", "bool "]);
                let op = *self.random.pick(COMPARISONS);
                format!("{} {op} {as_bool}{}", self.operand(depth - 1), self.scalar(depth - 1))
            }
            15..18 => self.matched(depth - 1),
            18 => self.joined(),
            19 => self.histogram(depth - 1),
            20 => self.labels(depth - 1),
            21 => match self.random.below(4) {
                0 => format!("{}()", self.random.pick(DATES)),
                1 => format!("vector({})", self.scalar(depth - 1)),
                2 => format!("{}(moment_seconds)", self.random.pick(DATES)),
                // Of NaN and infinities Prometheus makes dates that depend on the processor.
                _ => format!("{}({})", self.random.pick(DATES), self.timestamp()),
            },
            22 if self.random.in_ten(5) => self.timestamp(),
            22 => format!("-{}", self.operand(depth - 1)),
            _ => format!("{}{}", self.selector(), self.modifiers()),
        }
    }

    /// Without @ and offset together, of which 2.42 takes the one and reads the samples of the other.
    fn timestamp(&mut self) -> String {
        let selector = self.selector();
        match self.random.below(3) {
            0 => format!("timestamp({selector})"),
            1 => format!("timestamp({selector} offset {})", self.random.pick(OFFSETS)),
            _ => format!("timestamp({selector} @ {})", self.random.pick(&self.moments)),
        }
    }

    fn operand(&mut self, depth: u32) -> String {
        let text = self.vector(depth);
        if self.random.in_ten(5) || text.contains(' ') || text.starts_with('-') {
            format!("({text})")
        } else {
            text
        }
    }

    fn over_time_with_number(&mut self, depth: u32) -> String {
        let range = self.range(depth);
        match self.random.below(3) {
            0 => {
                let q = *self.random.pick(&["0", "0.25", "0.5", "0.9", "1", "1.5", "-0.5", "NaN"]);
                format!("quantile_over_time({q}, {range})")
            }
            1 => {
                let ahead = *self.random.pick(&["0", "60", "3600", "-300"]);
                // With @ the window of 2.42 moves on with the steps.
                let range = *self.random.pick(RANGES);
                format!("predict_linear({}[{range}], {ahead})", self.selector())
            }
            _ => {
                let factor = *self.random.pick(&["0.1", "0.5", "0.9"]);
                format!("holt_winters({range}, {factor}, 0.3)")
            }
        }
    }

    fn of_numbers(&mut self, depth: u32) -> String {
        let vector = self.vector(depth);
        let (a, b) = (*self.random.pick(NUMBERS), *self.random.pick(NUMBERS));
        match self.random.below(5) {
            0 => format!("clamp({vector}, {a}, {b})"),
            1 => format!("clamp_min({vector}, {a})"),
            2 => format!("clamp_max({vector}, {a})"),
            // On a computed value the last digit would decide.
            3 => format!("round({}, {})", self.selector(), self.random.pick(&["1", "0.5", "2", "10"])),
            _ => format!("{}({})", self.random.pick(&["round", "ceil", "floor"]), self.selector()),
        }
    }

    fn label_list(&mut self) -> String {
        let mut labels = Vec::new();
        while self.random.in_ten(6) && labels.len() < 3 {
            labels.push(*self.random.pick(LABELS));
        }
        labels.join(", ")
    }

    fn grouping(&mut self) -> String {
        match self.random.below(3) {
            0 => String::new(),
            1 => format!(" by ({})", self.label_list()),
            _ => format!(" without ({})", self.label_list()),
        }
    }

    fn aggregate(&mut self, depth: u32) -> String {
        let (vector, grouping) = (self.vector(depth), self.grouping());
        match self.random.below(10) {
            0 => {
                self.chooses = true;
                let op = *self.random.pick(&["topk", "bottomk"]);
                format!("{op}{grouping} ({}, {vector})", self.random.pick(&["1", "2", "5", "0", "-1", "2.9"]))
            }
            1 => {
                let q = *self.random.pick(&["0", "0.25", "0.5", "0.9", "1", "1.5", "-0.5"]);
                format!("quantile{grouping} ({q}, {vector})")
            }
            // Of computed values the last digit would be told; and 2.42 mixes up groups with labels behind the new one.
            2 => {
                let grouping =
                    *self.random.pick(&["", " by (job)", " by (instance, job)", " without (instance)"]);
                format!("count_values{grouping} (\"value\", {})", self.selector())
            }
            // These lose the digits in which large values agree.
            3 => format!("{}{grouping} ({})", self.random.pick(&["stddev", "stdvar"]), self.selector()),
            _ => format!("{}{grouping} ({vector})", self.random.pick(AGGREGATES)),
        }
    }

    /// Two vectors that mostly fit together.
    fn matched(&mut self, depth: u32) -> String {
        let on = match self.random.below(4) {
            0 => String::new(),
            1 => format!(" ignoring ({})", self.label_list()),
            _ => format!(" on ({})", self.label_list()),
        };
        let op = match self.random.below(3) {
            0 => self.random.pick(&["and", "or", "unless"]).to_string(),
            1 => self.random.pick(ARITHMETIC).to_string(),
            _ => format!("{} {}", self.random.pick(COMPARISONS), self.random.pick(&["", "bool"])),
        };
        let left = self.operand(depth);
        // The same metric on both sides finds its pairs.
        let right = if self.random.in_ten(5) { left.clone() } else { self.operand(depth) };
        format!("{left} {op}{on} {right}")
    }

    fn joined(&mut self) -> String {
        let op = *self.random.pick(&["*", "+", "-", "==", "> bool"]);
        match self.random.below(3) {
            0 => format!("requests_total {op} on (job, instance) group_left (version) build_info"),
            1 => format!("build_info {op} on (job, instance) group_right () rate(requests_total[2m])"),
            _ => {
                format!("requests_total {op} ignoring (code) group_left sum without (code) (requests_total)")
            }
        }
    }

    fn histogram(&mut self, depth: u32) -> String {
        let q = *self.random.pick(&["0", "0.1", "0.5", "0.9", "0.99", "1", "2", "-1"]);
        let inner = match self.random.below(5) {
            0 => "latency_seconds_bucket".to_string(),
            1 => "sum by (le) (rate(latency_seconds_bucket[5m]))".to_string(),
            2 => "sum by (job, le) (increase(latency_seconds_bucket[2m]))".to_string(),
            3 => "odd_bucket".to_string(),
            _ => self.vector(depth),
        };
        format!("histogram_quantile({q}, {inner})")
    }

    fn labels(&mut self, depth: u32) -> String {
        let vector = self.vector(depth);
        match self.random.below(3) {
            0 => format!("label_join({vector}, \"joined\", \"-\", \"job\", \"instance\")"),
            1 => format!("label_replace({vector}, \"short\", \"$1-x\", \"instance\", \"host-(.*):.*\")"),
            _ => format!("label_replace({vector}, \"job\", \"${{1}}\", \"job\", \"(a)?.*\")"),
        }
    }
}
