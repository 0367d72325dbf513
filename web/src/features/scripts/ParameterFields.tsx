// The typed parameters of a script.
import type { Parameter } from "@/api/types";
import { Button } from "@/ui/Button";
import { CheckField, SelectField, TextField } from "@/ui/Field";

const KINDS: { value: Parameter["kind"]; label: string }[] = [
  { value: "text", label: "Text, one line" },
  { value: "integer", label: "Whole number" },
  { value: "boolean", label: "Yes or no" },
  { value: "choice", label: "One of a list" },
];

interface Props {
  parameters: Parameter[];
  onChange: (parameters: Parameter[]) => void;
  error?: string;
}

export function ParameterFields({ parameters, onChange, error }: Props) {
  const change = (index: number, part: Partial<Parameter>) =>
    onChange(parameters.map((parameter, at) => (at === index ? { ...parameter, ...part } : parameter)));
  return (
    <fieldset className="stack tight">
      <legend className="label">Parameters</legend>
      {parameters.map((parameter, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the name, the only identity, is what is typed here
        <div key={index} className="parameter">
          <TextField
            label="Name"
            value={parameter.name}
            onChange={(name) => change(index, { name: name.toUpperCase() })}
            placeholder="SERVICE"
            mono
          />
          <SelectField
            label="Kind"
            value={parameter.kind}
            choices={KINDS}
            onChange={(kind) => change(index, { kind })}
          />
          {parameter.kind === "choice" && (
            <TextField
              label="Choices"
              value={(parameter.choices ?? []).join(", ")}
              onChange={(text) => change(index, { choices: text.split(",").map((choice) => choice.trim()) })}
              placeholder="nginx, php-fpm"
            />
          )}
          <TextField
            label="Default"
            value={parameter.default ?? ""}
            onChange={(text) => change(index, { default: text || null })}
          />
          <CheckField
            label="Required"
            checked={parameter.required ?? false}
            onChange={(required) => change(index, { required })}
          />
          <CheckField
            label="Secret"
            checked={parameter.secret ?? false}
            onChange={(secret) => change(index, { secret })}
          />
          <Button
            kind="quiet"
            icon="trash"
            aria-label={`Remove parameter ${parameter.name || index + 1}`}
            onClick={() => onChange(parameters.filter((_, at) => at !== index))}
          />
        </div>
      ))}
      {error && <span className="error">{error}</span>}
      <div>
        <Button small icon="plus" onClick={() => onChange([...parameters, { name: "", kind: "text" }])}>
          Add a parameter
        </Button>
      </div>
    </fieldset>
  );
}
