//! OTLP/protobuf: `opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest`.

use super::request::{
    Double, HistogramPoint, KeyValue, Metric, MetricsRequest, NumberPoint, Points, Quantile, ResourceMetrics,
    ScopeMetrics, SummaryPoint, Uint, UnreadPoint,
};
use super::value::AnyValue;
use super::{OBJECTS_MAX, too_many};
use crate::error::{IntakeError, malformed};
use crate::proto::{Fields, Value};

/// Lists within lists that an attribute may hold.
const DEPTH_MAX: usize = 32;

type Read<T> = Result<T, IntakeError>;

pub(super) fn read(body: &[u8]) -> Read<MetricsRequest> {
    let mut request = MetricsRequest::default();
    let mut left = OBJECTS_MAX;
    each(body, |number, value| {
        if number == 1 {
            request
                .resource_metrics
                .push(resource_metrics(object(value, "a resource", &mut left)?, &mut left)?);
        }
        Ok(())
    })?;
    Ok(request)
}

fn each<'a>(message: &'a [u8], mut field: impl FnMut(u32, Value<'a>) -> Read<()>) -> Read<()> {
    let mut fields = Fields::new(message);
    while let Some((number, value)) = fields.next()? {
        field(number, value)?;
    }
    Ok(())
}

/// The bytes of one more object of the request.
fn object<'a>(value: Value<'a>, what: &'static str, left: &mut usize) -> Read<&'a [u8]> {
    *left = left.checked_sub(1).ok_or_else(too_many)?;
    value.bytes(what)
}

fn resource_metrics(message: &[u8], left: &mut usize) -> Read<ResourceMetrics> {
    let mut found = ResourceMetrics::default();
    each(message, |number, value| {
        match number {
            1 => each(value.bytes("a resource")?, |number, value| {
                if number == 1 {
                    found.resource.attributes.push(key_value(value, left, DEPTH_MAX)?);
                }
                Ok(())
            })?,
            2 => {
                let mut scope = ScopeMetrics::default();
                each(object(value, "metrics of a scope", left)?, |number, value| {
                    if number == 2 {
                        scope.metrics.push(metric(object(value, "a metric", left)?, left)?);
                    }
                    Ok(())
                })?;
                found.scope_metrics.push(scope);
            }
            _ => {}
        }
        Ok(())
    })?;
    Ok(found)
}

fn metric(message: &[u8], left: &mut usize) -> Read<Metric> {
    let mut found = Metric::default();
    each(message, |number, value| {
        match number {
            1 => found.name = value.text("a metric's name")?.into(),
            2 => found.description = value.text("a metric's description")?.into(),
            3 => found.unit = value.text("a metric's unit")?.into(),
            5 => found.gauge = Some(points(value, left, number_point)?),
            7 => found.sum = Some(points(value, left, number_point)?),
            9 => found.histogram = Some(points(value, left, histogram_point)?),
            10 => found.exponential_histogram = Some(points(value, left, |_, _| Ok(UnreadPoint {}))?),
            11 => found.summary = Some(points(value, left, summary_point)?),
            _ => {}
        }
        Ok(())
    })?;
    Ok(found)
}

fn points<P: Default>(
    value: Value<'_>,
    left: &mut usize,
    point: impl Fn(&[u8], &mut usize) -> Read<P>,
) -> Read<Points<P>> {
    let mut found = Points::default();
    each(value.bytes("a metric's data")?, |number, value| {
        match number {
            1 => found.data_points.push(point(object(value, "a point", left)?, left)?),
            2 => found.aggregation_temporality = value.int64("an aggregation temporality")? as u64,
            3 => found.is_monotonic = value.int64("a flag")? != 0,
            _ => {}
        }
        Ok(())
    })?;
    Ok(found)
}

fn number_point(message: &[u8], left: &mut usize) -> Read<NumberPoint> {
    let mut point = NumberPoint::default();
    each(message, |number, value| {
        match number {
            3 => point.time_unix_nano = value.fixed64("a point's time")?,
            4 => (point.as_double, point.as_int) = (Some(value.double("a point's value")?), None),
            6 => (point.as_int, point.as_double) = (Some(value.fixed64("a point's value")? as i64), None),
            7 => point.attributes.push(key_value(value, left, DEPTH_MAX)?),
            8 => point.flags = value.int64("a point's flags")? as u64,
            _ => {}
        }
        Ok(())
    })?;
    Ok(point)
}

