import type { Component } from "svelte";

import { t, withMore } from "$/i18n/language.svelte";
import type { IconName } from "$/icons/shapes";

export type AdminPageId = "health" | "jobs" | "egress" | "audit" | "users" | "groups" | "keys" | "sessions" | "evaluations" | "analytics" | "usage";

export interface AdminPage {
  id: AdminPageId;
  title: string;
  section: "operation" | "people" | "quality";
  icon: IconName;
  load: () => Promise<{ default: Component }>;
}

const pages: readonly Omit<AdminPage, "title">[] = [
  { id: "health", section: "operation", icon: "activity", load: () => import("./Health.svelte") },
  { id: "jobs", section: "operation", icon: "jobs", load: () => import("./Jobs.svelte") },
  { id: "egress", section: "operation", icon: "globe", load: () => import("./Egress.svelte") },
  { id: "audit", section: "operation", icon: "audit", load: () => import("./Audit.svelte") },
  { id: "users", section: "people", icon: "user", load: () => import("./Users.svelte") },
  { id: "groups", section: "people", icon: "users", load: () => import("./Groups.svelte") },
  { id: "keys", section: "people", icon: "key", load: () => import("./Keys.svelte") },
  { id: "sessions", section: "people", icon: "monitor", load: () => import("./Sessions.svelte") },
  { id: "usage", section: "people", icon: "gauge", load: withMore(() => import("./Usage.svelte")) },
  { id: "analytics", section: "quality", icon: "bot", load: withMore(() => import("./Analytics.svelte")) },
  { id: "evaluations", section: "quality", icon: "chart-line", load: () => import("./Evaluations.svelte") },
];

export function adminPages(): AdminPage[] {
  return pages.map((page) => ({ ...page, title: t().admin.pages[page.id] }));
}
