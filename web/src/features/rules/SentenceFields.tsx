// "When [CPU used] on [servers] is [above] [90] % for [5m] then [warning]", and the PromQL it writes.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { queries } from "@/api/queries";
import { useSettled } from "@/lib/hooks";
import { formatUnit } from "@/lib/units";
import { CopyButton } from "@/ui/Copy";
import { TextField } from "@/ui/Field";
import { problemOf } from "@/ui/Panel";
import { type PartProps, SEVERITIES } from "./parts";
import type { Direction, Sentence } from "./sentence";
import {
  METRICS,
  metricOf,
  normalizeMatchers,
  toSeriesMatchers,
  toServerMatchers,
  writeSentence,
} from "./sentence";

const UNIT_WORDS: Record<string, string> = {
  percent: "%",
  bytes_per_second: "bytes/s",
  celsius: "°C",
  count: "",
};

function MatchCount({ on }: { on: string }) {
  const settled = useSettled(toServerMatchers(on), 300);
  const matching = useQuery(queries.serverCount(settled));
  if (on === "") return <span className="meta">every server, also those added later</span>;
  if (matching.error) return <span className="error">{problemOf(matching.error).detail}</span>;
  if (!matching.data) return <span className="meta">counting…</span>;
  const { items, next } = matching.data;
  const names = items.slice(0, 3).map((server) => server.name);
  return (
    <span className="meta">
      matches {items.length}
      {next ? "+" : ""} {items.length === 1 ? "server" : "servers"}
      {names.length > 0 && `: ${names.join(", ")}${items.length > names.length ? "…" : ""}`}
    </span>
  );
}

export function SentenceFields({ draft, set, problems }: PartProps) {
  const { sentence } = draft;
  const metric = metricOf(sentence.metric);
  const [on, setOn] = useState(toServerMatchers(sentence.on));
  const [valueText, setValueText] = useState(String(sentence.value));
  const change = (part: Partial<Sentence>) => set({ sentence: { ...sentence, ...part } });
  const chooseMetric = (id: string) => {
    const next = metricOf(id);
    setValueText(String(next.value));
    change({ metric: id, direction: next.direction, value: next.value });
  };
  const expr = writeSentence(sentence);
  return (
    <>
      <div className="sentence">
        <span>When</span>
        <select
          className="select inline"
          aria-label="Metric"
          value={sentence.metric}
          onChange={(event) => chooseMetric(event.target.value)}
        >
          {METRICS.map((one) => (
            <option key={one.id} value={one.id}>
              {one.label}
            </option>
          ))}
        </select>
        <span>on</span>
        <input
          className="input inline mono"
          aria-label="Servers"
          placeholder="all servers"
          value={on}
          onChange={(event) => {
            setOn(event.target.value);
            change({ on: toSeriesMatchers(normalizeMatchers(event.target.value)) });
          }}
        />
        <span>is</span>
        <select
          className="select inline"
          aria-label="Direction"
          value={sentence.direction}
          onChange={(event) => change({ direction: event.target.value as Direction })}
        >
          <option value="above">above</option>
          <option value="below">below</option>
        </select>
        <input
          className="input inline short"
          aria-label="Threshold"
          aria-invalid={problems.value ? true : undefined}
          inputMode="decimal"
          value={valueText}
          onChange={(event) => {
            setValueText(event.target.value);
            change({ value: event.target.value.trim() === "" ? Number.NaN : Number(event.target.value) });
          }}
        />
        <span>{UNIT_WORDS[metric.unit] ?? ""} for</span>
        <input
          className="input inline short"
          aria-label="For how long"
          aria-invalid={problems.forText ? true : undefined}
          value={draft.forText}
          onChange={(event) => set({ forText: event.target.value })}
        />
        <span>
          <span aria-hidden="true">→</span>
          <span className="visually-hidden">then</span>
        </span>
        <select
          className="select inline"
          aria-label="Severity"
          value={draft.severity}
          onChange={(event) => set({ severity: event.target.value as typeof draft.severity })}
        >
          {SEVERITIES.map(({ value, label }) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </select>
      </div>
      <MatchCount on={sentence.on} />
      {(problems.value || problems.forText) && (
        <p className="error" role="alert">
          {problems.value} {problems.forText}
        </p>
      )}
      <TextField
        label={`Recovered when ${sentence.direction === "above" ? "below" : "above"}`}
        value={draft.recoverAt}
        onChange={(recoverAt) => set({ recoverAt })}
        inputMode="decimal"
        placeholder={formatUnit(sentence.value, metric.unit)}
        hint="Optional: further away than the threshold, so that it does not flap."
        error={problems.recoverAt}
      />
      <div className="row">
        <code className="grow" data-testid="promql">
          {expr}
        </code>
        <CopyButton text={expr} />
      </div>
    </>
  );
}
