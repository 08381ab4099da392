import { documents } from "$/api";
import { conversations, type ExportFormat } from "$/api/chat";
import { collectionName, homeOf, knownCollections } from "$/core/collections.svelte";
import { router } from "$/core/router.svelte";
import { session } from "$/core/session.svelte";
import { t } from "$/i18n/language.svelte";
import type { IconName } from "$/icons/shapes";
import { adminPages } from "$/rooms/admin/pages";
import { askedQuestions } from "$/rooms/ask/history.svelte";
import { exportAs } from "$/rooms/chat/exporting";
import { helpPages } from "$/rooms/help/pages";

import { change, languages, signOut, themes } from "./account";
import { visibleRooms } from "./rooms";

export interface Command {
  id: string;
  group: string;
  label: string;
  detail?: string;
  icon: IconName;
  act: () => void;
}

const MOST = 6;

/** Everywhere one can go and everything one can do that fits what was typed. */
export function commandsFor(typed: string): Command[] {
  const wanted = typed.trim().toLocaleLowerCase();
  const fits = (command: Command) => wanted === "" || `${command.label} ${command.detail ?? ""}`.toLocaleLowerCase().includes(wanted);
  const questions = questionCommands().filter(fits).slice(0, wanted === "" ? 4 : MOST);
  const rest = wanted === "" ? [] : [...collectionCommands(), ...helpCommands()].filter(fits);
  return [...goCommands().filter(fits), ...doCommands().filter(fits), ...questions, ...rest];
}

/** Documents and conversations come from the appliance. */
export async function foundCommands(typed: string, signal: AbortSignal): Promise<Command[]> {
  const found = await Promise.allSettled([conversationCommands(typed, signal), documentCommands(typed, signal)]);
  return found.flatMap((one) => (one.status === "fulfilled" ? one.value : []));
}

async function conversationCommands(typed: string, signal: AbortSignal): Promise<Command[]> {
  const { items } = await conversations.list({ q: typed.trim(), limit: MOST }, signal);
  return items.map((conversation) => ({
    id: `conversation ${conversation.id}`,
    group: t().palette.groups.conversations,
    label: conversation.title,
    icon: "ask",
    act: () => router.go(["chat", conversation.conversation_id]),
  }));
}

async function documentCommands(typed: string, signal: AbortSignal): Promise<Command[]> {
  const { documents: found } = await documents.list({ q: typed.trim(), limit: MOST }, signal);
  return found.map((document) => ({
    id: `document ${document.file_id}`,
    group: t().palette.groups.documents,
    label: document.filename,
    detail: homeOf(document),
    icon: "file-text",
    act: () => router.go(["documents", document.file_id]),
  }));
}

function goCommands(): Command[] {
  const group = t().palette.groups.go;
  const rooms = visibleRooms(session.isAdmin).map((room) => ({
    id: `room ${room.id}`,
    group,
    label: room.title(),
    icon: room.icon,
    act: () => router.go([room.id]),
  }));
  const pages = session.isAdmin
    ? adminPages().map((page) => ({
        id: `admin ${page.id}`,
        group,
        label: page.title,
        detail: t().shell.admin,
        icon: page.icon,
        act: () => router.go(["admin", page.id]),
      }))
    : [];
  const own = (id: string, label: string, icon: IconName): Command => ({
    id: `account ${id}`,
    group,
    label,
    detail: t().shell.account,
    icon,
    act: () => router.go(["account", id]),
  });
  const { tabs } = t().account;
  const account: Command = { id: "account", group, label: t().shell.profile, icon: "user", act: () => router.go(["account"]) };
  return [...rooms, ...pages, account, own("memory", tabs.memory, "book"), own("usage", tabs.usage, "gauge")];
}

