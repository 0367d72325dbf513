// Values for a script's parameters, each by its kind.
import type { Parameter } from "@/api/types";
import { SelectField, TextField } from "./Field";

interface Props {
  parameters: readonly Parameter[];
  values: Record<string, string>;
  onChange: (values: Record<string, string>) => void;
}

function problemOf(parameter: Parameter, value: string): string | undefined {
  if (value === "") return undefined;
  if (parameter.kind === "integer" && !/^-?\d+$/.test(value)) return "Enter a whole number.";
  if (parameter.kind === "text" && value.startsWith("-")) return "Must not begin with -.";
  return undefined;
}

function choicesOf(parameter: Parameter): { value: string; label: string }[] {
  const choices = parameter.kind === "boolean" ? ["true", "false"] : (parameter.choices ?? []);
  const none = parameter.required ? "choose" : "not given";
  return [{ value: "", label: none }, ...choices.map((choice) => ({ value: choice, label: choice }))];
}

export function ParameterValues({ parameters, values, onChange }: Props) {
  if (parameters.length === 0) return null;
  return (
    <div className="form-columns">
      {parameters.map((parameter) => {
        const value = values[parameter.name] ?? "";
        const set = (next: string) => onChange({ ...values, [parameter.name]: next });
        const label = parameter.required ? `${parameter.name} (required)` : parameter.name;
        if (parameter.kind === "text" || parameter.kind === "integer") {
          return (
            <TextField
              key={parameter.name}
              label={label}
              value={value}
              onChange={set}
              hint={parameter.description}
              error={problemOf(parameter, value)}
              type={parameter.secret ? "password" : "text"}
              autoComplete="off"
              inputMode={parameter.kind === "integer" ? "numeric" : undefined}
            />
          );
        }
        return (
          <SelectField
            key={parameter.name}
            label={label}
            value={value}
            choices={choicesOf(parameter)}
            onChange={set}
            hint={parameter.description}
          />
        );
      })}
    </div>
  );
}
