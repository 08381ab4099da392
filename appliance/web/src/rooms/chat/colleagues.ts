import type { Conversation, ConversationMessage } from "$/api/chat";

/** What people answered in a conversation since it was opened: each is told once. */
export class FromColleagues {
  readonly #told = new Set<string>();
  #since: number | null = null;

  /** What of it was not told yet. */
  take(conversation: Conversation, messages: readonly ConversationMessage[]): ConversationMessage[] {
    this.#since ??= Date.parse(conversation.updated_at);
    const since = this.#since;
    const found = messages.filter((one) => one.mode === "person" && Date.parse(one.created_at) > since && !this.#told.has(one.id));
    for (const one of found) this.#told.add(one.id);
    return found;
  }
}

/** Somebody was asked, and has not answered yet. */
export function waitsForColleague(messages: readonly ConversationMessage[]): boolean {
  const asked = messages.filter((one) => one.escalation_id !== null).length;
  return asked > messages.filter((one) => one.mode === "person").length;
}
