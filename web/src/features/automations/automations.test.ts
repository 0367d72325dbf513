import { describe, expect, it } from "vitest";
import type { Automation } from "@/api/types";
import { ownTime, zoneTime } from "@/lib/zone-time";
import { draftOf, inputOf, problemsIn } from "./draft";
import { effectWords, limitWords, standsWords, triggerWords } from "./sentence";

const byAlert: Automation = {
  id: "a",
  name: "Restart nginx",
  enabled: true,
  trigger: { rule_id: "r" },
  script_id: "s",
  script: "restart",
  parameters: { UNIT: "nginx" },
  mode: "auto",
  cooldown_seconds: 900,
  attempts_per_incident: 2,
  verify_within_seconds: null,
  breaker_open: false,
  created_by: "ana",
  created_at: "2026-11-24T00:00:00.000Z",
  attempts: [],
};

const byClock: Automation = {
  ...byAlert,
  name: "Nightly backup",
  trigger: { cron: "30 3 * * *", timezone: "Europe/Berlin", overlap: "queue", missed_grace_seconds: 5400 },
  on: 'env="prod"',
  rollout: { at_once: "5" },
  words: "at 03:30 every day, Europe/Berlin",
  stands_for: "team payments",
  team: "payments",
};

describe("a draft", () => {
  it("is sent as it was read", () => {
    for (const automation of [byAlert, byClock]) {
      const input = inputOf(draftOf(automation));
      expect(input.trigger).toEqual(automation.trigger);
      expect(input.on).toBe(automation.on ?? null);
      expect(input.rollout).toEqual(automation.rollout ?? null);
      expect(input.team).toBe(automation.team ?? null);
      expect(problemsIn(draftOf(automation))).toEqual({});
    }
  });

  it("sends nothing of the other kind of trigger", () => {
    const input = inputOf({ ...draftOf(byClock), start: "alert", matchers: "a=b" });
    expect(input.trigger).toEqual({ matchers: "a=b" });
    expect([input.on, input.rollout]).toEqual([null, null]);
    const clock = inputOf({ ...draftOf(byAlert), start: "clock", cron: " @daily ", timezone: "UTC" });
    expect(clock.trigger).toEqual({
      cron: "@daily",
      timezone: "UTC",
      overlap: "skip",
      missed_grace_seconds: 0,
    });
  });

  it("names what is missing for its kind alone", () => {
    const wrong = (draft: Parameters<typeof problemsIn>[0]) =>
      Object.entries(problemsIn(draft))
        .filter(([, text]) => text)
        .map(([field]) => field);
    const empty = draftOf(undefined);
    expect(wrong(empty)).toEqual(["name", "trigger", "script"]);
    expect(wrong({ ...empty, start: "clock", timezone: "" })).toEqual([
      "name",
      "cron",
      "timezone",
      "on",
      "script",
    ]);
    expect(wrong({ ...draftOf(byClock), grace: "8d" })).toEqual(["grace"]);
    expect(wrong({ ...draftOf(byClock), grace: "soon", cooldown: "x" })).toEqual(["grace"]);
    expect(wrong({ ...draftOf(byAlert), attempts: "21" })).toEqual(["attempts"]);
    expect(wrong({ ...draftOf(byAlert), attempts: "20" })).toEqual([]);
    expect(wrong({ ...draftOf(byAlert), attempts: "0", verify: "x" })).toEqual(["attempts", "verify"]);
  });
});

describe("words", () => {
  it("say what starts it", () => {
    expect(triggerWords(byAlert, "Nginx is down")).toBe("alerts of Nginx is down");
    expect(triggerWords({ ...byAlert, trigger: { matchers: "a=b" } }, undefined)).toBe("alerts with a=b");
    expect(triggerWords(byClock, undefined)).toBe("at 03:30 every day, Europe/Berlin");
  });

  it("say what it does and within which limits", () => {
    expect(effectWords({ ...byAlert, mode: "approve" })).toBe("is run when a person approves it");
    expect(effectWords({ ...byAlert, mode: "observe" })).toBe("is not run, only noted");
    expect(limitWords(byAlert)[0]).toBe("At most 2 times per incident, 15m apart.");
    expect(limitWords(byClock)).toEqual([
      "While an earlier run is not over, one firing waits for it.",
      "Missed while no hub ran, it is made up for once if it is not older than 1h 30m.",
    ]);
  });

  it("show the zone's clock", () => {
    const at = "2026-11-30T02:30:00.000Z";
    expect(zoneTime({ local: "2026-11-30T03:30:00+01:00" })).toBe("Mon 2026-11-30 03:30 +01:00");
    expect(zoneTime({ local: "2026-11-30T02:30:00Z" })).toBe("Mon 2026-11-30 02:30 +00:00");
    expect(zoneTime({ local: "something else" })).toBe("something else");
    // In whatever zone this runs, it is the same instant.
    const [, date, time, offset] = ownTime({ at }).split(" ");
    expect(new Date(`${date}T${time}:00${offset}`).toISOString()).toBe(at);
  });
});

describe("whose right counts", () => {
  it("is a team's, one's own, or somebody's", () => {
    expect(standsWords(byClock, false)).toBe(
      "It acts as team payments, by the team's rights: they are asked for at each firing.",
    );
    const ana = { ...byAlert, stands_for: "ana" };
    expect(standsWords(ana, true)).toBe(
      "You stand for what it does: that right is asked for at each attempt.",
    );
    expect(standsWords(ana, false)).toContain("ana stands");
    const gone = { ...byAlert, stands_for: "A team that was deleted" };
    expect(standsWords(gone, false)).toContain("A team that was deleted stands");
  });
});
