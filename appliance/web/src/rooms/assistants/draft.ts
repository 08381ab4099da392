import type { Assistant, AssistantPatch, WholeAssistant } from "$/api/studio";

/** An assistant while somebody writes it. */
export type Draft = WholeAssistant;

export const NAME = /^[a-z0-9][a-z0-9_-]{0,62}$/;
export const SHARED = "shared";
export const TOOLS = ["search_documents"] as const;
export const RETRIEVAL = { candidates: 20, floor: 0, kept: 3 } as const;

export function emptyDraft(): Draft {
  return {
    name: "",
    title: "",
    persona: "",
    language: "auto",
    routing_description: "",
    examples: [],
    model: "",
    fallbacks: [],
    temperature: 0.3,
    knowledge_owners: null,
    tags: [],
    retrieval: { ...RETRIEVAL },
    tools: [],
    is_enabled: true,
  };
}

export function draftOf(assistant: Assistant): Draft {
  const empty = emptyDraft();
  return {
    name: assistant.name,
    title: assistant.title,
    persona: assistant.persona ?? empty.persona,
    language: assistant.language,
    routing_description: assistant.routing_description,
    examples: [...assistant.examples],
    model: assistant.model ?? empty.model,
    fallbacks: [...(assistant.fallbacks ?? [])],
    temperature: assistant.temperature ?? empty.temperature,
    knowledge_owners: assistant.knowledge_owners ? [...assistant.knowledge_owners] : null,
    tags: [...(assistant.tags ?? [])],
    retrieval: { ...empty.retrieval, ...assistant.retrieval },
    tools: [...(assistant.tools ?? [])],
    is_enabled: assistant.is_enabled,
  };
}

/** The same under a free name, switched off until somebody looks at it. */
export function copyOf(assistant: Assistant, taken: readonly string[], title: string): Draft {
  return { ...draftOf(assistant), name: freeName(assistant.name, taken), title, is_enabled: false };
}

/** audrey, audrey-2, audrey-3: the first that nobody has. */
export function freeName(name: string, taken: readonly string[]): string {
  const stem = name.replace(/-\d+$/, "").slice(0, 58);
  let number = 2;
  while (taken.includes(`${stem}-${number}`)) number += 1;
  return `${stem}-${number}`;
}

/** A name made of a title, until somebody writes one: « Aide à la vente » gives aide-a-la-vente. */
export function nameFrom(title: string): string {
  return title
    .normalize("NFD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 63);
}

/** What is sent: lines without words in them are left out. */
export function tidy(draft: Draft): Draft {
  return { ...draft, name: draft.name.trim(), title: draft.title.trim(), examples: draft.examples.map((one) => one.trim()).filter(Boolean) };
}

/** Only what changed: two people may work on different fields. */
export function changesOf(before: Draft, draft: Draft): AssistantPatch {
  const next = tidy(draft);
  const changed = Object.entries(next).filter(
    ([field, value]) => field !== "name" && JSON.stringify(value) !== JSON.stringify(before[field as keyof Draft]),
  );
  return Object.fromEntries(changed) as AssistantPatch;
}

export function isChanged(before: Draft, draft: Draft): boolean {
  return JSON.stringify(tidy(before)) !== JSON.stringify(tidy(draft));
}

export type Field = "name" | "title" | "temperature" | "candidates" | "kept" | "floor";

/** Fields that cannot be sent as they are. */
export function faultsOf(draft: Draft, taken: readonly string[]): Partial<Record<Field, "missing" | "form" | "taken" | "range">> {
  const faults: ReturnType<typeof faultsOf> = {};
  const name = draft.name.trim();
  if (!name) faults.name = "missing";
  else if (!NAME.test(name)) faults.name = "form";
  else if (taken.includes(name)) faults.name = "taken";
  if (!draft.title.trim()) faults.title = "missing";
  const { candidates, kept, floor } = draft.retrieval;
  if (!within(draft.temperature, 0, 2)) faults.temperature = "range";
  if (!whole(candidates, 1, 100)) faults.candidates = "range";
  if (!whole(kept, 1, 20)) faults.kept = "range";
  if (!within(floor, 0, 1)) faults.floor = "range";
  return faults;
}

const within = (value: unknown, least: number, most: number) => typeof value === "number" && value >= least && value <= most;
const whole = (value: unknown, least: number, most: number) => Number.isInteger(value) && within(value, least, most);
