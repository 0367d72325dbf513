import { describe, expect, it } from "vitest";
import type { Schedule, Shift } from "@/api/types";
import { draftOf, inputOf, missingIn, newRestriction } from "./draft";
import * as override from "./override";
import { dayEdges, holes, rows } from "./rota";

const schedule: Schedule = {
  id: "s",
  name: "db-primary",
  description: "",
  timezone: "Europe/Berlin",
  layers: [
    {
      name: "days",
      participants: ["ann", "ben"],
      unit: "weekly",
      length: 2,
      handoff: "08:00",
      start: "2026-11-30",
      restrictions: [{ days: ["fri"], from: "18:00", to: "08:00", to_day: "mon" }],
    },
  ],
  overrides: [],
  swaps: [],
  on_call: [],
  warnings: [],
  has_calendar: false,
  created_at: "2026-11-24T00:00:00.000Z",
};

const shift = (user: string, from: string, to: string, layer?: string): Shift => ({
  user_id: user,
  user,
  from_at: `2026-11-30T${from}:00.000Z`,
  to_at: `2026-11-30T${to}:00.000Z`,
  ...(layer && { layer }),
});

const range = { from: Date.parse("2026-11-30T00:00:00Z"), to: Date.parse("2026-11-30T20:00:00Z") };

describe("a rota", () => {
  it("has a row for each layer and one for overrides", () => {
    const shifts = [shift("ben", "05:00", "10:00", "days"), shift("cid", "10:00", "15:00")];
    const [layer, overrides] = rows(schedule, shifts, range);
    expect([layer?.label, overrides?.label]).toEqual(["days", "Overrides"]);
    expect(layer?.bars.map(({ user, left, width, tone }) => [user, left, width, tone])).toEqual([
      ["ben", 25, 25, 2],
    ]);
    expect(overrides?.bars[0]?.left).toBe(50);
    expect(rows(schedule, [], range)).toEqual([{ label: "days", bars: [] }]);
  });

  it("keeps a layer of the past that is called otherwise now", () => {
    expect(rows(schedule, [shift("ann", "00:00", "05:00", "old")], range).map((row) => row.label)).toEqual([
      "days",
      "old",
    ]);
  });

  it("shows where nobody is", () => {
    const shifts = [
      shift("ann", "05:00", "10:00", "days"),
      shift("ben", "00:00", "02:00", "days"),
      shift("cid", "06:00", "15:00"),
    ];
    expect(holes(shifts, range)).toEqual([
      { left: 10, width: 15 },
      { left: 75, width: 25 },
    ]);
    expect(holes([], range)).toEqual([{ left: 0, width: 100 }]);
    expect(holes([shift("ann", "00:00", "20:00")], range)).toEqual([]);
  });

  it("counts days by the calendar, whatever hours they have", () => {
    const edges = dayEdges(new Date(2026, 2, 26, 15, 30));
    expect(edges.map((edge) => new Date(edge).getDate())).toEqual([26, 27, 28, 29, 30, 31, 1, 2]);
    expect(edges.every((edge) => new Date(edge).getHours() === 0)).toBe(true);
  });
});

describe("a schedule's draft", () => {
  it("is sent as it was read", () => {
    const { name, description, timezone, layers } = schedule;
    expect(inputOf(draftOf(schedule))).toEqual({ name, description, timezone, layers });
    expect(missingIn(draftOf(schedule))).toBeUndefined();
  });

  it("names what is missing", () => {
    const draft = draftOf(schedule);
    const [layer] = draft.layers;
    if (!layer) throw new Error("the layer is gone");
    const wrong = (change: Partial<typeof layer>) =>
      missingIn({ ...draft, layers: [{ ...layer, ...change }] });
    expect(missingIn({ ...draft, name: " " })).toBe("Enter a name.");
    expect(wrong({ participants: [] })).toBe("Choose somebody in days.");
    expect(wrong({ length: "0" })).toContain("as a number");
    expect(wrong({ start: "" })).toContain("begin");
    expect(wrong({ restrictions: [{ ...newRestriction(), days: [], to_day: "mon" }] })).toContain("the day");
    expect(missingIn({ ...draft, layers: [layer, { ...layer, key: 0 }] })).toContain("of its own");
  });
});

describe("an override", () => {
  const now = new Date(2026, 10, 30, 12, 0);
  const draft = { ...override.newOverride(now), user: "ben" };

  it("lasts for some hours from now when nothing else is said", () => {
    expect(override.missingIn(draft, now)).toBeUndefined();
    const { from_at, to_at } = override.inputOf(draft);
    expect(Date.parse(to_at) - Date.parse(from_at ?? "")).toBe(4 * 3_600_000);
    expect(override.missingIn({ ...draft, to: draft.from }, now)).toContain("after");
    expect(override.missingIn(draft, new Date(2026, 10, 30, 20, 0))).toContain("future");
    expect(override.missingIn({ ...draft, user: "" }, now)).toContain("person");
  });

  it("takes somebody's place only when it replaces", () => {
    expect(override.inputOf({ ...draft, insteadOf: "ann" }).instead_of).toBe("ann");
    expect(override.inputOf({ ...draft, kind: "add", insteadOf: "ann" }).instead_of).toBeUndefined();
  });
});
