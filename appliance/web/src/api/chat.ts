import { get, patch, post, put, remove, send, withQuery } from "./client";
import type * as wire from "./chatWire";
import type { Page, Source } from "./schema";
import type { ServerEvent } from "./events";
import { followRunEvents } from "./follow";

export type * from "./chatWire";

export interface ConversationQuery {
  q?: string;
  folder?: string | null;
  archived?: boolean;
  shared?: boolean;
  limit?: number;
  offset?: number;
}

const at = (conversation: string, ...rest: string[]) => ["/api/conversations", encodeURIComponent(conversation), ...rest].join("/");

export const conversations = {
  list: (query: ConversationQuery, signal?: AbortSignal) => get<Page<wire.Conversation>>("/api/conversations", { ...query }, signal),
  add: (body: wire.ConversationIn) => post<wire.Conversation>("/api/conversations", body),
  get: (id: string, signal?: AbortSignal) => get<wire.Conversation>(at(id), {}, signal),
  change: (id: string, body: wire.ConversationPatch) => patch<wire.Conversation>(at(id), body),
  remove: (id: string, keepalive = false) => remove(at(id), { keepalive }),
  messages: (id: string, query: { leaf?: string | null; limit?: number; offset?: number }, signal?: AbortSignal) =>
    get<Page<wire.ConversationMessage>>(at(id, "messages"), query, signal),
  exportAddress: (id: string, format: ExportFormat) => withQuery(at(id, "export"), { format }),
  share: (id: string, body: wire.ShareIn) => put<wire.Conversation>(at(id, "share"), body),
  attach: (id: string, file: string) => post<wire.Conversation>(at(id, "attachments"), { file_id: file }),
  detach: (id: string, file: string) => remove(at(id, "attachments", file)),
  rate: (id: string, message: string, body: wire.FeedbackIn) => put<unknown>(at(id, "messages", message, "feedback"), body),
  rateLimit: (id: string, signal?: AbortSignal) => get<wire.RateLimit>(`/api/rate-limit/${encodeURIComponent(id)}`, {}, signal),
  stop: (run: string) => post<unknown>(`/api/runs/${run}/stop`),
};

export type ExportFormat = "md" | "json" | "docx";

export const folders = {
  list: (signal?: AbortSignal) => get<Page<wire.FolderOut>>("/api/folders", { limit: 100 }, signal),
  /** Another name; null empties it. */
  change: (name: string, to: string | null) => patch<unknown>("/api/folders", { name, to }),
};

export const prompts = {
  list: (q: string, signal?: AbortSignal) => get<Page<wire.Prompt>>("/api/prompts", { q, limit: 50 }, signal),
};

export const assistants = {
  list: (signal?: AbortSignal) => get<Page<wire.AssistantCard>>("/api/assistants", { limit: 100 }, signal),
};

export const models = {
  list: (signal?: AbortSignal) => get<{ models: wire.ModelCard[] }>("/api/models", {}, signal),
};

export interface Routed {
  agent: string;
  confidence: number;
  reasoning: string;
  decided_by: wire.DecidedBy;
}

/** What is told while an answer is being written, in the order it happens. */
export type ReplyEvent =
  | { name: "accepted"; data: wire.Accepted }
  | { name: "queue"; data: { place: number } }
  | { name: "route"; data: Routed }
  | { name: "source"; data: Source }
  | { name: "token" | "thinking"; data: { text: string } };

type Hear = (event: ReplyEvent) => void;
const KNOWN = new Set(["accepted", "queue", "route", "source", "token", "thinking"]);

/** Where a message goes: a new one, another wording of one, another answer to one. */
export type Errand =
  | { kind: "say"; conversation: string; body: wire.MessageIn }
  | { kind: "reword"; conversation: string; message: string; body: wire.MessageIn }
  | { kind: "again"; conversation: string; message: string; body: wire.MessageChoice };

/** Send it, and follow its answer to the end. Null: stopped before it had a last word. */
export async function sendAndFollow(errand: Errand, hear: Hear, signal: AbortSignal): Promise<wire.Reply | null> {
  const response = await send("POST", addressOf(errand), { body: bodyOf(errand), signal });
  const run = response.headers.get("x-run-id") ?? "";
  return followRunEvents<wire.Reply>(run, response, heard(hear), signal);
}

/** Follow an answer that was asked for elsewhere: before a reload, or in another window. */
export async function followReply(run: string, hear: Hear, signal: AbortSignal): Promise<wire.Reply | null> {
  return followRunEvents<wire.Reply>(run, null, heard(hear), signal);
}

function addressOf(errand: Errand): string {
  if (errand.kind === "say") return "/api/chat";
  return at(errand.conversation, "messages", errand.message, errand.kind === "reword" ? "branch" : "regenerate");
}

function bodyOf(errand: Errand): object {
  const body = { ...errand.body, stream: true };
  return errand.kind === "say" ? { ...body, conversation_id: errand.conversation } : body;
}

function heard(hear: Hear): (event: ServerEvent) => void {
  return (event) => {
    if (KNOWN.has(event.name)) hear({ name: event.name, data: JSON.parse(event.data) as unknown } as ReplyEvent);
  };
}
