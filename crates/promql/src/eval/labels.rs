//! `label_replace` and `label_join`.

use std::sync::Arc;

use regex_automata::meta::Regex;
use regex_automata::util::captures::Captures;
use watchtower_matchers::{Matcher, Op};
use watchtower_model::{Labels, is_label_name};

use super::{Evaluator, Point, Value};
use crate::ast::Expr;
use crate::error::QueryError;

impl Evaluator<'_> {
    pub(super) fn label_replace(
        &mut self,
        node: &Expr,
        args: &[Expr],
        t: i64,
    ) -> Result<Vec<Point>, QueryError> {
        let points = self.vector(&args[0], t)?;
        let target = self.label_name(&args[1], t)?;
        let (replacement, source) = (self.text(&args[2], t)?, self.text(&args[3], t)?);
        let regex = self.regex(&args[4], t)?;
        self.relabel(node, points, |labels| {
            let value = labels.get(&source).unwrap_or("");
            let mut captures = regex.create_captures();
            regex.captures(value, &mut captures);
            if !captures.is_match() {
                return labels.clone();
            }
            let mut new = String::new();
            interpolate(&captures, value, &replacement, &mut new);
            let mut builder = labels.to_builder();
            builder.set(&target, &new);
            builder.build()
        })
    }

    pub(super) fn label_join(
        &mut self,
        node: &Expr,
        args: &[Expr],
        t: i64,
    ) -> Result<Vec<Point>, QueryError> {
        let points = self.vector(&args[0], t)?;
        let target = self.label_name(&args[1], t)?;
        let separator = self.text(&args[2], t)?;
        let sources = args[3..].iter().map(|a| self.text(a, t)).collect::<Result<Vec<_>, _>>()?;
        self.relabel(node, points, |labels| {
            let values: Vec<&str> = sources.iter().map(|s| labels.get(s).unwrap_or("")).collect();
            let mut builder = labels.to_builder();
            builder.set(&target, &values.join(&separator));
            builder.build()
        })
    }

    pub(super) fn text(&mut self, expr: &Expr, t: i64) -> Result<String, QueryError> {
        match self.eval(expr, t)? {
            Value::String(text) => Ok(text),
            _ => Err(QueryError::invalid(expr.span, "expected a string")),
        }
    }

    pub(super) fn label_name(&mut self, expr: &Expr, t: i64) -> Result<String, QueryError> {
        let name = self.text(expr, t)?;
        if is_label_name(&name) {
            return Ok(name);
        }
        Err(QueryError::execution(expr.span, format!("invalid label name {name:?}")))
    }

    fn regex(&mut self, expr: &Expr, t: i64) -> Result<Arc<Regex>, QueryError> {
        if let Some(regex) = self.regexes.get(&std::ptr::from_ref(expr)) {
            return Ok(Arc::clone(regex));
        }
        let pattern = self.text(expr, t)?;
        // The matcher knows the limits and says what is wrong with a pattern.
        Matcher::new("", Op::Re, pattern.as_str())
            .map_err(|e| QueryError::execution(expr.span, e.to_string()))?;
        let regex = Regex::new(&format!("^(?s:{pattern})$"));
        let regex = Arc::new(regex.map_err(|e| QueryError::execution(expr.span, e.to_string()))?);
        self.regexes.insert(expr, Arc::clone(&regex));
        Ok(regex)
    }

    /// Labels of a series without those named.
    pub(super) fn without(labels: &Labels, names: &[String], also: &[&str]) -> Labels {
        let names: Vec<&str> = names.iter().map(String::as_str).chain(also.iter().copied()).collect();
        labels.without(&names)
    }
}

/// Expands `$1`, `$name`, `${name}` and `$$`.
fn interpolate(captures: &Captures, value: &str, replacement: &str, out: &mut String) {
    let group_names = |name: &str| {
        let info = captures.group_info();
        captures.pattern().and_then(|pattern| info.to_index(pattern, name))
    };
    let append = |index: usize, out: &mut String| {
        if let Some(span) = captures.get_group(index) {
            out.push_str(&value[span.range()]);
        }
    };
    regex_automata::util::interpolate::string(replacement, append, group_names, out);
}
