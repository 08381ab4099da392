import type { Conversation, ExportFormat } from "$/api/chat";
import type { MenuItem } from "$/components/menu";
import { copyText } from "$/core/copy";
import { link } from "$/core/router.svelte";
import { toasts } from "$/core/toasts.svelte";
import { t } from "$/i18n/language.svelte";

import { exportAs } from "./exporting";

export type Act = "rename" | "move" | "share" | "archive" | "delete";

export const FORMATS: readonly ExportFormat[] = ["md", "docx", "json"];

/** Everything that can be done with a conversation. */
export function conversationItems(conversation: Conversation, act: (what: Act) => void): MenuItem[] {
  const isOwn = conversation.right === "owner";
  const { chat, ask, common } = t();
  const own: MenuItem[] = [
    { label: chat.rename, icon: "pencil", keys: "F2", act: () => act("rename") },
    { label: chat.folder.move, icon: "folder", act: () => act("move") },
    { label: chat.share, icon: "users", act: () => act("share") },
    { label: conversation.archived ? chat.unarchive : chat.archive, icon: "archive", act: () => act("archive") },
  ];
  return [
    ...(isOwn ? own : []),
    { label: ask.link, icon: "link", divided: isOwn, act: () => void copyLink(conversation) },
    ...FORMATS.map((format, index) => ({
      label: chat.formats[format],
      icon: "download" as const,
      heading: index === 0 ? chat.export : undefined,
      divided: index === 0,
      act: () => exportAs(conversation.conversation_id, format),
    })),
    ...(isOwn ? [{ label: common.delete, icon: "trash" as const, danger: true, divided: true, act: () => act("delete") }] : []),
  ];
}

async function copyLink(conversation: Conversation): Promise<void> {
  const address = location.href.split("#")[0] + link(["chat", conversation.conversation_id]);
  if (await copyText(address)) toasts.say(t().common.copied);
}
