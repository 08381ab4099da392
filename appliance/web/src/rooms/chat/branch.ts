import type { Accepted, ConversationMessage, Reply } from "$/api/chat";

type Message = ConversationMessage;

const BLANK: Omit<Message, "id" | "parent_id" | "role" | "content" | "status" | "created_at" | "versions"> = {
  agent: null,
  confidence: null,
  reasoning: null,
  decided_by: null,
  model: null,
  mode: null,
  sources: [],
  grounded: [],
  usage: null,
  run_id: null,
  notice: null,
  partial: null,
  nothing_found: false,
  language: null,
  milliseconds: null,
  first_token_ms: null,
  error: null,
  feedback: null,
  escalation_id: null,
  answered_by: null,
  hidden: false,
};

/** What a branch becomes when a message is taken in; `instead` is the one it is another version of. */
export function withAccepted(messages: readonly Message[], accepted: Accepted, text: string, instead: Message | null): Message[] {
  const at = instead === null ? messages.length : messages.findIndex((one) => one.id === instead.id);
  const isAnswerOnly = accepted.user_message_id === null || instead?.role === "assistant";
  const kept = messages.slice(0, at < 0 ? messages.length : at).filter((one) => one.id !== accepted.message_id && (isAnswerOnly || one.id !== accepted.user_message_id));
  const now = new Date().toISOString();
  if (!isAnswerOnly && accepted.user_message_id !== null) {
    kept.push({
      ...BLANK,
      id: accepted.user_message_id,
      parent_id: kept.at(-1)?.id ?? null,
      role: "user",
      content: text,
      status: "done",
      created_at: now,
      versions: [...(instead?.versions ?? []), accepted.user_message_id],
    });
  }
  kept.push({
    ...BLANK,
    id: accepted.message_id,
    parent_id: kept.at(-1)?.id ?? null,
    role: "assistant",
    content: "",
    status: "writing",
    created_at: now,
    run_id: accepted.run_id,
    versions: [...(isAnswerOnly ? (instead?.versions ?? []) : []), accepted.message_id],
  });
  return kept;
}

/** The answer as it ended, in the place of what was being written. */
export function answered(message: Message, reply: Reply): Message {
  return {
    ...message,
    content: reply.message,
    status: reply.stopped ? "stopped" : "done",
    agent: reply.agent,
    confidence: reply.confidence,
    reasoning: reply.reasoning,
    decided_by: reply.decided_by,
    model: reply.model,
    mode: reply.mode,
    sources: reply.sources,
    grounded: reply.grounded,
    usage: reply.usage,
    notice: reply.notice,
    partial: reply.partial,
    nothing_found: reply.nothing_found,
    language: reply.language,
    milliseconds: reply.milliseconds,
    first_token_ms: reply.first_token_ms,
    escalation_id: reply.escalation_id,
    run_id: reply.run_id,
  };
}

/** Where a message stands among its versions, and which come before and after it. */
export function versionOf(message: Message): { at: number; total: number; previous: string | null; next: string | null } {
  const at = message.versions.indexOf(message.id);
  return {
    at: at + 1,
    total: message.versions.length,
    previous: message.versions[at - 1] ?? null,
    next: message.versions[at + 1] ?? null,
  };
}

/** The two answers that an address names. */
export function pairOf(written: string): [string, string] | null {
  const [first, second] = written.split(".");
  return first && second ? [first, second] : null;
}

/** The last thing the person said: what the arrow up edits. */
export function lastQuestion(messages: readonly Message[]): Message | null {
  return messages.findLast((one) => one.role === "user") ?? null;
}

/** The question an answer answers. */
export function questionOf(messages: readonly Message[], answer: Message): Message | null {
  return messages.find((one) => one.id === answer.parent_id) ?? null;
}

const VARIABLE = /\{\{\s*([^{}]+?)\s*\}\}/g;

/** A saved prompt with its variables put in; one without a value stays as it is. */
export function fillPrompt(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(VARIABLE, (whole, name: string) => values[name]?.trim() || whole);
}

/** A prompt or an assistant that is called by name, and where that begins. */
export interface Call {
  kind: "prompt" | "assistant";
  typed: string;
  start: number;
}

/** What is being called while one types: `/name` at the start, `@name` at the end of what stands before the caret. */
export function calledFor(before: string): Call | null {
  const prompt = /^\/([\p{L}\d_-]*)$/u.exec(before);
  if (prompt) return { kind: "prompt", typed: prompt[1] ?? "", start: 0 };
  const assistant = /(?:^|\s)@([\p{L}\d_-]*)$/u.exec(before);
  if (!assistant) return null;
  return { kind: "assistant", typed: assistant[1] ?? "", start: before.length - (assistant[1]?.length ?? 0) - 1 };
}
