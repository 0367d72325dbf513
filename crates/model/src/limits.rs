//! Every bound that more than one crate must agree on. A bound that is hit is counted and told.

/// Labels of one series, alert or server.
pub const LABELS_MAX: usize = 64;
/// Bytes of a label's name.
pub const LABEL_NAME_BYTES_MAX: usize = 128;
/// Bytes of a label's value.
pub const LABEL_VALUE_BYTES_MAX: usize = 1024;
/// Bytes of a name given by a person (server, rule, script, channel).
pub const NAME_BYTES_MAX: usize = 128;
/// Bytes of a single line shown to people (summaries, reasons).
pub const LINE_BYTES_MAX: usize = 1024;
/// Bytes of a text of several lines (notes, descriptions, runbooks).
pub const TEXT_BYTES_MAX: usize = 16 * 1024;
/// Bytes of a script's body.
pub const SCRIPT_BYTES_MAX: usize = 256 * 1024;
/// Series that one agent may report.
pub const SERIES_PER_AGENT_MAX: usize = 20_000;
/// Processes in one report.
pub const PROCESSES_PER_REPORT_MAX: usize = 200;
/// Events in one report.
pub const EVENTS_PER_REPORT_MAX: usize = 256;
/// Bytes of output of one execution that the hub keeps.
pub const OUTPUT_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of the manifest that an approver signs.
pub const MANIFEST_BYTES_MAX: usize = 64 * 1024;
/// Bytes of an approver's armoured signature.
pub const SIGNATURE_BYTES_MAX: usize = 4 * 1024;
/// Bytes of what is said of a metric's name; the rest is cut.
pub const HELP_BYTES_MAX: usize = 1024;
/// Bytes of a metric's unit.
pub const UNIT_BYTES_MAX: usize = 64;