fn histogram_point(message: &[u8], left: &mut usize) -> Read<HistogramPoint> {
    let mut point = HistogramPoint::default();
    each(message, |number, value| {
        match number {
            3 => point.time_unix_nano = value.fixed64("a point's time")?,
            4 => point.count = value.fixed64("a histogram's count")?,
            5 => point.sum = Some(value.double("a histogram's sum")?),
            6 => packed(value, |bits| point.bucket_counts.push(Uint(bits)))?,
            7 => packed(value, |bits| point.explicit_bounds.push(Double(f64::from_bits(bits))))?,
            9 => point.attributes.push(key_value(value, left, DEPTH_MAX)?),
            10 => point.flags = value.int64("a point's flags")? as u64,
            _ => {}
        }
        Ok(())
    })?;
    Ok(point)
}

fn summary_point(message: &[u8], left: &mut usize) -> Read<SummaryPoint> {
    let mut point = SummaryPoint::default();
    each(message, |number, value| {
        match number {
            3 => point.time_unix_nano = value.fixed64("a point's time")?,
            4 => point.count = value.fixed64("a summary's count")?,
            5 => point.sum = value.double("a summary's sum")?,
            6 => point.quantile_values.push(quantile(object(value, "a quantile", left)?)?),
            7 => point.attributes.push(key_value(value, left, DEPTH_MAX)?),
            8 => point.flags = value.int64("a point's flags")? as u64,
            _ => {}
        }
        Ok(())
    })?;
    Ok(point)
}

fn quantile(message: &[u8]) -> Read<Quantile> {
    let mut found = Quantile::default();
    each(message, |number, value| {
        match number {
            1 => found.quantile = value.double("a quantile")?,
            2 => found.value = value.double("a quantile's value")?,
            _ => {}
        }
        Ok(())
    })?;
    Ok(found)
}

/// Repeated values of 64 bits: all in one field, or each in its own.
fn packed(value: Value<'_>, mut push: impl FnMut(u64)) -> Read<()> {
    match value {
        Value::Fixed64(bits) => push(bits),
        Value::Bytes(bytes) => {
            let (whole, rest) = bytes.as_chunks::<8>();
            if !rest.is_empty() {
                return Err(malformed("a list of numbers"));
            }
            whole.iter().for_each(|bytes| push(u64::from_le_bytes(*bytes)));
        }
        _ => return Err(malformed("a list of numbers")),
    }
    Ok(())
}

fn key_value(value: Value<'_>, left: &mut usize, depth: usize) -> Read<KeyValue> {
    let mut pair = KeyValue::default();
    each(object(value, "an attribute", left)?, |number, value| {
        match number {
            1 => pair.key = value.text("an attribute's name")?.into(),
            2 => pair.value = any_value(value, left, depth)?,
            _ => {}
        }
        Ok(())
    })?;
    Ok(pair)
}

fn any_value(value: Value<'_>, left: &mut usize, depth: usize) -> Read<AnyValue> {
    let within = depth.checked_sub(1).ok_or(malformed("an attribute of too many lists within lists"))?;
    let mut found = AnyValue::Empty;
    each(value.bytes("an attribute's value")?, |number, value| {
        found = match number {
            1 => AnyValue::Text(value.text("an attribute's value")?.into()),
            2 => AnyValue::Bool(value.int64("an attribute's value")? != 0),
            3 => AnyValue::Int(value.int64("an attribute's value")?),
            4 => AnyValue::Double(value.double("an attribute's value")?),
            5 => {
                let mut values = Vec::new();
                each(value.bytes("a list")?, |number, value| {
                    if number == 1 {
                        *left = left.checked_sub(1).ok_or_else(too_many)?;
                        values.push(any_value(value, left, within)?);
                    }
                    Ok(())
                })?;
                AnyValue::Array(values)
            }
            6 => {
                let mut pairs = Vec::new();
                each(value.bytes("a list of pairs")?, |number, value| {
                    if number == 1 {
                        pairs.push(key_value(value, left, within)?);
                    }
                    Ok(())
                })?;
                AnyValue::Pairs(pairs)
            }
            7 => AnyValue::bytes(value.bytes("an attribute's value")?),
            _ => return Ok(()),
        };
        Ok(())
    })?;
    Ok(found)
}
