// "When [CPU used] on [servers] is [above] [90] % for [5m] then [warning]", and the PromQL it writes.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { queries } from "@/api/queries";
import { useSettled } from "@/lib/hooks";
import { formatUnit } from "@/lib/units";
import { CopyButton } from "@/ui/Copy";
import { type Choice, TextField } from "@/ui/Field";
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

const DIRECTIONS: Choice<Direction>[] = [
  { value: "above", label: "above" },
  { value: "below", label: "below" },
];

interface PickProps<T extends string> {
  label: string;
  value: T;
  choices: readonly Choice<T>[];
  onChange: (value: T) => void;
}

/** A choice that stands inside the sentence. */
function Pick<T extends string>({ label, value, choices, onChange }: PickProps<T>) {
  return (
    <select
      className="select inline"
      aria-label={label}
      value={value}
      onChange={(event) => onChange(event.target.value as T)}
    >
      {choices.map((choice) => (
        <option key={choice.value} value={choice.value}>
          {choice.label}
        </option>
      ))}
    </select>
  );
}

/** The sentence itself. What is typed stays as typed; the draft holds what it means. */
function SentenceRow({ draft, set, problems }: PartProps) {
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
  return (
    <div className="sentence">
      <span>When</span>
      <Pick
        label="Metric"
        value={sentence.metric}
        choices={METRICS.map(({ id, label }) => ({ value: id, label }))}
        onChange={chooseMetric}
      />
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
      <Pick
        label="Direction"
        value={sentence.direction}
        choices={DIRECTIONS}
        onChange={(direction) => change({ direction })}
      />
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
      <Pick
        label="Severity"
        value={draft.severity}
        choices={SEVERITIES}
        onChange={(severity) => set({ severity })}
      />
    </div>
  );
}

export function SentenceFields({ draft, set, problems }: PartProps) {
  const { sentence } = draft;
  const metric = metricOf(sentence.metric);
  const expr = writeSentence(sentence);
  return (
    <>
      <SentenceRow draft={draft} set={set} problems={problems} />
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
