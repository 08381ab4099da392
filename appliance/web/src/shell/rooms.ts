import type { Component } from "svelte";

import type { Route } from "$/core/route";
import { waiting } from "$/core/waiting.svelte";
import { t, withMore } from "$/i18n/language.svelte";
import type { IconName } from "$/icons/shapes";

export interface Room {
  id: string;
  icon: IconName;
  title: () => string;
  /** Where there is little room. */
  short?: () => string;
  /** At the rail's foot: rooms one visits now and then. */
  foot?: boolean;
  admin?: boolean;
  /** Reached from the user's menu, not from the rail. */
  hidden?: boolean;
  /** Beside its name: how many things wait there. */
  count?: () => number;
  load: () => Promise<{ default: Component }>;
}

/** Every room there is, in the order of the rail. Each is fetched when it is entered. */
export const rooms: readonly Room[] = [
  { id: "chat", icon: "ask", title: () => t().shell.chat, short: () => t().shell.chatShort, load: () => import("$/rooms/chat/Chat.svelte") },
  { id: "ask", icon: "file-search", title: () => t().shell.ask, short: () => t().shell.askShort, load: () => import("$/rooms/ask/Ask.svelte") },
  { id: "documents", icon: "file-text", title: () => t().shell.documents, load: () => import("$/rooms/documents/Documents.svelte") },
  { id: "assistants", icon: "bot", title: () => t().places.assistants, load: withMore(() => import("$/rooms/assistants/Assistants.svelte")) },
  { id: "prompts", icon: "slash", title: () => t().places.prompts, load: withMore(() => import("$/rooms/prompts/Prompts.svelte")) },
  {
    id: "escalations",
    icon: "life-buoy",
    title: () => t().places.escalations,
    admin: true,
    count: () => waiting.count,
    load: withMore(() => import("$/rooms/escalations/Escalations.svelte")),
  },
  { id: "models", icon: "cpu", title: () => t().shell.models, load: withMore(() => import("$/rooms/models/Models.svelte")) },
  { id: "help", icon: "book", title: () => t().shell.help, foot: true, load: () => import("$/rooms/help/Help.svelte") },
  { id: "admin", icon: "settings", title: () => t().shell.admin, foot: true, admin: true, load: () => import("$/rooms/admin/Admin.svelte") },
  { id: "account", icon: "user", title: () => t().shell.account, hidden: true, load: withMore(() => import("$/rooms/account/Account.svelte")) },
];

export function roomOf(route: Route, isAdmin: boolean): Room | null {
  const room = rooms.find((candidate) => candidate.id === route.segments[0]);
  return room && (!room.admin || isAdmin) ? room : null;
}

export function visibleRooms(isAdmin: boolean): readonly Room[] {
  return rooms.filter((room) => !room.hidden && (!room.admin || isAdmin));
}
