//! Binary operators: numbers with numbers, numbers with vectors, vectors with vectors.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use watchtower_model::{Labels, METRIC_NAME};

use super::{Dialect, Evaluator, Point, Value};
use crate::ast::{BinaryOp, Cardinality, Expr, Matching};
use crate::error::QueryError;

/// Slots of a node's derived labels: 0 is for results.
const LEFT: u8 = 1;
const RIGHT: u8 = 2;

impl Evaluator<'_> {
    pub(super) fn binary(
        &mut self,
        node: &Expr,
        op: BinaryOp,
        (lhs, rhs): (&Expr, &Expr),
        as_bool: bool,
        matching: &Matching,
        t: i64,
    ) -> Result<Value, QueryError> {
        match (self.eval(lhs, t)?, self.eval(rhs, t)?) {
            (Value::Scalar(a), Value::Scalar(b)) => Ok(Value::Scalar(number(op, a, b))),
            (Value::Vector(points), Value::Scalar(b)) => {
                self.with_scalar(node, op, points, as_bool, |v| (v, b))
            }
            (Value::Scalar(a), Value::Vector(points)) => {
                self.with_scalar(node, op, points, as_bool, |v| (a, v))
            }
            (Value::Vector(a), Value::Vector(b)) if op.is_set() => {
                Ok(Value::Vector(self.set(node, op, a, b, matching)))
            }
            (Value::Vector(a), Value::Vector(b)) => {
                self.vectors(node, op, a, b, as_bool, matching).map(Value::Vector)
            }
            _ => Err(QueryError::invalid(node.span, "strings have no operators")),
        }
    }

    fn with_scalar(
        &mut self,
        node: &Expr,
        op: BinaryOp,
        points: Vec<Point>,
        as_bool: bool,
        operands: impl Fn(f64) -> (f64, f64),
    ) -> Result<Value, QueryError> {
        if op.is_comparison() && !as_bool {
            // A filter keeps the element as it is, name and all.
            let keeps = |p: &Point| {
                let (a, b) = operands(p.v);
                number(op, a, b) == 1.0
            };
            return Ok(Value::Vector(points.into_iter().filter(keeps).collect()));
        }
        let computed = |v| {
            let (a, b) = operands(v);
            Some(number(op, a, b))
        };
        if !self.drops_name(op, as_bool) {
            let computed = points.into_iter().filter_map(|p| computed(p.v).map(|v| Point { v, ..p }));
            return Ok(Value::Vector(computed.collect()));
        }
        self.map_values(node, points, computed).map(Value::Vector)
    }

    /// A filter keeps the element as it is; what is computed is no longer the metric.
    pub(super) fn drops_name(&self, op: BinaryOp, as_bool: bool) -> bool {
        let forgotten = op == BinaryOp::Atan2 && self.settings.dialect == Dialect::Prometheus2;
        as_bool || !(op.is_comparison() || forgotten)
    }

    /// The number of the label set that decides what an element is paired with.
    fn signature(&mut self, node: &Expr, labels: &Arc<Labels>, matching: &Matching) -> u32 {
        self.groups.entry((node, LEFT)).or_default().group(labels, |labels| {
            if matching.on {
                labels.only(&matching.labels)
            } else {
                Self::without(labels, &matching.labels, &[METRIC_NAME])
            }
        })
    }

    fn set(
        &mut self,
        node: &Expr,
        op: BinaryOp,
        a: Vec<Point>,
        b: Vec<Point>,
        matching: &Matching,
    ) -> Vec<Point> {
        let signatures = |eval: &mut Self, points: &[Point]| -> HashSet<u32> {
            points.iter().map(|p| eval.signature(node, &p.labels, matching)).collect()
        };
        if op == BinaryOp::Or {
            let left = signatures(self, &a);
            let mut all = a;
            all.extend(b.into_iter().filter(|p| !left.contains(&self.signature(node, &p.labels, matching))));
            return all;
        }
        let right = signatures(self, &b);
        let wanted = op == BinaryOp::And;
        a.into_iter()
            .filter(|p| right.contains(&self.signature(node, &p.labels, matching)) == wanted)
            .collect()
    }

    fn vectors(
        &mut self,
        node: &Expr,
        op: BinaryOp,
        a: Vec<Point>,
        b: Vec<Point>,
        as_bool: bool,
        matching: &Matching,
    ) -> Result<Vec<Point>, QueryError> {
        // As in Prometheus, before anything is found to be ambiguous.
        if a.is_empty() || b.is_empty() {
            return Ok(Vec::new());
        }
        let swapped = matching.cardinality == Cardinality::OneToMany;
        let (many, one) = if swapped { (b, a) } else { (a, b) };
        let one = self.by_signature(node, one, matching, if swapped { "left" } else { "right" })?;
        let mut taken = HashSet::new();
        let mut seen = HashSet::new();
        let mut out = Vec::new();
        for point in many {
            let signature = self.signature(node, &point.labels, matching);
            let Some(partner) = one.get(&signature) else { continue };
            let (l, r) = if swapped { (partner.v, point.v) } else { (point.v, partner.v) };
            let result = number(op, l, r);
            let filter = op.is_comparison() && !as_bool;
            if filter && result != 1.0 {
                continue;
            }
            if matching.cardinality == Cardinality::OneToOne && !taken.insert(signature) {
                let message = "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)";
                return Err(QueryError::execution(node.span, message));
            }
            let drop_name = self.drops_name(op, as_bool);
            let labels = self.result_labels(node, &point.labels, &partner.labels, drop_name, matching);
            if !seen.insert(Arc::as_ptr(&labels)) {
                let message = "multiple matches for labels: grouping labels must ensure unique matches";
                return Err(QueryError::execution(node.span, message));
            }
            out.push(Point { labels, v: if filter { l } else { result } });
        }
        Ok(out)
    }

    fn by_signature(
        &mut self,
        node: &Expr,
        points: Vec<Point>,
        matching: &Matching,
        side: &str,
    ) -> Result<HashMap<u32, Point>, QueryError> {
        let mut all: HashMap<u32, Point> = HashMap::with_capacity(points.len());
        for point in points {
            let signature = self.signature(node, &point.labels, matching);
            if let Some(other) = all.get(&signature) {
                let group = match self.groups.get(&(std::ptr::from_ref(node), LEFT)) {
                    Some(groups) => groups.labels(signature).to_string(),
                    None => String::new(),
                };
                let message = format!(
                    "found duplicate series for the match group {group} on the {side} hand-side of the operation: \
                     [{}, {}]; many-to-many matching not allowed: matching labels must be unique on one side",
                    point.labels, other.labels
                );
                return Err(QueryError::execution(node.span, message));
            }
            all.insert(signature, point);
        }
        Ok(all)
    }

    /// Labels of a pair's result. Equal label sets share one allocation, so that they can be told apart by address.
    fn result_labels(
        &mut self,
        node: &Expr,
        many: &Arc<Labels>,
        one: &Arc<Labels>,
        drop_name: bool,
        matching: &Matching,
    ) -> Arc<Labels> {
        let derive = |many: &Labels| result(many, one, drop_name, matching);
        if matching.include.is_empty() {
            let groups = self.groups.entry((node, 0)).or_default();
            let group = groups.group(many, derive);
            return Arc::clone(groups.labels(group));
        }
        // Labels taken over may change with the partner: derived anew, and made one by their content.
        let fresh = Arc::new(derive(many));
        let groups = self.groups.entry((node, RIGHT)).or_default();
        let group = groups.group_by_content(&fresh);
        Arc::clone(groups.labels(group))
    }
}

