import { describe, expect, it } from "vitest";
import { writeStored } from "@/lib/stored";
import { browserName, channelOf, keyBytes, obstacle } from "./push";

describe("notifications in a browser", () => {
  it("names a browser as people do", () => {
    const chrome = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/140.0.0.0 Mobile Safari/537.36";
    expect(browserName(chrome)).toBe("Chrome on Android");
    expect(
      browserName("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1"),
    ).toBe("Safari on iPhone");
    expect(browserName("Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537.36 Edg/140.0")).toBe(
      "Edge on Windows",
    );
    expect(browserName("curl")).toBe("Browser");
  });

  it("reads keys as the hub writes them", () => {
    expect([...keyBytes("BP-_")]).toEqual([4, 255, 191]);
  });

  it("knows its channel only while it is one of the person's", () => {
    writeStored("push-channel", "c1");
    expect(channelOf(["c0", "c1"])).toBe("c1");
    expect(channelOf(["c0"])).toBeUndefined();
  });

  it("says why a browser cannot be notified", () => {
    expect(obstacle()).toMatch(/HTTPS|Home Screen/);
  });
});
