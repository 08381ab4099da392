import { t, words } from "./language.svelte";

type Moment = string | number | Date;

const made = new Map<string, Intl.NumberFormat | Intl.DateTimeFormat | Intl.RelativeTimeFormat>();

function kept<T extends Intl.NumberFormat | Intl.DateTimeFormat | Intl.RelativeTimeFormat>(key: string, make: (language: string) => T): T {
  const name = `${words.language} ${key}`;
  const found = made.get(name) ?? make(locale());
  made.set(name, found);
  return found as T;
}

/** The reader's own variant of the chosen language (en-US, fr-CA), where the browser names one. */
function locale(): string {
  const own = globalThis.navigator?.languages?.find((tag) => tag.toLowerCase().startsWith(`${words.language}-`));
  return own ?? (words.language === "en" ? "en-GB" : "fr-FR");
}

export function formatNumber(value: number, digits = 0): string {
  const options = { maximumFractionDigits: digits, minimumFractionDigits: digits };
  return kept(`number ${digits}`, (language) => new Intl.NumberFormat(language, options)).format(value);
}

export function formatPercent(share: number): string {
  return kept("percent", (language) => new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 0 })).format(share);
}

/** Powers of 1024, as the appliance's own messages count. */
export function formatBytes(size: number): string {
  const units = t().units.bytes;
  let amount = size;
  let power = 0;
  while (amount >= 1024 && power < units.length - 1) {
    amount /= 1024;
    power += 1;
  }
  const digits = power > 0 && amount < 100 ? 1 : 0;
  return `${formatNumber(amount, digits)}\u00a0${units[power]}`;
}

/** Seconds the way people say them: 0.3 s, 12 s, 3 min 20 s, 2 h 5 min. */
export function formatSeconds(seconds: number): string {
  const { second, minute, hour } = t().units;
  if (seconds < 60) return `${formatNumber(seconds, seconds < 10 ? 1 : 0)}\u00a0${second}`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)}\u00a0${minute} ${whole % 60}\u00a0${second}`;
  return `${Math.floor(whole / 3600)}\u00a0${hour} ${Math.round((whole % 3600) / 60)}\u00a0${minute}`;
}

export function formatDate(moment: Moment): string {
  return dates("date", { day: "numeric", month: "long", year: "numeric" }).format(new Date(moment));
}

export function formatDateTime(moment: Moment): string {
  return dates("date and time", { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" }).format(new Date(moment));
}

export function formatExact(moment: Moment): string {
  return dates("exact", { dateStyle: "medium", timeStyle: "medium" }).format(new Date(moment));
}

export function formatTime(moment: Moment): string {
  return dates("time", { hour: "2-digit", minute: "2-digit" }).format(new Date(moment));
}

/** 12 November; with the year only where it is another one. */
export function formatDay(moment: Moment): string {
  const date = new Date(moment);
  if (date.getFullYear() !== new Date().getFullYear()) return formatDate(date);
  return dates("day", { day: "numeric", month: "long" }).format(date);
}

/** As short as a list needs it: the hour today, then yesterday, then 17 Nov, then with the year. */
export function formatShort(moment: Moment, now: Date = new Date()): string {
  const date = new Date(moment);
  const days = daysBetween(date, now);
  if (days === 0) return formatTime(date);
  if (days === 1) return kept("relative", (language) => new Intl.RelativeTimeFormat(language, { numeric: "auto" })).format(-1, "day");
  if (date.getFullYear() === now.getFullYear()) return dates("short", { day: "numeric", month: "short" }).format(date);
  return dates("short with year", { day: "numeric", month: "short", year: "numeric" }).format(date);
}

/** 17 Nov, for the axis of a chart. */
export function formatAxisDay(moment: Moment): string {
  return dates("short", { day: "numeric", month: "short" }).format(new Date(moment));
}

/** Days of the calendar here, not stretches of 24 hours. */
export function daysBetween(from: Date, to: Date): number {
  const midnight = (date: Date) => Date.UTC(date.getFullYear(), date.getMonth(), date.getDate());
  return Math.round((midnight(to) - midnight(from)) / 86_400_000);
}

/** 3 minutes ago, in 2 hours. */
export function formatAgo(moment: Moment, now: Date = new Date()): string {
  const seconds = (new Date(moment).getTime() - now.getTime()) / 1000;
  const relative = kept("relative", (language) => new Intl.RelativeTimeFormat(language, { numeric: "auto" }));
  const steps: [Intl.RelativeTimeFormatUnit, number][] = [["day", 86_400], ["hour", 3_600], ["minute", 60]];
  for (const [unit, size] of steps) if (Math.abs(seconds) >= size) return relative.format(Math.round(seconds / size), unit);
  return relative.format(0, "second");
}

/** The reader's own time zone, to be shown once where times are exact. */
export function timeZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** « français » for fr, in the reader's language; the code itself where it is unknown. */
export function languageName(code: string): string {
  try {
    return new Intl.DisplayNames(words.language, { type: "language" }).of(code) ?? code;
  } catch {
    return code;
  }
}

export function compareText(a: string, b: string): number {
  return a.localeCompare(b, words.language, { sensitivity: "base", numeric: true });
}

function dates(key: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  return kept(key, (tag) => new Intl.DateTimeFormat(tag, options));
}
