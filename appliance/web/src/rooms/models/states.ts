import type { Model } from "$/api";
import { t } from "$/i18n/language.svelte";

export const stateTones = { loaded: "ok", ready: "neutral", "made when needed": "neutral", missing: "warn", damaged: "error" } as const;

/** How a model is, in words. */
export function stateWords(state: Model["state"]): string {
  const words = t().models.states;
  return state === "made when needed" ? words.made : words[state];
}
