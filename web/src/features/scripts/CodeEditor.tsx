// A plain text editor with line numbers. Tab indents; Escape then Tab leaves, so that the keyboard is never trapped.
import { type KeyboardEvent, useId, useRef } from "react";

const INDENT = "  ";
const ROWS_MIN = 12;
const ROWS_MAX = 32;

interface Props {
  label: string;
  value: string;
  onChange: (value: string) => void;
  error?: string;
}

export function CodeEditor({ label, value, onChange, error }: Props) {
  const id = useId();
  const leaving = useRef(false);
  const lines = value.split("\n").length;
  const rows = Math.max(ROWS_MIN, Math.min(ROWS_MAX, lines + 1));
  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    if (event.key === "Escape") leaving.current = true;
    else if (event.key === "Tab" && !event.shiftKey && !leaving.current) {
      event.preventDefault();
      const area = event.currentTarget;
      area.setRangeText(INDENT, area.selectionStart, area.selectionEnd, "end");
      onChange(area.value);
    } else leaving.current = false;
  };
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <div className="editor" style={{ height: `${rows * 1.25 + 1}rem` }}>
        <div className="editor-scroll">
          <pre className="editor-lines" aria-hidden="true">
            {Array.from({ length: lines }, (_, index) => index + 1).join("\n")}
          </pre>
          <textarea
            id={id}
            className="editor-text mono"
            style={{ height: `${Math.max(rows, lines) * 1.25 + 1}rem` }}
            wrap="off"
            spellCheck={false}
            autoCapitalize="off"
            autoComplete="off"
            aria-describedby={`${id}-hint`}
            aria-invalid={error ? true : undefined}
            value={value}
            onKeyDown={onKeyDown}
            onChange={(event) => onChange(event.target.value)}
          />
        </div>
      </div>
      <span className="hint" id={`${id}-hint`}>
        Parameters are environment variables, never part of the text. Tab indents; Escape, then Tab leaves the
        editor.
      </span>
      {error && <span className="error">{error}</span>}
    </div>
  );
}
