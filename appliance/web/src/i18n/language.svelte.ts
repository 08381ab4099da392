import { recall, remember } from "$/core/store";

import type { Catalogue } from "./en";
import type { More } from "./en/more";
import { typographic } from "./typography";

export type Language = "en" | "fr";

const load: Record<Language, () => Promise<Catalogue>> = {
  en: async () => (await import("./en")).default,
  fr: async () => typographic((await import("./fr")).default),
};

const loadMore: Record<Language, () => Promise<More>> = {
  en: async () => (await import("./en/more")).default,
  fr: async () => typographic((await import("./fr/more")).default),
};

class Words {
  language = $state<Language>("en");
  #catalogue = $state.raw<Catalogue | (Catalogue & More) | null>(null);
  #wantsMore = false;
  #more: Promise<void> | null = null;

  /** All of them: rooms whose words come with them ask for those before they are shown. */
  get catalogue(): Catalogue & More {
    if (this.#catalogue === null) throw new Error("no language was loaded");
    return this.#catalogue as Catalogue & More;
  }

  async use(language: Language): Promise<void> {
    this.#catalogue = await this.#load(language);
    this.language = language;
    document.documentElement.lang = language;
    remember("language", language);
  }

  /** Have the words of rooms that few people open first. */
  more(): Promise<void> {
    this.#more ??= this.#addMore().catch((error: unknown) => {
      this.#more = null;
      throw error;
    });
    return this.#more;
  }

  async #addMore(): Promise<void> {
    this.#wantsMore = true;
    const { language } = this;
    const catalogue = await this.#load(language);
    if (language === this.language) this.#catalogue = catalogue;
  }

  async #load(language: Language): Promise<Catalogue | (Catalogue & More)> {
    const catalogue = await load[language]();
    return this.#wantsMore ? { ...catalogue, ...(await loadMore[language]()) } : catalogue;
  }
}

export const words = new Words();

/** The words of the interface in the reader's language. */
export function t(): Catalogue & More {
  return words.catalogue;
}

export function browserLanguage(): Language {
  const remembered = recall("language");
  if (remembered === "en" || remembered === "fr") return remembered;
  return navigator.language.toLowerCase().startsWith("fr") ? "fr" : "en";
}

/** A room that comes with words of its own. */
export function withMore<Room>(load: () => Promise<Room>): () => Promise<Room> {
  return async () => {
    const [room] = await Promise.all([load(), words.more()]);
    return room;
  };
}
