import { ownKey } from "$/core/session.svelte";
import { recallJson, remember } from "$/core/store";

const KEPT = 100;

/** What was typed and not sent yet, by conversation; `new` for one that has not begun. */
export function draftOf(conversation: string): string {
  return all()[conversation] ?? "";
}

export function keepDraft(conversation: string, text: string): void {
  const drafts = Object.entries(all()).filter(([name]) => name !== conversation);
  if (text) drafts.push([conversation, text]);
  remember(ownKey("drafts"), drafts.length > 0 ? Object.fromEntries(drafts.slice(-KEPT)) : null);
}

function all(): Record<string, string> {
  return recallJson<Record<string, string>>(ownKey("drafts")) ?? {};
}
