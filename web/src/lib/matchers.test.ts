import { describe, expect, it } from "vitest";
import { alertMatchers, bare, matchersOf } from "./matchers";

describe("matchers", () => {
  it("quotes what would end a value", () => {
    expect(matchersOf({ path: 'C:\\"x"', text: "two\nlines" })).toBe(
      'path="C:\\\\\\"x\\"",text="two\\nlines"',
    );
    expect(matchersOf({})).toBe("");
    expect(bare('{a="b", c=~"d{2}"}')).toBe('a="b", c=~"d{2}"');
  });

  it("names what an alert is, and where", () => {
    expect(alertMatchers({ alertname: "Disk full", mountpoint: "/" }, "web-1: disk", "web-1")).toBe(
      'alertname="Disk full",name="web-1"',
    );
    expect(alertMatchers({ instance: "db:9100", job: "node" }, "it is down")).toBe(
      'alertname="it is down",instance="db:9100",job="node"',
    );
  });
});
