import type { ConversationMessage, MessageChoice } from "$/api/chat";
import type { MenuItem } from "$/components/menu";
import { t } from "$/i18n/language.svelte";

import { AUTO, knownAssistants, knownModels, PLAIN } from "./known.svelte";

/** The ways to have a question answered again. */
export function againItems(message: ConversationMessage, again: (choice: MessageChoice, aside: boolean) => void): MenuItem[] {
  const words = t().chat.again;
  const models = knownModels.data ?? [];
  const others = models.filter((one) => one.name !== message.model);
  const agents = [
    ...[AUTO, PLAIN].map((name) => ({ name, title: name === AUTO ? t().chat.agents.auto : t().chat.agents.conversation, picture: null })),
    ...(knownAssistants.data ?? []),
  ].filter((one) => one.name !== message.agent);
  return [
    { label: words.same, icon: "refresh", act: () => again({}, false) },
    ...others.map((one, index) => ({
      label: one.name,
      divided: index === 0,
      heading: index === 0 ? words.model : undefined,
      act: () => again({ model: one.name }, false),
    })),
    ...models.map((one, index) => ({
      label: one.name,
      divided: index === 0,
      heading: index === 0 ? words.beside : undefined,
      act: () => again({ model: one.name }, true),
    })),
    ...agents.map((one, index) => ({
      label: one.title,
      picture: one.picture ?? undefined,
      divided: index === 0,
      heading: index === 0 ? words.assistant : undefined,
      act: () => again({ assistant: one.name }, false),
    })),
  ];
}
