// What the expression says now and would have said: the error at its place, the line, how often it would have fired.
import { useQuery } from "@tanstack/react-query";
import { queryRange } from "@/api/prometheus";
import { queries } from "@/api/queries";
import type { RulePreview } from "@/api/types";
import { Chart } from "@/charts/Chart";
import { seriesNames } from "@/charts/names";
import { useSettled } from "@/lib/hooks";
import { formatCount, formatSeconds, formatUnit, parseSeconds } from "@/lib/units";
import { useUrlState } from "@/lib/url-state";
import { LabelChips } from "@/ui/Labels";
import { Empty, ErrorNotice, Loaded, Panel } from "@/ui/Panel";
import { Badge } from "@/ui/Status";
import type { Draft } from "./draft";
import { metricOf, writeMetric } from "./sentence";

const SETTLE_MS = 500;
const WINDOWS = [
  { value: "3600", label: "last hour" },
  { value: "86400", label: "last 24 hours" },
  { value: "604800", label: "last 7 days" },
];
const POINTS = 300;
const SERIES_SHOWN_MAX = 8;

export function Preview({ expr, draft }: { expr: string; draft: Draft }) {
  const [window, setWindow] = useUrlState("window", "3600");
  const settled = useSettled(expr, SETTLE_MS);
  const forSeconds = parseSeconds(useSettled(draft.forText, SETTLE_MS)) ?? 0;
  const preview = useQuery(
    queries.rulePreview({ expr: settled, for_seconds: forSeconds, window_seconds: Number(window) }),
  );
  const error = preview.data?.error;
  return (
    <Panel
      title="What it would say"
      actions={
        <select
          className="select inline"
          aria-label="How far back"
          value={window}
          onChange={(event) => setWindow(event.target.value)}
        >
          {WINDOWS.map(({ value, label }) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </select>
      }
    >
      {expr === "" ? (
        <Empty title="Write an expression" />
      ) : preview.isPending ? (
        <Loaded query={preview} lines={6}>
          {() => null}
        </Loaded>
      ) : preview.error ? (
        <ErrorNotice error={preview.error} retry={() => void preview.refetch()} />
      ) : error ? (
        <Wrong expr={settled} preview={preview.data as RulePreview} />
      ) : (
        <div className="stack">
          <Verdict preview={preview.data as RulePreview} />
          <PreviewChart draft={draft} expr={settled} windowSeconds={Number(window)} />
        </div>
      )}
    </Panel>
  );
}

/** Byte offsets into UTF-8, as the hub counts, to indexes into a JavaScript string. */
export function indexOfByte(text: string, byte: number): number {
  const bytes = new TextEncoder().encode(text).slice(0, byte);
  return new TextDecoder().decode(bytes).length;
}

function Wrong({ expr, preview }: { expr: string; preview: RulePreview }) {
  const start = indexOfByte(expr, preview.error_span?.start ?? 0);
  const end = Math.max(start + 1, indexOfByte(expr, preview.error_span?.end ?? 0));
  return (
    <div className="notice tone-crit" role="status">
      <strong>{preview.error}</strong>
      {preview.error_span && (
        <code>
          {expr.slice(0, start)}
          <mark className="wrong">{expr.slice(start, end) || "⏎"}</mark>
          {expr.slice(end)}
        </code>
      )}
    </div>
  );
}

function Verdict({ preview }: { preview: RulePreview }) {
  const now = preview.series.filter((series) => series.value != null);
  return (
    <div className="stack tight" aria-live="polite">
      <p data-testid="verdict">
        <strong>
          Would have fired {preview.would_have_fired} {preview.would_have_fired === 1 ? "time" : "times"}
        </strong>{" "}
        in {formatSeconds(preview.window_seconds)}, looked at every {formatSeconds(preview.step_seconds)}.{" "}
        {now.length === 0
          ? "It does not hold now."
          : `It holds now for ${now.length}${preview.more ? "+" : ""}.`}
      </p>
      <ul className="stack tight">
        {preview.series.slice(0, SERIES_SHOWN_MAX).map((series) => (
          <li key={JSON.stringify(series.labels)} className="row">
            {series.value != null && <Badge tone="warn">now {formatCount(series.value)}</Badge>}
            <LabelChips labels={series.labels} max={5} />
            <span className="meta">fired {series.would_have_fired}×</span>
          </li>
        ))}
      </ul>
      {preview.series.length + preview.more > SERIES_SHOWN_MAX && (
        <span className="meta">
          and {preview.series.length + preview.more - SERIES_SHOWN_MAX} more series
        </span>
      )}
    </div>
  );
}

interface PreviewChartProps {
  draft: Draft;
  expr: string;
  windowSeconds: number;
}

/** The measured value with the threshold for a sentence; the expression itself for PromQL. */
function PreviewChart({ draft, expr, windowSeconds }: PreviewChartProps) {
  const sentence = draft.mode === "sentence" ? draft.sentence : undefined;
  const drawn = useSettled(sentence ? writeMetric(sentence) : expr, SETTLE_MS);
  const unit = sentence ? metricOf(sentence.metric).unit : "count";
  const query = useQuery({
    queryKey: ["range", drawn, windowSeconds],
    queryFn: async ({ signal }) => {
      const end = Date.now() / 1000;
      const step = Math.max(10, Math.ceil(windowSeconds / POINTS));
      const from = Math.floor((end - windowSeconds) / step) * step;
      const result = await queryRange(drawn, from, end, step, signal);
      return { ...result, from, end };
    },
    retry: false,
    staleTime: 15_000,
  });
  return (
    <Loaded query={query} lines={7}>
      {({ times, series, from, end }) => (
        <Chart
          title={sentence ? metricOf(sentence.metric).label : "The expression"}
          columns={{ times, series: seriesNames(series) }}
          look={{
            unit,
            stacked: false,
            height: 220,
            threshold:
              sentence && Number.isFinite(sentence.value)
                ? {
                    value: sentence.value,
                    label: `${sentence.direction} ${formatUnit(sentence.value, unit)}`,
                  }
                : undefined,
          }}
          range={{ from, to: end }}
          expr={drawn}
        />
      )}
    </Loaded>
  );
}
