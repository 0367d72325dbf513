// uPlot's options for our look: thin lines, gaps stay gaps, y from zero, a labelled threshold, a shaded window.
import type uPlot from "uplot";
import { formatUnit } from "@/lib/units";

export interface Look {
  unit: string;
  stacked: boolean;
  height: number;
  syncKey?: string;
  threshold?: { value: number; label: string };
  /** Shaded, Unix seconds. */
  window?: { from: number; to: number };
}

const FONT = "11px system-ui, sans-serif";
const DASHES = [undefined, undefined, undefined, [6, 3], [2, 3], [8, 3, 2, 3]];

/** The computed colour of a token: canvas does not know custom properties. */
export function colorReader(element: HTMLElement): (token: string) => string {
  const probe = document.createElement("span");
  element.append(probe);
  return (token) => {
    probe.style.color = `var(--${token})`;
    return getComputedStyle(probe).color;
  };
}

function alpha(color: string, amount: number): string {
  return `color-mix(in srgb, ${color} ${amount * 100}%, transparent)`;
}

function yRange({ unit, threshold }: Look): uPlot.Range.Function {
  return (_, dataMin, dataMax) => {
    const top = Math.max(dataMax ?? 0, threshold?.value ?? Number.NEGATIVE_INFINITY);
    const bottom = Math.min(dataMin ?? 0, threshold?.value ?? Number.POSITIVE_INFINITY);
    if (unit === "celsius" && bottom > 0) return [bottom * 0.9, top * 1.1];
    const low = bottom < 0 ? bottom * 1.1 : 0;
    if (unit === "percent") return [low, top <= 100 ? Math.min(100, Math.max(10, top * 1.15)) : top * 1.1];
    return [low, top > 0 ? top * 1.15 : 1];
  };
}

const DAY_SECONDS = 86_400;

/** 24 hours and ISO dates, as everywhere else; the date alone where ticks are days apart, and at midnight. */
export function axisTime(seconds: number, step: number): string {
  const at = new Date(seconds * 1000);
  const pad = (value: number) => String(value).padStart(2, "0");
  const midnight = at.getHours() === 0 && at.getMinutes() === 0 && at.getSeconds() === 0;
  if (step >= DAY_SECONDS || midnight) return `${pad(at.getMonth() + 1)}-${pad(at.getDate())}`;
  const clock = `${pad(at.getHours())}:${pad(at.getMinutes())}`;
  return step < 60 ? `${clock}:${pad(at.getSeconds())}` : clock;
}

const BYTE_STEPS = Array.from({ length: 50 }, (_, index) => 2 ** index);

function drawWindow(u: uPlot, look: Look, color: string): void {
  if (!look.window) return;
  const left = Math.max(u.bbox.left, u.valToPos(look.window.from, "x", true));
  const right = Math.min(u.bbox.left + u.bbox.width, u.valToPos(look.window.to, "x", true));
  if (right <= left) return;
  u.ctx.save();
  u.ctx.fillStyle = alpha(color, 0.12);
  u.ctx.fillRect(left, u.bbox.top, right - left, u.bbox.height);
  u.ctx.restore();
}

function drawThreshold(u: uPlot, look: Look, color: string): void {
  if (!look.threshold) return;
  const y = Math.round(u.valToPos(look.threshold.value, "y", true));
  const { ctx, bbox } = u;
  ctx.save();
  ctx.strokeStyle = color;
  ctx.fillStyle = color;
  ctx.lineWidth = 1.5 * devicePixelRatio;
  ctx.setLineDash([6 * devicePixelRatio, 4 * devicePixelRatio]);
  ctx.beginPath();
  ctx.moveTo(bbox.left, y);
  ctx.lineTo(bbox.left + bbox.width, y);
  ctx.stroke();
  ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
  ctx.textAlign = "right";
  ctx.textBaseline = y < bbox.top + 20 * devicePixelRatio ? "top" : "bottom";
  ctx.fillText(look.threshold.label, bbox.left + bbox.width - 4, y + (ctx.textBaseline === "top" ? 3 : -3));
  ctx.restore();
}

export function plotOptions(
  names: readonly string[],
  look: Look,
  width: number,
  color: (token: string) => string,
  on: { cursor(index: number | null): void; zoom(from: number, to: number): void },
): uPlot.Options {
  const [text, grid, crit] = [color("text-3"), color("border"), color("crit-fill")];
  const area = names.length === 1 && !look.stacked;
  const series: uPlot.Series[] = names.map((name, index) => {
    const stroke = color(`series-${(index % 6) + 1}`);
    return {
      label: name,
      stroke,
      width: 1.5,
      dash: look.stacked ? undefined : DASHES[index % 6],
      fill: area ? alpha(stroke, 0.08) : look.stacked ? alpha(stroke, 0.35) : undefined,
      points: { show: false },
      spanGaps: false,
    };
  });
  return {
    width,
    height: look.height,
    legend: { show: false },
    cursor: {
      y: false,
      drag: { x: true, y: false, setScale: false },
      points: { size: 6 },
      sync: look.syncKey ? { key: look.syncKey, setSeries: false } : undefined,
    },
    scales: { x: { time: true, range: (_, min, max) => [min, max] }, y: { range: yRange(look) } },
    series: [{}, ...series],
    bands: look.stacked ? names.slice(1).map((_, index) => ({ series: [index + 2, index + 1] })) : undefined,
    axes: [
      {
        stroke: text,
        grid: { show: false },
        ticks: { stroke: grid, size: 4 },
        font: FONT,
        size: 28,
        space: 70,
        values: (_, splits, __, ___, step) => splits.map((at) => axisTime(at, step)),
      },
      {
        stroke: text,
        grid: { stroke: grid, width: 1 },
        ticks: { show: false },
        font: FONT,
        size: 62,
        space: 36,
        incrs: look.unit.startsWith("bytes") ? BYTE_STEPS : undefined,
        values: (_, splits) => splits.map((value) => formatUnit(value, look.unit)),
      },
    ],
    hooks: {
      drawClear: [(u) => drawWindow(u, look, crit)],
      draw: [(u) => drawThreshold(u, look, crit)],
      setCursor: [(u) => on.cursor(u.cursor.idx ?? null)],
      setSelect: [
        (u) => {
          if (u.select.width < 8) return;
          on.zoom(u.posToVal(u.select.left, "x"), u.posToVal(u.select.left + u.select.width, "x"));
          u.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
        },
      ],
    },
  };
}
