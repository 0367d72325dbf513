// Where in another tool's JSON the title, the state and the rest of an alert are; and what that makes of an example.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { queries } from "@/api/queries";
import { useSettled } from "@/lib/hooks";
import { AreaField, TextField } from "@/ui/Field";
import { LabelChips } from "@/ui/Labels";
import { problemOf } from "@/ui/Panel";
import { Badge, severityTone } from "@/ui/Status";
import { type MappingDraft, type MappingPath, mappingOf } from "./mapping";

const SETTLE_MS = 300;
const FIELDS: readonly { path: MappingPath; label: string; placeholder: string }[] = [
  { path: "items", label: "List of alerts", placeholder: "the body is one" },
  { path: "key", label: "Key: names the alert", placeholder: "each is its own" },
  { path: "title", label: "Title", placeholder: "check.name" },
  { path: "description", label: "Description", placeholder: "none" },
  { path: "severity", label: "Severity", placeholder: "warning" },
  { path: "state", label: "State", placeholder: "always wrong" },
];

interface Props {
  draft: MappingDraft;
  onChange: (part: Partial<MappingDraft>) => void;
}

export function MappingFields({ draft, onChange }: Props) {
  const [example, setExample] = useState("");
  return (
    <fieldset className="parameter-box stack tight">
      <legend className="label">Where it is in the JSON</legend>
      <p className="meta">
        Paths such as <code>alert.name</code>, <code>alerts[0].id</code> or <code>tags["data centre"]</code>.
      </p>
      <div className="form-pair">
        {FIELDS.map(({ path, label, placeholder }) => (
          <TextField
            key={path}
            label={label}
            value={draft[path]}
            placeholder={placeholder}
            onChange={(text) => onChange({ [path]: text })}
            mono
          />
        ))}
        <TextField
          label="States that end it"
          value={draft.resolved}
          placeholder="ok, up"
          onChange={(resolved) => onChange({ resolved })}
          mono
        />
      </div>
      <AreaField
        label="Labels"
        rows={2}
        value={draft.labels}
        placeholder={"host=host.name"}
        onChange={(labels) => onChange({ labels })}
        mono
      />
      <AreaField
        label="An example of what it sends"
        rows={4}
        value={example}
        placeholder={'{"check": {"name": "disk full"}, "status": "down"}'}
        onChange={setExample}
        mono
      />
      <Preview draft={draft} example={example} />
    </fieldset>
  );
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function Preview({ draft, example }: { draft: MappingDraft; example: string }) {
  const asked = useSettled(JSON.stringify({ mapping: mappingOf(draft), example }), SETTLE_MS);
  const { mapping, example: text } = JSON.parse(asked) as {
    mapping: ReturnType<typeof mappingOf>;
    example: string;
  };
  const body = jsonOf(text);
  const known = typeof mapping !== "string" && body !== undefined;
  const preview = useQuery({ ...queries.signalPreview({ mapping, body }), enabled: known });
  if (text.trim() === "") return null;
  if (body === undefined) return <p className="error">The example is not JSON.</p>;
  if (typeof mapping === "string") return <p className="meta">{mapping}</p>;
  if (preview.error) {
    return (
      <p className="error" role="alert">
        {problemOf(preview.error).detail}
      </p>
    );
  }
  return (
    <ul className="stack tight" aria-label="What that makes of it">
      {preview.data?.items.map((signal, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: alerts of one body are known by their place alone
        <li key={index} className="stack tight">
          <div>
            <Badge tone={signal.resolved ? "ok" : severityTone(signal.severity)}>
              {signal.resolved ? "over" : signal.severity}
            </Badge>{" "}
            <strong>{signal.title}</strong> {signal.key && <span className="meta">as {signal.key}</span>}
            {signal.description && <div className="sub">{signal.description}</div>}
          </div>
          <LabelChips labels={signal.labels} />
        </li>
      ))}
    </ul>
  );
}
