import { collections, type Collection, type Document } from "$/api";

import { t } from "$/i18n/language.svelte";

import { Resource } from "./resource.svelte";
import { session } from "./session.svelte";

const LIMIT = 100;

/** All collections the person knows of; the list column, the question box and the palette share one reading. */
class Collections extends Resource<Collection[]> {
  #asked = false;

  constructor() {
    super(readAll);
  }

  /** Read once; later calls only refresh what is shown. */
  open(): void {
    void this.reload({ quiet: this.#asked });
    this.#asked = true;
  }

  /** Those the person may read; null until they are known. An admin knows of others too, to manage them. */
  get readable(): Collection[] | null {
    return this.data?.filter((collection) => collection.right !== "manage") ?? null;
  }

  find(id: string | null | undefined): Collection | undefined {
    return this.data?.find((collection) => collection.id === id);
  }
}

async function readAll(signal: AbortSignal): Promise<Collection[]> {
  const found: Collection[] = [];
  for (;;) {
    const page = await collections.list({ limit: LIMIT, offset: found.length }, signal);
    found.push(...page.items);
    if (found.length >= page.total || page.items.length === 0) return found;
  }
}

export const knownCollections = new Collections();

/** What the appliance calls everybody's own collection, in the language they first signed in with. */
const OWN = new Set(["My documents", "Mes documents"]);

/** A collection's name as this person should read it: everybody has an own one, and most are called the same. */
export function collectionName(collection: Collection): string {
  if (!collection.private) return collection.name;
  const isMine = collection.owner_id === session.user.id;
  if (OWN.has(collection.name)) return isMine ? t().collections.own : t().collections.ownOf(collection.owner);
  return isMine ? collection.name : `${collection.name} · ${collection.owner}`;
}

/** The name of the collection a document is in. */
export function homeOf(document: Document): string {
  const collection = knownCollections.find(document.collection);
  return collection ? collectionName(collection) : document.collection_name;
}
