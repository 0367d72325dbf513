// A rule while it is edited: what the forms hold, from a stored rule and back to what the hub takes.
import type { Rule, RuleInput, Severity } from "@/api/types";
import { parseSeconds, writeSeconds } from "@/lib/units";
import { metricOf, readSentence, type Sentence, writeRecovery, writeSentence } from "./sentence";

export type Mode = "sentence" | "promql" | "event" | "recording";

export interface Draft {
  mode: Mode;
  name: string;
  enabled: boolean;
  paging: boolean;
  severity: Severity;
  sentence: Sentence;
  /** Value at which it counts as recovered; empty: when the sentence no longer holds. */
  recoverAt: string;
  expr: string;
  recoverExpr: string;
  /** The metric name that a recording rule stores under. */
  record: string;
  /** The label alertname, where an import gave one that is not the rule's name. */
  alertName: string;
  forText: string;
  keepText: string;
  noData: RuleInput["no_data"];
  eventKind: string;
  resolveKind: string;
  eventMatchers: string;
  summary: string;
  description: string;
  /** Labels and annotations beyond those with a field of their own, kept as they are. */
  labels: Record<string, string>;
  annotations: Record<string, string>;
}

export function newDraft(metricId = "cpu"): Draft {
  const metric = metricOf(metricId);
  return {
    mode: "sentence",
    name: "",
    enabled: true,
    paging: true,
    severity: "warning",
    sentence: { metric: metric.id, on: "", direction: metric.direction, value: metric.value },
    recoverAt: "",
    expr: "",
    recoverExpr: "",
    record: "",
    alertName: "",
    forText: "5m",
    keepText: "0s",
    noData: "ok",
    eventKind: "unit.failed",
    resolveKind: "",
    eventMatchers: "",
    summary: "",
    description: "",
    labels: {},
    annotations: {},
  };
}

/** The value of a recovery that `writeRecovery` wrote for this sentence. */
function recoverValue(sentence: Sentence | undefined, text: string | null | undefined): string | undefined {
  if (!text) return "";
  const read = readSentence(text);
  if (!sentence || !read || writeRecovery(sentence, read.value) !== text) return undefined;
  return String(read.value);
}

export function draftOf(rule: Rule): Draft {
  const sentence = rule.expr ? readSentence(rule.expr) : undefined;
  const recoverAt = recoverValue(sentence, rule.recover_expr);
  const { summary = "", description = "", ...annotations } = rule.annotations;
  const fresh = newDraft();
  return {
    ...fresh,
    mode: rule.kind !== "metric" ? rule.kind : sentence && recoverAt !== undefined ? "sentence" : "promql",
    name: rule.name,
    enabled: rule.enabled,
    paging: rule.paging,
    severity: rule.severity,
    sentence: sentence ?? fresh.sentence,
    recoverAt: recoverAt ?? "",
    expr: rule.expr ?? "",
    recoverExpr: rule.recover_expr ?? "",
    record: rule.record ?? "",
    alertName: rule.alert_name ?? "",
    forText: writeSeconds(rule.for_seconds),
    keepText: writeSeconds(rule.keep_firing_for_seconds),
    noData: rule.no_data,
    eventKind: rule.event_kind ?? "",
    resolveKind: rule.resolve_kind ?? "",
    eventMatchers: rule.event_matchers ?? "",
    summary,
    description,
    labels: rule.labels,
    annotations,
  };
}

/** The expression the draft stands for; empty for event rules. */
export function exprOf(draft: Draft): string {
  if (draft.mode === "event") return "";
  return draft.mode === "sentence" ? writeSentence(draft.sentence) : draft.expr.trim();
}

export interface Problems {
  name?: string;
  record?: string;
  expr?: string;
  forText?: string;
  keepText?: string;
  recoverAt?: string;
  eventKind?: string;
  value?: string;
}

export function problemsIn(draft: Draft): Problems {
  const problems: Problems = {};
  if (!draft.name.trim()) problems.name = "Enter a name: it is shown in incidents.";
  if (draft.mode === "event") {
    if (!draft.eventKind.trim()) problems.eventKind = "Enter a kind of event, such as unit.failed or unit.*.";
    return problems;
  }
  if (draft.mode === "recording" && !/^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(draft.record.trim()))
    problems.record = "Enter a metric name such as job:requests:rate5m.";
  if (draft.mode !== "sentence" && !draft.expr.trim()) problems.expr = "Enter an expression.";
  if (draft.mode === "sentence" && !Number.isFinite(draft.sentence.value)) problems.value = "Enter a number.";
  if (parseSeconds(draft.forText) === undefined) problems.forText = "Write a time such as 5m or 90s.";
  if (parseSeconds(draft.keepText) === undefined) problems.keepText = "Write a time such as 5m or 90s.";
  const { recoverAt, sentence } = draft;
  if (draft.mode === "sentence" && recoverAt !== "") {
    const value = Number(recoverAt);
    const wrongSide = sentence.direction === "above" ? value > sentence.value : value < sentence.value;
    if (!Number.isFinite(value)) problems.recoverAt = "Enter a number or leave it empty.";
    else if (wrongSide)
      problems.recoverAt = `Must be ${sentence.direction === "above" ? "below" : "above"} ${sentence.value}.`;
  }
  return problems;
}

export function inputOf(draft: Draft): RuleInput {
  const { mode } = draft;
  const kind = mode === "event" || mode === "recording" ? mode : "metric";
  const [metric, event] = [kind === "metric", kind === "event"];
  const annotations = { ...draft.annotations };
  if (draft.summary.trim()) annotations.summary = draft.summary.trim();
  if (draft.description.trim()) annotations.description = draft.description.trim();
  const recovery =
    mode === "sentence"
      ? draft.recoverAt === ""
        ? null
        : writeRecovery(draft.sentence, Number(draft.recoverAt))
      : draft.recoverExpr.trim() || null;
  return {
    name: draft.name.trim(),
    kind,
    enabled: draft.enabled,
    paging: draft.paging && kind !== "recording",
    severity: draft.severity,
    expr: event ? null : exprOf(draft),
    record: kind === "recording" ? draft.record.trim() : null,
    alert_name: metric ? draft.alertName || null : null,
    recover_expr: metric ? recovery : null,
    for_seconds: metric ? (parseSeconds(draft.forText) ?? 0) : 0,
    keep_firing_for_seconds: metric ? (parseSeconds(draft.keepText) ?? 0) : 0,
    no_data: draft.noData,
    event_kind: event ? draft.eventKind.trim() : null,
    resolve_kind: event ? draft.resolveKind.trim() || null : null,
    event_matchers: event ? draft.eventMatchers.trim() || null : null,
    labels: draft.labels,
    annotations,
  };
}
