import { send } from "./client";
import { ApiError, Unreachable } from "./errors";
import { readEvents } from "./events";
import { pause, untilBack } from "./pause";
import type { DocumentStatus } from "./schema";

export interface DocumentEvent {
  document_id: string;
  collection_id: string;
  status: DocumentStatus;
  done: number;
  total: number;
}

type Listener = (event: DocumentEvent | null) => void;

const POLL_MS = 2000;
const AGAIN_MS = 1000;
const listeners = new Set<Listener>();
let abort: AbortController | null = null;

/**
 * Hear how documents get on. A listener that gets null must look for itself: something was missed, or this appliance
 * tells nothing by itself. Returns how to stop.
 */
export function followDocuments(listener: Listener): () => void {
  listeners.add(listener);
  if (abort === null) {
    abort = new AbortController();
    void listen(abort.signal);
  }
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) {
      abort?.abort();
      abort = null;
    }
  };
}

function tell(event: DocumentEvent | null): void {
  for (const listener of listeners) listener(event);
}

async function listen(signal: AbortSignal): Promise<void> {
  let canStream = true;
  while (!signal.aborted) {
    if (canStream) canStream = await follow(signal);
    tell(null);
    await pause(canStream ? AGAIN_MS : POLL_MS, signal);
  }
}

/** Read the stream to its end; false where there is none. */
async function follow(signal: AbortSignal): Promise<boolean> {
  try {
    const response = await send("GET", "/api/events", { signal, headers: { Accept: "text/event-stream" } });
    tell(null);
    for await (const event of readEvents(response)) {
      if (event.name === "document") tell(JSON.parse(event.data) as DocumentEvent);
    }
  } catch (error) {
    if (error instanceof ApiError) return error.status !== 404;
    if (!(error instanceof Unreachable)) return true;
    await untilBack(signal);
  }
  return true;
}
