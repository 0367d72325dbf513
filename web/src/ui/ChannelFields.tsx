// The fields of a channel, by its kind. A stored secret is shown as *** and kept when it stays so.
import type { ChannelConfig } from "@/api/types";
import { type ChannelField, fieldsOf, fieldValue, withValue } from "./channelKinds";
import { CheckField, SelectField, TextField } from "./Field";

interface Props {
  config: ChannelConfig;
  onChange: (config: ChannelConfig) => void;
}

export function ChannelFields({ config, onChange }: Props) {
  return fieldsOf(config.kind).map((field) => (
    <OneField key={`${config.kind} ${field.name}`} field={field} config={config} onChange={onChange} />
  ));
}

function OneField({ field, config, onChange }: Props & { field: ChannelField }) {
  const value = fieldValue(config, field);
  const set = (next: string | string[] | number | boolean) => onChange(withValue(config, field, next));
  const { label, hint, placeholder } = field;
  if (field.as === "flag")
    return <CheckField label={label} hint={hint} checked={value === true} onChange={set} />;
  if (field.as === "choice")
    return <SelectField label={label} value={String(value)} choices={field.choices ?? []} onChange={set} />;
  const text = Array.isArray(value) ? value.join(", ") : String(value ?? "");
  const parse = {
    list: (typed: string) => set(typed.split(/[,;\s]+/).filter(Boolean)),
    number: (typed: string) => set(Number(typed.replace(/\D/g, "")) || 0),
  };
  return (
    <TextField
      label={label}
      hint={hint}
      placeholder={placeholder}
      type={field.as === "secret" ? "password" : field.as === "url" ? "url" : "text"}
      inputMode={field.as === "number" ? "numeric" : undefined}
      autoComplete={field.as === "secret" ? "new-password" : "off"}
      value={text}
      onChange={field.as === "list" || field.as === "number" ? parse[field.as] : set}
      mono={field.as === "url"}
    />
  );
}
