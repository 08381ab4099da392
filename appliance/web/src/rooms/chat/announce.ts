import type { ConversationMessage } from "$/api/chat";
import { toasts } from "$/core/toasts.svelte";
import { unseen } from "$/core/unseen.svelte";
import { t } from "$/i18n/language.svelte";

const SHOWN_MS = 15_000;

/** A colleague has answered: nothing moves for someone who types or reads further up, but it is said. */
export function announce(answer: ConversationMessage, show: () => void): void {
  unseen.add();
  const toast = toasts.say(t().chat.colleague.answered(answer.answered_by ?? t().chat.agents.escalate), {
    tone: "ok",
    action: { label: t().chat.colleague.show, act: () => (toasts.close(toast), show()) },
    milliseconds: document.hidden ? null : SHOWN_MS,
  });
}
