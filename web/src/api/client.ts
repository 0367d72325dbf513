// Typed calls to the hub. Every path, query, body and reply comes from the generated schema; every call has a timeout.
import type { components, paths } from "./schema";

export type Schemas = components["schemas"];
export type Problem = Schemas["Problem"];

const TIMEOUT_MS = 20_000;

type Method = "get" | "post" | "put" | "patch" | "delete";
type Short<P> = P extends `/api/v1${infer S}` ? S : never;
export type PathOf<M extends Method> = {
  [P in keyof paths]: paths[P] extends Record<M, { responses: unknown }> ? Short<P> : never;
}[keyof paths];
type Operation<P extends string, M extends Method> = `/api/v1${P}` extends keyof paths
  ? paths[`/api/v1${P}`] extends Record<M, infer O>
    ? O
    : never
  : never;
type ReplyOf<O> = O extends { responses: { 200: { content: { "application/json": infer R } } } }
  ? R
  : undefined;
type PathParams<O> = O extends { parameters: { path: infer P } } ? { path: P } : { path?: undefined };
type QueryParams<O> = O extends { parameters: { query?: infer Q } } ? { query?: Q } : { query?: undefined };
type BodyOf<O> = O extends { requestBody: { content: { "application/json": infer B } } }
  ? { body: B }
  : { body?: undefined };
type Options<O> = PathParams<O> & QueryParams<O> & BodyOf<O> & { signal?: AbortSignal };
type Args<O> = Record<string, never> extends Options<O> ? [options?: Options<O>] : [options: Options<O>];

/** The hub said no, or did not answer. */
export class ApiError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail);
    this.name = "ApiError";
  }
  get code(): string {
    return this.problem.code;
  }
}

interface Raw {
  path?: unknown;
  query?: unknown;
  body?: unknown;
  signal?: AbortSignal;
}

function fill(path: string, values: unknown): string {
  const given = (values ?? {}) as Record<string, string>;
  return path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(given[name] ?? ""));
}

function search(query: unknown): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries((query ?? {}) as Record<string, string | undefined>)) {
    if (value !== undefined && value !== "") params.set(name, value);
  }
  const text = params.toString();
  return text && `?${text}`;
}

function unreachable(detail: string): ApiError {
  return new ApiError({
    type: "about:blank",
    title: "No answer",
    status: 0,
    code: "unreachable",
    detail,
    hint: "Check that the hub runs and that this browser can reach it.",
    request_id: "",
  });
}

function prometheusError(response: Response, detail: string): ApiError {
  return new ApiError({
    type: "about:blank",
    title: "Query failed",
    status: response.status,
    code: "query",
    detail,
    request_id: response.headers.get("x-request-id") ?? "",
  });
}

async function problemOf(response: Response): Promise<ApiError> {
  try {
    const problem = (await response.json()) as Partial<Problem> & { error?: unknown };
    if (typeof problem.detail === "string") return new ApiError(problem as Problem);
    if (typeof problem.error === "string") return prometheusError(response, problem.error);
  } catch {
    // Not JSON: a proxy in front of the hub answered.
  }
  return new ApiError({
    type: "about:blank",
    title: response.statusText,
    status: response.status,
    code: "unexpected",
    detail: `The hub answered ${response.status} ${response.statusText}.`.trim(),
    request_id: response.headers.get("x-request-id") ?? "",
  });
}

/** JSON from any path of this origin, with the client's timeout and errors. */
export async function fetchJson(
  url: string,
  init: RequestInit & { signal?: AbortSignal } = {},
): Promise<unknown> {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  const signal = init.signal ? AbortSignal.any([init.signal, timeout]) : timeout;
  let response: Response;
  try {
    response = await fetch(url, { ...init, signal, credentials: "same-origin" });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw unreachable(
      timeout.aborted ? `No answer within ${TIMEOUT_MS / 1000} s.` : "The hub did not answer.",
    );
  }
  if (!response.ok) throw await problemOf(response);
  if (response.status === 204) return undefined;
  return response.json();
}

function request(method: Method, path: string, raw: Raw = {}): Promise<unknown> {
  const write = method !== "get";
  return fetchJson(`/api/v1${fill(path, raw.path)}${search(raw.query)}`, {
    method: method.toUpperCase(),
    signal: raw.signal,
    headers: write ? { "Content-Type": "application/json" } : {},
    body: raw.body === undefined ? undefined : JSON.stringify(raw.body),
  });
}

function caller<M extends Method>(method: M) {
  return <P extends PathOf<M>>(path: P, ...[options]: Args<Operation<P, M>>) =>
    request(method, path, options as Raw) as Promise<ReplyOf<Operation<P, M>>>;
}

export const api = {
  get: caller("get"),
  post: caller("post"),
  put: caller("put"),
  patch: caller("patch"),
  delete: caller("delete"),
};
