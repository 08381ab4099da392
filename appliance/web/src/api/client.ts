import { connection } from "$/core/connection.svelte";
import { words } from "$/i18n/language.svelte";

import { isAborted, readError, Unreachable } from "./errors";

type Value = string | number | boolean | null | undefined;

export interface Options {
  query?: Record<string, Value>;
  body?: unknown;
  /** Bytes to be sent as they are, instead of a body of JSON. */
  raw?: Blob;
  signal?: AbortSignal;
  keepalive?: boolean;
  headers?: Record<string, string>;
}

let csrfToken: string | null = null;
let onSignedOut: () => void = () => undefined;

export function useCsrfToken(token: string | null): void {
  csrfToken = token;
}

/** What to do when the session has ended: one place, whoever noticed. */
export function whenSignedOut(act: () => void): void {
  onSignedOut = act;
}

export function requestHeaders(method: string): Record<string, string> {
  const headers: Record<string, string> = { "Accept-Language": words.language };
  if (method !== "GET" && csrfToken) headers["X-CSRF-Token"] = csrfToken;
  return headers;
}

export function withQuery(path: string, query: Record<string, Value> = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== "") search.set(name, String(value));
  }
  const text = search.toString();
  return text ? `${path}?${text}` : path;
}

/** Send a request and give the answer, whatever its body. Throws ApiError, Unreachable, or the abort. */
export async function send(method: string, path: string, options: Options = {}): Promise<Response> {
  const headers = { ...requestHeaders(method), ...options.headers };
  if (options.raw) headers["Content-Type"] = options.raw.type || "application/octet-stream";
  else if (options.body !== undefined) headers["Content-Type"] = "application/json";
  const sentAt = performance.now();
  let response: Response;
  try {
    response = await fetch(withQuery(path, options.query), {
      method,
      headers,
      body: options.raw ?? (options.body === undefined ? undefined : JSON.stringify(options.body)),
      signal: options.signal,
      keepalive: options.keepalive,
      credentials: "same-origin",
    });
  } catch (error) {
    if (isAborted(error)) throw error;
    connection.drop();
    throw new Unreachable();
  }
  connection.found(sentAt);
  if (response.ok) return response;
  const problem = await readError(response);
  if (response.status === 401 && path !== "/api/login") onSignedOut();
  throw problem;
}

async function json<T>(method: string, path: string, options?: Options): Promise<T> {
  const response = await send(method, path, options);
  return response.status === 204 ? (undefined as T) : ((await response.json()) as T);
}

export const get = <T>(path: string, query?: Record<string, Value>, signal?: AbortSignal) => json<T>("GET", path, { query, signal });
export const post = <T>(path: string, body?: unknown, signal?: AbortSignal) => json<T>("POST", path, { body, signal });
export const patch = <T>(path: string, body: unknown) => json<T>("PATCH", path, { body });
export const put = <T>(path: string, body: unknown) => json<T>("PUT", path, { body });
export const remove = (path: string, options?: Options) => json<undefined>("DELETE", path, options);
