// Short names for series: only the labels that tell them apart.
import type { Series } from "./series";

interface Labelled {
  labels: Record<string, string>;
  values: (number | null)[];
}

export function seriesNames(series: readonly Labelled[]): Series[] {
  const names = new Set(series.flatMap((one) => Object.keys(one.labels)));
  const telling = [...names].filter(
    (name) => name !== "job" && new Set(series.map((one) => one.labels[name] ?? "")).size > 1,
  );
  const shown = telling.length > 0 ? telling : ["instance"];
  const used = new Map<string, number>();
  return series.map(({ labels, values }) => {
    const name =
      shown
        .map((key) => labels[key])
        .filter(Boolean)
        .join(" ") ||
      labels.__name__ ||
      "value";
    const before = used.get(name) ?? 0;
    used.set(name, before + 1);
    return { name: before > 0 ? `${name} (${before + 1})` : name, values };
  });
}
