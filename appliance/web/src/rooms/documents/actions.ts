import { documents, type Document } from "$/api";
import { codeOf } from "$/api/errors";
import { knownCollections } from "$/core/collections.svelte";
import { toasts } from "$/core/toasts.svelte";
import { t } from "$/i18n/language.svelte";
import { SvelteSet } from "svelte/reactivity";

/** Documents that are gone from sight, and from the appliance once they can no longer be brought back. */
export const hidden = new SvelteSet<string>();

const WORKING = new Set(["uploaded", "queued", "parsing", "embedding"]);

export function isWorking(document: Document): boolean {
  return WORKING.has(document.status);
}

export function needsPassword(document: Document): boolean {
  const code = document.error ? codeOf(document.error) : "";
  return code === "password_needed" || code === "wrong_password";
}

/** An admin manages what is not shared with them, and does not read it. */
export function mayRead(document: Document): boolean {
  return document.right !== "manage";
}

export function mayEdit(document: Document): boolean {
  return document.right !== "reader";
}

/** Delete, after a while in which it can be taken back. */
export function deleteDocuments(chosen: readonly Document[], onChange: () => void): void {
  const ids = chosen.map((document) => document.file_id);
  for (const id of ids) hidden.add(id);
  const restore = () => {
    for (const id of ids) hidden.delete(id);
    onChange();
  };
  toasts.undoable(namesWhatGoes(chosen), {
    undo: restore,
    commit: async (leaving) => {
      try {
        for (const id of ids) await documents.remove(id, leaving);
      } finally {
        restore();
        knownCollections.open();
      }
    },
  });
}

function namesWhatGoes(chosen: readonly Document[]): string {
  const { deleting } = t().documents;
  const passages = chosen.reduce((sum, document) => sum + document.chunks, 0);
  const [only] = chosen;
  if (chosen.length > 1 || !only) return deleting.many(t().common.documents(chosen.length), t().common.passages(passages));
  return passages > 0 ? deleting.one(only.filename, t().common.passages(passages)) : deleting.unread(only.filename);
}
