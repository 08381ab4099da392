import { send } from "./client";
import type { ServerEvent } from "./events";
import { followRunEvents } from "./follow";
import type { Answer, ChatIn, Source } from "./schema";

export interface AnswerListener {
  started: (run: string) => void;
  source: (source: Source) => void;
  token: (text: string) => void;
}

/** How a run ended: with its answer, or (stopped before it had one) without. */
export type Ending = Answer | null;

/** Ask, and follow the run to its end over every cut of the connection. Throws ApiError, Unreachable, or the abort. */
export async function askAndFollow(body: ChatIn, listener: AnswerListener, signal: AbortSignal): Promise<Ending> {
  const response = await send("POST", "/api/rag/chat", { body: { ...body, stream: true }, signal });
  const run = response.headers.get("x-run-id") ?? "";
  listener.started(run);
  return followRunEvents<Answer>(run, response, heard(listener), signal);
}

/** Follow a run that was started before: after a reload of the page, or in a second window. */
export async function followRun(run: string, listener: AnswerListener, signal: AbortSignal): Promise<Ending> {
  return followRunEvents<Answer>(run, null, heard(listener), signal);
}

function heard(listener: AnswerListener): (event: ServerEvent) => void {
  return (event) => {
    if (event.name === "source") listener.source(JSON.parse(event.data) as Source);
    else if (event.name === "token") listener.token((JSON.parse(event.data) as { text: string }).text);
  };
}
