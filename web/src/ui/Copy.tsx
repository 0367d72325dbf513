// Copy to the clipboard, and the command line's twin of what a page shows.
import { useState } from "react";
import { Button } from "./Button";

const SHOWN_MS = 1600;

export function CopyButton({
  text,
  label = "Copy",
  small = true,
}: {
  text: string;
  label?: string;
  small?: boolean;
}) {
  const [done, setDone] = useState<"copied" | "failed">();
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setDone("copied");
    } catch {
      // Not a secure context, or denied: the text beside the button can be selected.
      setDone("failed");
    }
    setTimeout(() => setDone(undefined), SHOWN_MS);
  };
  return (
    <Button small={small} icon={done === "copied" ? "check" : "copy"} onClick={copy}>
      <span aria-live="polite">
        {done === "copied" ? "Copied" : done === "failed" ? "Select and copy" : label}
      </span>
    </Button>
  );
}

export function Cli({ command }: { command: string }) {
  return (
    <div className="cli wide-only">
      <span>CLI</span>
      <code tabIndex={0}>{command}</code>
      <CopyButton text={command} />
    </div>
  );
}
