// A page: title of the document, breadcrumb, heading, actions, the command line's twin.
import { type ReactNode, useEffect } from "react";
import { Cli } from "./Copy";

export interface Crumb {
  label: string;
  href?: string;
}

let crumbs: Crumb[] = [];
const listeners = new Set<() => void>();

export const crumbStore = {
  get: () => crumbs,
  subscribe: (listener: () => void) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
};

interface PageProps {
  title: string;
  /** In place of the plain title. */
  heading?: ReactNode;
  parents?: Crumb[];
  actions?: ReactNode;
  cli?: string;
  className?: string;
  children: ReactNode;
}

export function Page({ title, heading, parents, actions, cli, className = "", children }: PageProps) {
  const trail = JSON.stringify(parents ?? []);
  useEffect(() => {
    crumbs = [...(JSON.parse(trail) as Crumb[]), { label: title }];
    for (const listener of listeners) listener();
  }, [title, trail]);
  return (
    <div className={`page ${className}`}>
      <div className="page-head">
        {heading ?? <h1>{title}</h1>}
        {actions && <div className="row">{actions}</div>}
      </div>
      {children}
      {cli && <Cli command={cli} />}
    </div>
  );
}
