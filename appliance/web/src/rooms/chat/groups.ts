import { daysBetween } from "$/i18n/format";

export type Period = "today" | "yesterday" | "week" | "earlier";

export function periodOf(moment: string, now: Date): Period {
  const days = daysBetween(new Date(moment), now);
  if (days <= 0) return "today";
  if (days === 1) return "yesterday";
  return days <= 7 ? "week" : "earlier";
}

export interface Placed {
  index: number;
  top: number;
  /** The period that begins with this row. */
  heading: Period | null;
}

/**
 * Which rows of a long list are on the screen and where they stand. Rows not fetched yet have no heading: the list is in
 * the order of time, so those who scroll fast see the rows move by a line at most.
 */
export function placeRows(
  periods: readonly (Period | null)[],
  sizes: { row: number; heading: number },
  view: { top: number; height: number },
): { rows: Placed[]; height: number } {
  const rows: Placed[] = [];
  let top = 0;
  let last: Period | null = null;
  for (const [index, period] of periods.entries()) {
    const heading = period !== null && period !== last ? period : null;
    if (period !== null) last = period;
    const height = sizes.row + (heading ? sizes.heading : 0);
    if (top + height > view.top - view.height / 2 && top < view.top + view.height * 1.5) rows.push({ index, top, heading });
    top += height;
  }
  return { rows, height: top };
}

const LETTERS = /[^\p{L}\p{N}]+/u;

/** A text cut before and behind the words that were looked for: every other piece is one. Accents do not matter. */
export function markWords(text: string, sought: string): string[] {
  const words = sought.split(LETTERS).filter(Boolean).map(bare);
  if (words.length === 0) return [text];
  const pieces: string[] = [""];
  for (const piece of text.split(/([\p{L}\p{N}]+)/u)) {
    const isFound = words.some((word) => bare(piece).startsWith(word));
    if (isFound) pieces.push(piece, "");
    else pieces[pieces.length - 1] += piece;
  }
  return pieces;
}

function bare(text: string): string {
  return text.normalize("NFD").replace(/\p{M}/gu, "").toLocaleLowerCase();
}
