import type { AgentFigures } from "$/api/studio";
import type { Query } from "$/core/route";

export interface Period {
  from: string;
  to: string;
  /** How many days up to today; null for two days somebody chose. */
  days: number | null;
}

export const PERIODS = [7, 30, 90] as const;
const DAY_MS = 86_400_000;
const ISO = /^\d{4}-\d{2}-\d{2}$/;

/** A day of the appliance's calendar (UTC). */
export function isoDay(moment: Date | number): string {
  return new Date(moment).toISOString().slice(0, 10);
}

/** The period an address names; 30 days where it names none. */
export function periodOf(query: Query, now: Date): Period {
  const { from, to } = query;
  if (typeof from === "string" && typeof to === "string" && ISO.test(from) && ISO.test(to) && from <= to) return { from, to, days: null };
  const days = PERIODS.find((one) => String(one) === String(query.days)) ?? 30;
  return { from: isoDay(now.getTime() - (days - 1) * DAY_MS), to: isoDay(now), days };
}

/** One value for each day of the period, also for those on which nothing happened. */
export function everyDay(days: readonly AgentFigures[], from: string, to: string): { day: string; messages: number }[] {
  const known = new Map(days.map((one) => [one.name, one.messages]));
  const found: { day: string; messages: number }[] = [];
  for (let at = Date.parse(from); at <= Date.parse(to); at += DAY_MS) found.push({ day: isoDay(at), messages: known.get(isoDay(at)) ?? 0 });
  return found;
}

/** The busiest first, and no more than so many. */
export function busiest(rows: readonly AgentFigures[], most: number): AgentFigures[] {
  return rows.filter((row) => row.messages > 0).toSorted((a, b) => b.messages - a.messages).slice(0, most);
}

export function shareOf(part: number, whole: number): number {
  return whole > 0 ? part / whole : 0;
}
