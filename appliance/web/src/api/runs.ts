import { get, post, requestHeaders, send, withQuery } from "./client";
import { ApiError, toProblem, Unreachable } from "./errors";
import { followRunEvents } from "./follow";
import type { Run } from "./schema";

export const runs = {
  get: (run: string, signal?: AbortSignal) => get<Run>(`/api/runs/${run}`, {}, signal),
  stop: (run: string) => post<Run>(`/api/runs/${run}/stop`),
};

/** Begin a run and give its id: its events are followed at its own address, over every cut. */
export async function begin(path: string, body: unknown): Promise<string> {
  const response = await send("POST", path, { body });
  const run = response.headers.get("x-run-id") ?? "";
  await response.body?.cancel();
  return run;
}

/** Follow a run from its beginning to its end, its last word included. Throws as `followRunEvents` does. */
export async function followRun(run: string, onEvent: (name: string, data: unknown) => void, signal: AbortSignal): Promise<void> {
  const ending = await followRunEvents<object>(run, null, (event) => onEvent(event.name, JSON.parse(event.data)), signal);
  if (ending) onEvent("done", ending);
}

export interface ModelUpload {
  /** The run that hands the file to the engine, once all of it has come and is what it should be. */
  finished: Promise<string>;
  abort: () => void;
}

/** Send a model file as it is. XMLHttpRequest, because fetch does not tell how much has gone out. */
export function uploadModel(file: File, query: { name: string; digest: string }, onProgress: (sent: number) => void): ModelUpload {
  const request = new XMLHttpRequest();
  const finished = new Promise<string>((resolve, reject) => {
    request.open("POST", withQuery("/api/models/import", query));
    for (const [name, value] of Object.entries(requestHeaders("POST"))) request.setRequestHeader(name, value);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.addEventListener("progress", (event) => onProgress(event.loaded));
    request.addEventListener("readystatechange", () => {
      if (request.readyState !== XMLHttpRequest.HEADERS_RECEIVED || request.status >= 300) return;
      resolve(request.getResponseHeader("x-run-id") ?? "");
      request.abort(); // the run goes on, and is followed at its own address
    });
    request.addEventListener("load", () => reject(new ApiError(toProblem(request.responseText, request.status))));
    request.addEventListener("error", () => reject(new Unreachable()));
    request.addEventListener("abort", () => reject(new DOMException("stopped", "AbortError")));
    request.send(file);
  });
  return { finished, abort: () => request.abort() };
}
