// Buttons. A forbidden one stays visible, says why, and can be reached by keyboard.
import type { ButtonHTMLAttributes, ReactNode } from "react";
import { type Need, useWhyNot } from "@/api/access";
import { Icon, type IconName } from "./Icon";

interface Props extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, "type"> {
  kind?: "primary" | "quiet" | "danger" | "danger primary";
  small?: boolean;
  icon?: IconName;
  type?: "button" | "submit";
  /** The least role that may do this. */
  needs?: Need;
  busy?: boolean;
  children?: ReactNode;
}

export function Button({ kind, small, icon, needs, busy, className, onClick, children, ...rest }: Props) {
  const why = useWhyNot(needs);
  const off = why !== undefined || busy === true;
  const names = ["button", kind, small && "small", className].filter(Boolean).join(" ");
  return (
    <button
      type="button"
      {...rest}
      className={names}
      aria-disabled={off || undefined}
      aria-busy={busy || undefined}
      title={why ?? rest.title}
      onClick={(event) => {
        if (off) event.preventDefault();
        else onClick?.(event);
      }}
    >
      {icon && <Icon name={icon} />}
      {children}
      {why && <span className="visually-hidden"> ({why})</span>}
    </button>
  );
}
