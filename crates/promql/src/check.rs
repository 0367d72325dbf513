//! Types of arguments and operands; every complaint names the part it is about.

use crate::ast::{BinaryOp, Expr, Kind, Span, Type};
use crate::error::QueryError;
use crate::functions::Function;

/// Fails at the first part whose type does not fit.
pub(crate) fn check(expr: &Expr) -> Result<(), QueryError> {
    for child in expr.children() {
        check(child)?;
    }
    match &expr.kind {
        Kind::Negate(inner) | Kind::Plus(inner) => match inner.result_type() {
            Type::Scalar | Type::Vector => Ok(()),
            other => Err(QueryError::invalid(
                inner.span,
                format!("a sign needs a scalar or an instant vector, found a {}", other.name()),
            )),
        },
        Kind::Call { function, args } => check_call(expr.span, function, args),
        Kind::Aggregate { op, param, expr, .. } => {
            expect(expr, Type::Vector, op.name())?;
            match (param, op.param()) {
                (Some(param), Some(wanted)) => expect(param, wanted, op.name()),
                _ => Ok(()),
            }
        }
        Kind::Binary { op, lhs, rhs, bool_modifier, .. } => {
            check_binary(expr.span, *op, lhs, rhs, *bool_modifier)
        }
        Kind::Subquery { expr, .. } => expect(expr, Type::Vector, "a subquery"),
        _ => Ok(()),
    }
}

fn expect(expr: &Expr, wanted: Type, place: &str) -> Result<(), QueryError> {
    let found = expr.result_type();
    if found == wanted {
        return Ok(());
    }
    let message = format!(
        "{place} needs {} {}, found {} {}",
        article(wanted),
        wanted.name(),
        article(found),
        found.name()
    );
    Err(QueryError::invalid(expr.span, message))
}

fn article(of: Type) -> &'static str {
    if of == Type::Vector { "an" } else { "a" }
}

fn check_call(span: Span, function: &Function, args: &[Expr]) -> Result<(), QueryError> {
    let most = function.args.len();
    let least = most - function.optional;
    if args.len() < least || (args.len() > most && !function.variadic) {
        let wanted = match (function.variadic, least == most) {
            (true, _) => format!("at least {least}"),
            (false, true) => format!("{most}"),
            (false, false) => format!("{least} to {most}"),
        };
        let message = format!("{} takes {wanted} argument(s), found {}", function.name, args.len());
        return Err(QueryError::invalid(span, message));
    }
    for (i, arg) in args.iter().enumerate() {
        expect(arg, function.args[i.min(most - 1)], function.name)?;
    }
    Ok(())
}

fn check_binary(
    span: Span,
    op: BinaryOp,
    lhs: &Expr,
    rhs: &Expr,
    bool_modifier: bool,
) -> Result<(), QueryError> {
    for side in [lhs, rhs] {
        let found = side.result_type();
        if !matches!(found, Type::Scalar | Type::Vector) {
            let message =
                format!("{:?} needs scalars or instant vectors, found a {}", op.as_str(), found.name());
            return Err(QueryError::invalid(side.span, message));
        }
        if op.is_set() && found == Type::Scalar {
            let message = format!("set operator {:?} is not possible with a scalar", op.as_str());
            return Err(QueryError::invalid(side.span, message));
        }
    }
    let scalars = lhs.result_type() == Type::Scalar && rhs.result_type() == Type::Scalar;
    if op.is_comparison() && scalars && !bool_modifier {
        let message = format!("a comparison of two scalars needs bool: write {} bool", op.as_str());
        return Err(QueryError::invalid(span, message));
    }
    Ok(())
}
