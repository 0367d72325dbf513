// The drawing itself, on uPlot: a chunk of its own, loaded where charts are shown.
import { useEffect, useMemo, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { useMedia } from "@/lib/hooks";
import { useStored } from "@/lib/stored";
import { colorReader, type Look, plotOptions } from "./plot-options";
import { type Columns, stack } from "./series";

export interface PlotProps {
  columns: Columns;
  look: Look;
  /** Unix seconds. */
  range: { from: number; to: number };
  /** Index of the point under the cursor. */
  onCursor: (index: number | null) => void;
  onZoom: (from: number, to: number) => void;
  /** Index that the keyboard moved to. */
  keyIndex?: number;
}

function useTheme(): string {
  const [theme] = useStored("theme", "system");
  const dark = useMedia("(prefers-color-scheme: dark)");
  return theme === "system" ? (dark ? "dark" : "light") : theme;
}

export function Plot({ columns, look, range, onCursor, onZoom, keyIndex }: PlotProps) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const handlers = useRef({ onCursor, onZoom });
  handlers.current = { onCursor, onZoom };
  const theme = useTheme();
  const names = columns.series.map((series) => series.name);
  const data = useMemo<uPlot.AlignedData>(() => {
    const values = look.stacked ? stack(columns.series) : columns.series.map((series) => series.values);
    return [columns.times, ...values];
  }, [columns, look.stacked]);
  const latest = useRef({ data, range });
  latest.current = { data, range };
  const shape = JSON.stringify([names, look, theme]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: `shape` stands for names, look and theme
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const options = plotOptions(names, look, element.clientWidth, colorReader(element), {
      cursor: (index) => handlers.current.onCursor(index),
      zoom: (from, to) => handlers.current.onZoom(from, to),
    });
    const made = new uPlot(options, latest.current.data, element);
    made.setScale("x", { min: latest.current.range.from, max: latest.current.range.to });
    plot.current = made;
    const resize = new ResizeObserver(() => {
      if (element.clientWidth > 0) made.setSize({ width: element.clientWidth, height: look.height });
    });
    resize.observe(element);
    return () => {
      resize.disconnect();
      made.destroy();
      plot.current = undefined;
      element.replaceChildren();
    };
  }, [shape]);

  useEffect(() => {
    const made = plot.current;
    if (!made) return;
    made.batch(() => {
      made.setData(data, false);
      made.setScale("x", { min: range.from, max: range.to });
    });
  }, [data, range.from, range.to]);

  useEffect(() => {
    const made = plot.current;
    const time = keyIndex === undefined ? undefined : data[0][keyIndex];
    if (!made || time === undefined) return;
    made.setCursor({ left: made.valToPos(time, "x"), top: 0 });
  }, [keyIndex, data]);

  return <div ref={box} className="plot" style={{ height: look.height }} />;
}
