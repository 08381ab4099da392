import { get, patch, post, remove, send } from "./client";
import type { Page } from "./schema";
import type * as wire from "./wire";

import type { Window } from ".";

export type * from "./wire";

const address = (name: string) => `/api/assistants/${encodeURIComponent(name)}`;

export const assistants = {
  list: (window: Window = {}, signal?: AbortSignal) => get<Page<wire.Assistant>>("/api/assistants", { ...window }, signal),
  get: (name: string, signal?: AbortSignal) => get<wire.Assistant>(address(name), {}, signal),
  add: (body: wire.WholeAssistant) => post<wire.Assistant>("/api/assistants", body),
  change: (name: string, body: wire.AssistantPatch) => patch<wire.Assistant>(address(name), body),
  remove: (name: string) => remove(address(name)),
  setPicture: async (name: string, picture: Blob) => {
    const response = await send("PUT", `${address(name)}/picture`, { raw: picture });
    return (await response.json()) as wire.Assistant;
  },
  removePicture: (name: string) => remove(`${address(name)}/picture`),
  exportAddress: (name: string) => `${address(name)}/export`,
  read: (toml: string, replace: boolean) => post<wire.Assistant>("/api/assistants/import", { toml, replace }),
  installExamples: () => post<wire.Installed>("/api/assistants/examples"),
  route: (message: string, current: string | null, signal?: AbortSignal) =>
    post<wire.TriedRoute>("/api/assistants/route", current ? { message, current } : { message }, signal),
};

export const prompts = {
  list: (query: Window & { q?: string }, signal?: AbortSignal) => get<Page<wire.Prompt>>("/api/prompts", { ...query }, signal),
  get: (id: string, signal?: AbortSignal) => get<wire.Prompt>(`/api/prompts/${id}`, {}, signal),
  add: (body: wire.PromptIn) => post<wire.Prompt>("/api/prompts", body),
  change: (id: string, body: wire.PromptPatch) => patch<wire.Prompt>(`/api/prompts/${id}`, body),
  remove: (id: string, keepalive = false) => remove(`/api/prompts/${id}`, { keepalive }),
};

export const memories = {
  list: (window: Window, signal?: AbortSignal) => get<Page<wire.Memory>>("/api/memories", { ...window }, signal),
  add: (text: string) => post<wire.Memory>("/api/memories", { text }),
  change: (id: string, body: wire.MemoryPatch) => patch<wire.Memory>(`/api/memories/${id}`, body),
  remove: (id: string, keepalive = false) => remove(`/api/memories/${id}`, { keepalive }),
};

export const escalations = {
  list: (query: Window & { status?: wire.EscalationStatus }, signal?: AbortSignal) =>
    get<Page<wire.Escalation>>("/api/escalations", { ...query }, signal),
  get: (id: string, signal?: AbortSignal) => get<wire.Escalation>(`/api/escalations/${id}`, {}, signal),
  answer: (id: string, message: string) => post<wire.Escalation>(`/api/escalations/${id}/answer`, { message }),
  close: (id: string) => post<wire.Escalation>(`/api/escalations/${id}/close`),
};

export const figures = {
  usage: (query: Window & { everybody?: boolean }, signal?: AbortSignal) => get<Page<wire.Usage>>("/api/usage", { ...query }, signal),
  analytics: (from: string, to: string, signal?: AbortSignal) => get<wire.Analytics>("/api/analytics/agents", { from, to }, signal),
};
