import { documents, models } from "$/api";
import { assistants, type Assistant } from "$/api/studio";
import { Resource } from "$/core/resource.svelte";

import { SHARED } from "./draft";

/** All assistants: there are few, and every page of the room shows them. */
export class KnownAssistants extends Resource<Assistant[]> {
  constructor() {
    super(async (signal) => (await assistants.list({ limit: 100 }, signal)).items);
  }

  find(name: string): Assistant | null {
    return this.data?.find((one) => one.name === name) ?? null;
  }

  /** Put one in the place of what it was. */
  adopt(assistant: Assistant): void {
    const others = (this.data ?? []).filter((one) => one.name !== assistant.name);
    this.data = [...others, assistant].toSorted((a, b) => a.title.localeCompare(b.title));
  }

  drop(name: string): void {
    this.data = (this.data ?? []).filter((one) => one.name !== name);
  }
}

/** What may be chosen in the fields of an assistant. Suggestions only: without them everything can be typed. */
export class Suggestions extends Resource<{ models: string[]; owners: string[]; tags: string[] }> {
  constructor() {
    super(async (signal) => {
      const [shown, read] = await Promise.allSettled([models.list(signal), documents.list({ limit: 100 }, signal)]);
      const found = read.status === "fulfilled" ? read.value.documents : [];
      return {
        models: shown.status === "fulfilled" ? shown.value.models.filter((one) => one.role === "language_model").map((one) => one.name) : [],
        owners: unique([SHARED, ...found.flatMap((one) => one.agent_owner ?? [])]),
        tags: unique(found.flatMap((one) => one.tags)),
      };
    });
  }
}

function unique(words: string[]): string[] {
  return [...new Set(words)];
}
