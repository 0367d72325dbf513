import { describe, expect, it } from "vitest";
import type { ChannelConfig } from "@/api/types";
import { CHANNEL_KINDS, emptyConfig, fieldsOf, missingIn, targetOf, withValue } from "./channelKinds";

function filled(kind: (typeof CHANNEL_KINDS)[number]["value"]): ChannelConfig {
  const values = { list: ["a@b.c"], url: "https://x/y", number: 1, flag: true, choice: "tls" } as const;
  return fieldsOf(kind).reduce((config, field) => {
    const value = field.as && field.as in values ? values[field.as as keyof typeof values] : "text";
    return withValue(config, field, Array.isArray(value) ? [...value] : (value as string));
  }, emptyConfig(kind));
}

describe("kinds of channels", () => {
  it.each(CHANNEL_KINDS)("$value says what is missing until it is there", ({ value: kind }) => {
    expect(missingIn(emptyConfig(kind))).toMatch(/^Enter /);
    expect(missingIn(filled(kind))).toBeUndefined();
    for (const field of fieldsOf(kind).filter((one) => !one.optional && !one.initial && one.as !== "flag")) {
      expect(missingIn({ ...filled(kind), [field.name]: "" } as ChannelConfig)).toBe(field.missing);
    }
  });

  it("sends an optional text that was emptied as absent, but an empty secret of a webhook as empty", () => {
    const [, token] = fieldsOf("ntfy");
    expect(token && withValue(emptyConfig("ntfy"), token, "")).toMatchObject({ token: null });
    const [, secret] = fieldsOf("webhook");
    expect(secret && withValue(emptyConfig("webhook"), secret, "")).toMatchObject({ secret: "" });
  });

  it("shows where a channel goes, never a secret", () => {
    expect(targetOf(filled("email"))).toBe("a@b.c by text");
    expect(targetOf(filled("slack"))).toBe("https://x/y");
    expect(targetOf({ ...filled("pagerduty"), api_url: null } as ChannelConfig)).toBe("PagerDuty");
    for (const { value } of CHANNEL_KINDS) expect(targetOf(filled(value))).not.toBe("");
  });

  it("takes no address without its scheme", () => {
    const config = { ...filled("pagerduty"), api_url: "events.eu.pagerduty.com" } as ChannelConfig;
    expect(missingIn(config)).toBe("Enter the server, with https://.");
  });
});
