import { SvelteSet } from "svelte/reactivity";

import { conversations, type Conversation, type ConversationPatch } from "$/api/chat";
import { PagedRows } from "$/core/paged.svelte";
import { toasts } from "$/core/toasts.svelte";
import { t } from "$/i18n/language.svelte";

import { knownFolders } from "./known.svelte";

/** Which conversations are listed. */
export interface View {
  kind: "all" | "folder" | "archived" | "shared";
  folder?: string;
}

/** Conversations that are gone from sight, and from the appliance once they can no longer be brought back. */
export const gone = new SvelteSet<string>();

/** The list at the left, one for as long as the page lives: coming back finds it as it was left. */
class ConversationIndex {
  sought = $state("");
  view = $state.raw<View>({ kind: "all" });
  readonly paged = new PagedRows<Conversation>((window, signal) => {
    const { kind, folder } = this.view;
    const filter = { q: this.sought.trim(), folder: folder ?? null, archived: kind === "archived" || undefined, shared: kind === "shared" || undefined };
    return conversations.list({ ...filter, ...window }, signal);
  });

  refresh(): void {
    void this.paged.refresh();
  }

  async change(conversation: Conversation, changes: ConversationPatch): Promise<void> {
    try {
      const changed = await conversations.change(conversation.id, changes);
      this.paged.change(
        (row) => row.id === changed.id,
        (row) => ({ ...changed, excerpt: row.excerpt }),
      );
      if (changes.folder !== undefined) knownFolders.open();
      if (changes.folder !== undefined || changes.archived !== undefined) this.refresh();
    } catch (error) {
      toasts.fail(error);
    }
  }

  archive(conversation: Conversation): void {
    const isArchived = !conversation.archived;
    void this.change(conversation, { archived: isArchived });
    toasts.say(isArchived ? t().chat.archived(conversation.title) : t().chat.unarchived(conversation.title), {
      action: { label: t().common.undo, act: () => void this.change(conversation, { archived: !isArchived }) },
    });
  }

  /** Delete, after a while in which it can be taken back. */
  remove(conversation: Conversation): void {
    gone.add(conversation.id);
    const restore = () => {
      gone.delete(conversation.id);
      this.refresh();
    };
    toasts.undoable(t().chat.deleting(conversation.title, t().chat.messages(conversation.messages)), {
      undo: restore,
      commit: async (leaving) => {
        try {
          await conversations.remove(conversation.id, leaving);
        } finally {
          restore();
          knownFolders.open();
        }
      },
    });
  }
}

export const conversationIndex = new ConversationIndex();

/** A name for a conversation that nobody else has; works where the page is not a secure context, too. */
export function newConversationKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return `c-${hex.slice(0, 24)}`;
}
