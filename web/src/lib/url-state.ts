// State of a page in the query of its URL, so that back, forward, reload and a sent link show the same thing.
import { useCallback } from "react";
import { useLocation, useSearch } from "wouter";

/** `search` with `key` set; an empty or default value leaves the URL. */
export function withParam(search: string, key: string, value: string, fallback = ""): string {
  const params = new URLSearchParams(search);
  if (value === fallback || value === "") params.delete(key);
  else params.set(key, value);
  return params.toString();
}

/** One query parameter. Changing it replaces the history entry unless `push` is given. */
export function useUrlState(key: string, fallback = ""): [string, (value: string, push?: boolean) => void] {
  const search = useSearch();
  const [path, navigate] = useLocation();
  const value = new URLSearchParams(search).get(key) ?? fallback;
  const set = useCallback(
    (next: string, push = false) => {
      // Read at call time: two parameters may change in one event.
      const query = withParam(window.location.search, key, next, fallback);
      navigate(query ? `${path}?${query}` : path, { replace: !push });
    },
    [key, fallback, path, navigate],
  );
  return [value, set];
}
