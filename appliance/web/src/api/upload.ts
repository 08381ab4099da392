import { connection } from "$/core/connection.svelte";

import { requestHeaders } from "./client";
import { ApiError, toProblem, Unreachable } from "./errors";
import type { Uploaded } from "./schema";

export interface Upload {
  /** The record, and whether it is new: the same bytes in the same collection answer with the first document. */
  finished: Promise<{ uploaded: Uploaded; isNew: boolean }>;
  abort: () => void;
}

/** Send one file. XMLHttpRequest, because fetch does not tell how much has gone out. */
export function uploadFile(file: File, collection: string | null, onProgress: (sent: number, total: number) => void): Upload {
  const sentAt = performance.now();
  const request = new XMLHttpRequest();
  const finished = new Promise<{ uploaded: Uploaded; isNew: boolean }>((resolve, reject) => {
    request.open("POST", "/api/rag/upload");
    for (const [name, value] of Object.entries(requestHeaders("POST"))) request.setRequestHeader(name, value);
    request.upload.addEventListener("progress", (event) => onProgress(event.loaded, event.total));
    request.addEventListener("load", () => {
      connection.found(sentAt);
      if (request.status < 300) resolve({ uploaded: JSON.parse(request.responseText) as Uploaded, isNew: request.status === 201 });
      else reject(new ApiError(toProblem(request.responseText, request.status)));
    });
    request.addEventListener("error", () => {
      connection.drop();
      reject(new Unreachable());
    });
    request.addEventListener("abort", () => reject(new DOMException("stopped", "AbortError")));
    const form = new FormData();
    if (collection) form.set("collection", collection);
    form.set("file", file, file.name);
    request.send(form);
  });
  return { finished, abort: () => request.abort() };
}
