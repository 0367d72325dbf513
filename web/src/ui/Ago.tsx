// Relative time with the exact one on hover, in the viewer's zone.
import { useNow } from "@/lib/hooks";
import { formatAgo, formatCountdown, formatDue, formatExact, formatShort } from "@/lib/time";

export function Ago({ at }: { at: string | null | undefined }) {
  const now = useNow();
  if (!at) return <span className="meta">never</span>;
  return (
    <time dateTime={at} title={formatExact(at)} className="nowrap">
      {formatAgo(at, now)}
    </time>
  );
}

export function At({ at }: { at: string }) {
  return (
    <time dateTime={at} title={formatExact(at)} className="nowrap">
      {formatShort(at)}
    </time>
  );
}

export function Countdown({ at }: { at: string }) {
  const now = useNow();
  return (
    <time dateTime={at} title={formatExact(at)} className="nowrap">
      {formatCountdown(at, now)}
    </time>
  );
}

/** `in 3:10`, counting down to `now`. */
export function Due({ at }: { at: string }) {
  const now = useNow();
  return (
    <time dateTime={at} title={formatExact(at)} className="nowrap">
      {formatDue(at, now)}
    </time>
  );
}
