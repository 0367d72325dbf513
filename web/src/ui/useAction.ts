// A write: busy while it runs, its error kept for the form, success told.
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { keysToRefetch } from "@/lib/change-keys";
import { problemOf } from "./Panel";
import { toast } from "./toast";

interface Options {
  /** Kinds of object this changes: their queries are fetched again at once. */
  changes: string[];
  done?: string;
}

export function useAction<A extends unknown[], R>(
  run: (...args: A) => Promise<R>,
  { changes, done }: Options,
) {
  const client = useQueryClient();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const start = async (...args: A): Promise<R | undefined> => {
    setBusy(true);
    setError(undefined);
    try {
      const result = await run(...args);
      if (done) toast(done);
      const keys = keysToRefetch(changes);
      void client.invalidateQueries({ predicate: (query) => keys.has(String(query.queryKey[0])) });
      return result;
    } catch (problem) {
      setError(problem);
      return undefined;
    } finally {
      setBusy(false);
    }
  };
  /** The error's text when it is about this field of the request. */
  const fieldError = (field: string): string | undefined => {
    if (error === undefined) return undefined;
    const problem = problemOf(error);
    return problem.field?.split(".").includes(field) ? problem.detail : undefined;
  };
  return { start, busy, error, fieldError, clear: () => setError(undefined) };
}