fn result(many: &Labels, one: &Labels, drop_name: bool, matching: &Matching) -> Labels {
    let mut builder = many.to_builder();
    if drop_name {
        builder.remove(METRIC_NAME);
    }
    if matching.cardinality == Cardinality::OneToOne {
        for (name, _) in many.iter() {
            if matching.labels.iter().any(|l| l == name) != matching.on {
                builder.remove(name);
            }
        }
    }
    for name in &matching.include {
        builder.set(name, one.get(name).unwrap_or(""));
    }
    builder.build()
}

/// The result for two numbers; comparisons give 1 or 0.
pub(super) fn number(op: BinaryOp, a: f64, b: f64) -> f64 {
    let truth = |holds: bool| if holds { 1.0 } else { 0.0 };
    match op {
        BinaryOp::Add => a + b,
        BinaryOp::Sub => a - b,
        BinaryOp::Mul => a * b,
        BinaryOp::Div => a / b,
        BinaryOp::Mod => a % b,
        BinaryOp::Pow => a.powf(b),
        BinaryOp::Atan2 => a.atan2(b),
        BinaryOp::Eq => truth(a == b),
        BinaryOp::Ne => truth(a != b),
        BinaryOp::Lt => truth(a < b),
        BinaryOp::Le => truth(a <= b),
        BinaryOp::Gt => truth(a > b),
        BinaryOp::Ge => truth(a >= b),
        BinaryOp::Or | BinaryOp::And | BinaryOp::Unless => f64::NAN,
    }
}
