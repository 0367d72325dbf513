// A channel's own words: a template for each part, and beside them what it would send now.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { queries } from "@/api/queries";
import type { ChannelInput, ChannelPreview } from "@/api/types";
import { useSettled } from "@/lib/hooks";
import { AreaField, SelectField, TextField } from "@/ui/Field";
import { ErrorNotice } from "@/ui/Panel";
import { PARTS, type Part, pretty, problemAt, templateOf, withTemplate } from "./words";

const SETTLE_MS = 300;

interface Props {
  draft: ChannelInput;
  onChange: (change: Partial<ChannelInput>) => void;
}

export function WordsFields({ draft, onChange }: Props) {
  const [end, setEnd] = useState(false);
  const [number, setNumber] = useState("");
  const incident = /^\d+$/.test(number.trim()) ? Number(number) : null;
  const asked = useSettled(JSON.stringify({ channel: draft, incident, end }), SETTLE_MS);
  const preview = useQuery(queries.channelPreview(JSON.parse(asked)));
  const document = draft.config.kind === "webhook";
  const parts = PARTS.filter((part) => part.of === (end ? "end" : "page"));
  const field = (part: Part) => ({
    label: part.label,
    value: templateOf(draft.templates, part),
    error: problemAt(preview.data?.failed, part),
    onChange: (text: string) => onChange({ templates: withTemplate(draft.templates, part, text) }),
    mono: true,
  });
  return (
    <div className="form-columns">
      <div className="stack">
        <p className="meta">
          Templates such as <code>{"{{ $title }} on {{ $server }}"}</code>; left empty, the hub's own words go
          out.
          {document && " The body is the whole JSON document: put each value through json."}
        </p>
        <SelectField
          label="Of"
          value={end ? "end" : "page"}
          choices={[
            { value: "page", label: "pages" },
            { value: "end", label: "notices that it is over" },
          ]}
          onChange={(of) => setEnd(of === "end")}
        />
        {parts.map((part) =>
          part.name === "body" ? (
            <AreaField key={part.label} rows={6} {...field(part)} />
          ) : (
            !document && <TextField key={part.label} {...field(part)} />
          ),
        )}
        <TextField
          label="Incident"
          inputMode="numeric"
          value={number}
          onChange={setNumber}
          placeholder="a sample"
          hint="Its number, to see what would be said of it."
        />
      </div>
      <section className="parameter-box stack tight" aria-label="What it would send" aria-live="polite">
        {preview.error ? (
          <ErrorNotice error={preview.error} title="No preview" />
        ) : (
          preview.data && <Shown preview={preview.data} />
        )}
      </section>
    </div>
  );
}

function Shown({ preview }: { preview: ChannelPreview }) {
  return (
    <>
      {preview.headline && <strong>{preview.headline}</strong>}
      {preview.lines.length > 0 && <div className="preview-lines">{preview.lines.join("\n")}</div>}
      {preview.unwritten ? (
        <p className="meta">{preview.unwritten}</p>
      ) : (
        <details open={!preview.headline}>
          <summary>
            What {preview.to} gets, as {preview.content_type}
          </summary>
          <pre className="code-block" tabIndex={0}>
            {pretty(preview.body ?? "")}
          </pre>
        </details>
      )}
    </>
  );
}
