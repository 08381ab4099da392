import { t } from "$/i18n/language.svelte";

import type { Assistant } from "$/api/studio";

/** Which documents it reads, in a few words. */
export function knowledgeWords(assistant: Assistant): string {
  const owners = assistant.knowledge_owners;
  if (owners === null) return t().assistants.facts.own;
  return owners.length === 0 ? t().assistants.facts.everything : owners.join(", ");
}
