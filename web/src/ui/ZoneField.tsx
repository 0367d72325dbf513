// A time zone by its IANA name, with those that the browser knows to choose from.
import { useId, useMemo } from "react";
import { TextField } from "./Field";

interface Props {
  value: string;
  onChange: (zone: string) => void;
  error?: string;
  hint?: string;
}

export function ZoneField({ value, onChange, error, hint }: Props) {
  const list = useId();
  const zones = useMemo(() => ["UTC", ...Intl.supportedValuesOf("timeZone")], []);
  return (
    <div>
      <TextField label="Time zone" value={value} onChange={onChange} list={list} error={error} hint={hint} />
      <datalist id={list}>
        {zones.map((zone) => (
          <option key={zone} value={zone} />
        ))}
      </datalist>
    </div>
  );
}
