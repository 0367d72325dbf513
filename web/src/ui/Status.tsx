// State as shape, word and colour together: never colour alone.
import type {
  Attempt,
  DeploymentStatus,
  ExecutionState,
  Firing,
  Incident,
  RunState,
  ServerStatus,
  Severity,
} from "@/api/types";

export type Tone = "ok" | "warn" | "crit" | "muted" | "unknown";

interface GlyphProps {
  tone: Tone;
  /** Acknowledged: the same shape, outlined. */
  outlined?: boolean;
}

const INK = "light-dark(#fff, #0d1014)";

function shapeOf(tone: Tone) {
  switch (tone) {
    case "ok":
      return <circle cx="8" cy="8" r="6.25" />;
    case "warn":
      return <path d="M8 1.5 15 14.5H1z" strokeLinejoin="round" />;
    case "crit":
      return <rect x="1.75" y="1.75" width="12.5" height="12.5" rx="1.5" />;
    case "muted":
      return <path d="M3 2h3.5v12H3zM9.5 2H13v12H9.5z" />;
    case "unknown":
      return <circle cx="8" cy="8" r="6" strokeDasharray="2.6 2.1" />;
  }
}

const MARKS: Partial<Record<Tone, string>> = {
  ok: "M5 8.2 7.2 10.4 11 6",
  warn: "M8 6.2v4M8 12.3v.1",
  crit: "M5.5 5.5l5 5M10.5 5.5l-5 5",
};

export function Glyph({ tone, outlined = false }: GlyphProps) {
  const hollow = outlined || tone === "unknown";
  return (
    <svg className={`glyph tone-${tone}`} viewBox="0 0 16 16" aria-hidden="true">
      <g fill={hollow ? "none" : "currentColor"} stroke="currentColor" strokeWidth={hollow ? 1.75 : 0.5}>
        {shapeOf(tone)}
      </g>
      {tone === "unknown" && (
        <path
          d="M6.2 6.4a1.9 1.9 0 1 1 2.6 1.8c-.6.2-.8.5-.8 1M8 11.3v.1"
          fill="none"
          stroke="currentColor"
          strokeWidth="1.4"
          strokeLinecap="round"
        />
      )}
      {MARKS[tone] && (
        <path
          d={MARKS[tone]}
          fill="none"
          style={{ stroke: hollow ? "currentColor" : INK }}
          strokeWidth="1.7"
          strokeLinecap="round"
        />
      )}
    </svg>
  );
}

export function Status({ tone, outlined, children }: GlyphProps & { children: React.ReactNode }) {
  return (
    <span className={`status tone-${tone}`}>
      <Glyph tone={tone} outlined={outlined} />
      {children}
    </span>
  );
}

export function Badge({ tone, children }: { tone: Tone; children: React.ReactNode }) {
  return <span className={`badge tone-${tone}`}>{children}</span>;
}

export function severityTone(severity: Severity): Tone {
  return { critical: "crit", error: "crit", warning: "warn", info: "unknown" }[severity] as Tone;
}

export const serverTone: Record<ServerStatus, Tone> = {
  up: "ok",
  lost: "crit",
  away: "warn",
  pending: "unknown",
  maintenance: "muted",
};

export const serverWord: Record<ServerStatus, string> = {
  up: "up",
  lost: "lost",
  away: "away",
  pending: "waiting",
  maintenance: "maintenance",
};

/** The worse of what the agent's state and the open incidents say. */
export function toneOfServer(server: { status: ServerStatus; worst_severity?: Severity | null }): Tone {
  const own = serverTone[server.status];
  if (own !== "ok" || !server.worst_severity) return own;
  return server.worst_severity === "info" ? "ok" : severityTone(server.worst_severity);
}

export function IncidentStatus({ incident }: { incident: Pick<Incident, "state" | "severity"> }) {
  if (incident.state === "resolved") return <Status tone="ok">resolved</Status>;
  return (
    <Status tone={severityTone(incident.severity)} outlined={incident.state === "acknowledged"}>
      {incident.severity}
    </Status>
  );
}

export const runTone: Record<RunState, Tone> = {
  queued: "unknown",
  awaiting_approval: "warn",
  running: "unknown",
  succeeded: "ok",
  partial: "warn",
  failed: "crit",
  cancelled: "muted",
  expired: "muted",
};

export const deploymentTone: Record<DeploymentStatus, Tone> = {
  pending: "unknown",
  running: "unknown",
  succeeded: "ok",
  failed: "crit",
  cancelled: "muted",
};

export const executionTone: Record<ExecutionState, Tone> = {
  queued: "unknown",
  pending: "unknown",
  dispatched: "unknown",
  accepted: "unknown",
  running: "unknown",
  succeeded: "ok",
  failed: "crit",
  timed_out: "crit",
  cancelled: "muted",
  rejected: "warn",
  lost: "crit",
  expired: "warn",
  skipped: "muted",
};

export const attemptTone: Record<Attempt["state"], Tone> = {
  observed: "unknown",
  awaiting_approval: "warn",
  blocked: "muted",
  running: "unknown",
  verifying: "unknown",
  fixed: "ok",
  not_fixed: "crit",
  failed: "crit",
  lost: "crit",
  refused: "warn",
  denied: "muted",
};

export const firingTone: Record<Firing["state"], Tone> = {
  missed: "warn",
  skipped: "warn",
  waiting: "unknown",
  observed: "unknown",
  awaiting_approval: "warn",
  running: "unknown",
  succeeded: "ok",
  partial: "warn",
  failed: "crit",
  cancelled: "muted",
  expired: "muted",
};

/** `timed_out` as it is read: `timed out`. */
export function words(state: string): string {
  return state.replace(/_/g, " ");
}
