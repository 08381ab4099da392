import { send } from "./client";
import { ApiError, isAborted, Unreachable } from "./errors";
import { readEvents, type ServerEvent } from "./events";
import { pause, untilBack } from "./pause";
import type { Problem } from "./schema";

const AGAIN_MS = [300, 1000, 2000, 4000, 8000];

/**
 * Follow a run to its end over every cut of the connection; `take` hears each event once and in order. Gives what the last
 * word said, null where the run ended without one. Throws ApiError, Unreachable, or the abort.
 */
export async function followRunEvents<Ending>(
  run: string,
  first: Response | null,
  take: (event: ServerEvent) => void,
  signal: AbortSignal,
): Promise<Ending | null> {
  let response = first;
  let isFirst = first !== null;
  let last = "0";
  let failures = 0;
  for (;;) {
    try {
      response ??= await send("GET", `/api/runs/${run}/events`, { signal, headers: { "Last-Event-ID": last } });
      for await (const event of readEvents(response)) {
        last = event.id || last;
        failures = 0;
        if (event.name === "done") return JSON.parse(event.data) as Ending;
        if (event.name === "error") throw new ApiError(JSON.parse(event.data) as Problem);
        take(event);
      }
      if (!isFirst) return null; // the whole run was read, and it had no last word
    } catch (error) {
      if (isAborted(error) || signal.aborted || error instanceof ApiError) throw error;
      if (!run || failures >= AGAIN_MS.length) throw new Unreachable();
      await pause(AGAIN_MS[failures] ?? 0, signal);
      await untilBack(signal);
      failures += 1;
    }
    response = null;
    isFirst = false;
  }
}
