// The frame of a part of a page, and the one way to show what a query says: loading, failed, stale, empty or data.
import type { ReactNode } from "react";
import { useId } from "react";
import { ApiError } from "@/api/client";
import { useNow } from "@/lib/hooks";
import { formatAge } from "@/lib/time";
import { Button } from "./Button";

interface PanelProps {
  title?: ReactNode;
  actions?: ReactNode;
  flush?: boolean;
  className?: string;
  children: ReactNode;
}

export function Panel({ title, actions, flush, className = "", children }: PanelProps) {
  const id = useId();
  return (
    <section className={`panel ${className}`} aria-labelledby={title ? id : undefined}>
      {title && (
        <div className="panel-head">
          <h2 id={id}>{title}</h2>
          {actions}
        </div>
      )}
      <div className={flush ? "panel-body flush" : "panel-body"}>{children}</div>
    </section>
  );
}

export function Skeleton({ lines = 4 }: { lines?: number }) {
  return (
    <div className="skeleton" role="status">
      <span className="visually-hidden" style={{ height: "1px" }}>
        Loading
      </span>
      {Array.from({ length: lines }, (_, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the lines are alike and never move
        <span key={index} style={{ width: `${92 - ((index * 23) % 45)}%` }} />
      ))}
    </div>
  );
}

export function problemOf(error: unknown) {
  if (error instanceof ApiError) return error.problem;
  const detail = error instanceof Error ? error.message : String(error);
  return {
    title: "Failed",
    detail,
    code: "client",
    hint: undefined,
    request_id: "",
    status: 0,
    field: undefined,
  };
}

interface ErrorNoticeProps {
  error: unknown;
  retry?: () => void;
  /** When the last good answer came, ms. */
  goodAt?: number;
  title?: string;
}

export function ErrorNotice({ error, retry, goodAt, title }: ErrorNoticeProps) {
  const problem = problemOf(error);
  const now = useNow(goodAt ? 5000 : undefined);
  return (
    <div className="notice tone-crit" role="alert">
      <div className="row">
        <strong>{title ?? (problem.code === "forbidden" ? "Not allowed" : "Could not load this")}</strong>
        {retry && (
          <Button small icon="refresh" onClick={retry}>
            Retry
          </Button>
        )}
      </div>
      <span>
        {problem.detail} {problem.hint}
      </span>
      <span className="meta">
        {problem.code}
        {problem.request_id && <> · request {problem.request_id}</>}
        {goodAt ? <> · last good data {formatAge((now - goodAt) / 1000)} ago</> : null}
      </span>
    </div>
  );
}

interface QueryLike<T> {
  data: T | undefined;
  error: unknown;
  isPending: boolean;
  dataUpdatedAt: number;
  refetch: () => unknown;
}

interface LoadedProps<T> {
  query: QueryLike<T>;
  lines?: number;
  children: (data: T) => ReactNode;
}

/** Old data stays on screen when a refetch fails; a failure is never shown as an empty list. */
export function Loaded<T>({ query, lines, children }: LoadedProps<T>) {
  const retry = () => void query.refetch();
  if (query.data === undefined) {
    return query.error ? <ErrorNotice error={query.error} retry={retry} /> : <Skeleton lines={lines} />;
  }
  return (
    <>
      {query.error ? <ErrorNotice error={query.error} retry={retry} goodAt={query.dataUpdatedAt} /> : null}
      {children(query.data)}
    </>
  );
}

interface EmptyProps {
  title: string;
  children?: ReactNode;
  action?: ReactNode;
}

export function Empty({ title, children, action }: EmptyProps) {
  return (
    <div className="empty">
      <strong>{title}</strong>
      {children && <div>{children}</div>}
      {action}
    </div>
  );
}
