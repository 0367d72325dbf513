// Form fields: label, hint and error are tied to the control; an error names the fix.
import {
  type InputHTMLAttributes,
  type ReactNode,
  type SelectHTMLAttributes,
  type TextareaHTMLAttributes,
  useId,
} from "react";

interface Common {
  label: ReactNode;
  hint?: ReactNode;
  error?: string;
}

interface FrameProps extends Common {
  children: (ids: {
    id: string;
    "aria-describedby": string | undefined;
    "aria-invalid": true | undefined;
  }) => ReactNode;
}

function Frame({ label, hint, error, children }: FrameProps) {
  const id = useId();
  const described = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(" ") || undefined;
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {children({ id, "aria-describedby": described, "aria-invalid": error ? true : undefined })}
      {hint && (
        <span className="hint" id={`${id}-hint`}>
          {hint}
        </span>
      )}
      {error && (
        <span className="error" id={`${id}-error`}>
          {error}
        </span>
      )}
    </div>
  );
}

type TextProps = Common &
  Omit<InputHTMLAttributes<HTMLInputElement>, "onChange" | "value"> & {
    value: string;
    onChange: (value: string) => void;
    mono?: boolean;
  };

export function TextField({ label, hint, error, value, onChange, mono, ...rest }: TextProps) {
  return (
    <Frame label={label} hint={hint} error={error}>
      {(ids) => (
        <input
          type="text"
          {...rest}
          {...ids}
          className={mono ? "input mono" : "input"}
          value={value}
          onChange={(event) => onChange(event.target.value)}
        />
      )}
    </Frame>
  );
}

type AreaProps = Common &
  Omit<TextareaHTMLAttributes<HTMLTextAreaElement>, "onChange" | "value"> & {
    value: string;
    onChange: (value: string) => void;
    mono?: boolean;
  };

export function AreaField({ label, hint, error, value, onChange, mono, ...rest }: AreaProps) {
  return (
    <Frame label={label} hint={hint} error={error}>
      {(ids) => (
        <textarea
          {...rest}
          {...ids}
          className={mono ? "textarea mono" : "textarea"}
          spellCheck={!mono}
          value={value}
          onChange={(event) => onChange(event.target.value)}
        />
      )}
    </Frame>
  );
}

export interface Choice<T extends string> {
  value: T;
  label: string;
}

type SelectProps<T extends string> = Common &
  Omit<SelectHTMLAttributes<HTMLSelectElement>, "onChange" | "value"> & {
    value: T;
    choices: readonly Choice<T>[];
    onChange: (value: T) => void;
  };

export function SelectField<T extends string>({
  label,
  hint,
  error,
  value,
  choices,
  onChange,
  ...rest
}: SelectProps<T>) {
  return (
    <Frame label={label} hint={hint} error={error}>
      {(ids) => (
        <select
          {...rest}
          {...ids}
          className="select"
          value={value}
          onChange={(event) => onChange(event.target.value as T)}
        >
          {choices.map((choice) => (
            <option key={choice.value} value={choice.value}>
              {choice.label}
            </option>
          ))}
        </select>
      )}
    </Frame>
  );
}

interface CheckProps {
  label: ReactNode;
  checked: boolean;
  onChange: (checked: boolean) => void;
  disabled?: boolean;
  hint?: ReactNode;
}

export function CheckField({ label, checked, onChange, disabled, hint }: CheckProps) {
  return (
    <label className="check">
      <input
        type="checkbox"
        checked={checked}
        disabled={disabled}
        onChange={(event) => onChange(event.target.checked)}
      />
      <span>
        {label}
        {hint && <span className="meta"> {hint}</span>}
      </span>
    </label>
  );
}
