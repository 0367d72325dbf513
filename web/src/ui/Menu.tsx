// A menu on the native popover: light dismiss and Escape for free, placed under its button.
import { type ReactNode, useId, useRef } from "react";
import { Icon, type IconName } from "./Icon";

interface MenuProps {
  label: string;
  icon: IconName;
  text?: string;
  className?: string;
  children: ReactNode;
}

const GAP_PX = 4;

export function Menu({ label, icon, text, className = "button quiet", children }: MenuProps) {
  const id = useId();
  const button = useRef<HTMLButtonElement>(null);
  const popover = useRef<HTMLDivElement>(null);
  const place = () => {
    const [anchor, box] = [button.current?.getBoundingClientRect(), popover.current];
    if (!anchor || !box) return;
    const left = Math.max(
      GAP_PX,
      Math.min(anchor.right - box.offsetWidth, window.innerWidth - box.offsetWidth - GAP_PX),
    );
    const below = anchor.bottom + GAP_PX;
    const top =
      below + box.offsetHeight > window.innerHeight ? anchor.top - box.offsetHeight - GAP_PX : below;
    box.style.left = `${left}px`;
    box.style.top = `${Math.max(GAP_PX, top)}px`;
  };
  return (
    <>
      <button
        ref={button}
        type="button"
        className={className}
        popoverTarget={id}
        aria-label={text ? undefined : label}
        title={label}
      >
        <Icon name={icon} />
        {text && <span>{text}</span>}
      </button>
      <div
        id={id}
        ref={popover}
        popover="auto"
        className="menu"
        role="group"
        aria-label={label}
        onToggle={(event) => event.newState === "open" && place()}
        onClick={(event) =>
          (event.target as Element).closest("a, [data-closes]") && popover.current?.hidePopover()
        }
        onKeyDown={(event) => event.key === "Escape" && button.current?.focus()}
      >
        {children}
      </div>
    </>
  );
}
