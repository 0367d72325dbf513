import { describe, expect, it } from "vitest";
import { hasOwnWords, PARTS, pretty, problemAt, templateOf, withTemplate } from "./words";

describe("a channel's own words", () => {
  it("keeps each template at its place, and none of what was emptied", () => {
    for (const part of PARTS) {
      const written = withTemplate(undefined, part, "{{ $title }}");
      expect(PARTS.filter((other) => templateOf(written, other) !== "")).toEqual([part]);
      expect(hasOwnWords(written)).toBe(true);
      const emptied = withTemplate(written, part, "");
      expect(emptied?.[part.of]?.[part.name]).toBeNull();
      expect(hasOwnWords(emptied)).toBe(false);
    }
  });

  it("says what is wrong at the template that it is about", () => {
    const [title, body] = PARTS;
    const failed = [
      { template: "page.title", message: "expected $title", line: 1, column: 4 },
      { template: "page.body", message: "it makes no JSON" },
    ];
    expect(title && problemAt(failed, title)).toBe("Line 1, column 4: expected $title");
    expect(body && problemAt(failed, body)).toBe("it makes no JSON");
    expect(PARTS[2] && problemAt(failed, PARTS[2])).toBeUndefined();
  });

  it("gives JSON its lines and leaves a mail as it is", () => {
    expect(pretty('{"a":1}')).toBe('{\n  "a": 1\n}');
    expect(pretty("Subject: x")).toBe("Subject: x");
  });
});
