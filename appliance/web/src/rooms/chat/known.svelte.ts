import { assistants, folders, models, type AssistantCard, type FolderOut, type ModelCard } from "$/api/chat";
import { Resource } from "$/core/resource.svelte";
import { t } from "$/i18n/language.svelte";

class Known<T> extends Resource<T> {
  #asked = false;

  /** Read once; later calls refresh what is shown. */
  open(): void {
    void this.reload({ quiet: this.#asked });
    this.#asked = true;
  }
}

/** Assistants that may be asked. */
export const knownAssistants = new Known<AssistantCard[]>(async (signal) => (await assistants.list(signal)).items.filter((one) => one.is_enabled));

/** Models that answer messages. */
export const knownModels = new Known<ModelCard[]>(async (signal) => (await models.list(signal)).models.filter(answers));

export const knownFolders = new Known<FolderOut[]>(async (signal) => (await folders.list(signal)).items);

function answers(model: ModelCard): boolean {
  return model.role === "language_model" && model.state !== "missing" && model.state !== "damaged";
}

export const AUTO = "auto";
export const PLAIN = "conversation";

/** What a person reads for the name of who answers. */
export function agentTitle(name: string | null): string {
  const own: Record<string, string> = t().chat.agents;
  return knownAssistants.data?.find((one) => one.name === name)?.title ?? own[name ?? PLAIN] ?? name ?? "";
}

export function agentPicture(name: string | null): string | undefined {
  return knownAssistants.data?.find((one) => one.name === name)?.picture ?? undefined;
}