function doCommands(): Command[] {
  const { palette, shell } = t();
  const group = palette.groups.do;
  const adding: Command[] = session.isAdmin
    ? [
        { id: "add user", group, label: palette.addUser, icon: "user-plus", act: () => router.go(["admin", "users"], { new: 1 }) },
        { id: "add assistant", group, label: t().places.newAssistant, icon: "bot", act: () => router.go(["assistants"], { new: 1 }) },
        { id: "try routing", group, label: t().places.tryRouting, icon: "inspect", act: () => router.go(["assistants"], { try: 1 }) },
        { id: "install examples", group, label: t().places.installExamples, icon: "download", act: () => router.go(["assistants"], { examples: 1 }) },
      ]
    : [];
  return [
    { id: "new conversation", group, label: palette.newConversation, icon: "ask", act: () => router.go(["chat"]) },
    { id: "search conversations", group, label: palette.searchConversations, icon: "search", act: () => router.go(["chat"], { list: 1, find: 1 }) },
    ...currentCommands(group),
    { id: "new question", group, label: palette.newQuestion, icon: "file-search", act: () => router.go(["ask"]) },
    { id: "upload", group, label: palette.upload, icon: "upload", act: () => router.go(["documents"], { add: 1 }) },
    { id: "new collection", group, label: palette.newCollection, icon: "folder-plus", act: () => router.go(["documents"], { new: 1 }) },
    { id: "new prompt", group, label: t().places.newPrompt, icon: "slash", act: () => router.go(["prompts"], { new: 1 }) },
    ...adding,
    ...themes.map((theme) => ({
      id: `theme ${theme}`,
      group,
      label: palette.useTheme(shell.themes[theme]),
      icon: theme === "dark" ? ("moon" as const) : theme === "light" ? ("sun" as const) : ("monitor" as const),
      act: () => change({ theme }),
    })),
    ...languages.map((language) => ({
      id: `language ${language}`,
      group,
      label: palette.useLanguage(shell.languages[language]),
      icon: "languages" as const,
      act: () => change({ language }),
    })),
    { id: "sign out", group, label: shell.signOut, icon: "log-out", act: () => void signOut() },
  ];
}

/** What can be done with the conversation one is in. */
function currentCommands(group: string): Command[] {
  const [room, id] = router.current.segments;
  if (room !== "chat" || !id) return [];
  const { chat, palette } = t();
  const acts = { rename: "pencil", move: "folder", share: "users", archive: "archive", delete: "trash" } as const;
  const labels = { rename: chat.rename, move: chat.folder.move, share: chat.sharing.title, archive: chat.archive, delete: t().common.delete };
  return [
    ...(Object.keys(acts) as (keyof typeof acts)[]).map((act) => ({
      id: `conversation ${act}`,
      group,
      label: labels[act],
      detail: chat.thread,
      icon: acts[act],
      act: () => router.refine({ act }),
    })),
    ...(["md", "docx", "json"] satisfies ExportFormat[]).map((format) => ({
      id: `export ${format}`,
      group,
      label: palette.exportAs(chat.formats[format]),
      icon: "download" as const,
      act: () => exportAs(id, format),
    })),
  ];
}

function questionCommands(): Command[] {
  return askedQuestions.entries.map((entry) => ({
    id: `question ${entry.id}`,
    group: t().palette.groups.questions,
    label: entry.question,
    icon: "history",
    act: () => router.go(["ask", entry.id]),
  }));
}

function collectionCommands(): Command[] {
  return (knownCollections.data ?? []).map((collection) => ({
    id: `collection ${collection.id}`,
    group: t().palette.groups.collections,
    label: collectionName(collection),
    detail: t().common.documents(collection.documents),
    icon: "folder",
    act: () => router.go(["documents"], { collection: collection.id }),
  }));
}

function helpCommands(): Command[] {
  return helpPages().map((page) => ({
    id: `help ${page.path}`,
    group: t().palette.groups.help,
    label: page.title,
    icon: "book",
    act: () => router.go(["help", ...page.path.split("/")]),
  }));
}
