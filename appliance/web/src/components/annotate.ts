import type { GroundedSentence } from "$/api/schema";

/*
 * Offsets of sentences are counted in the source of the answer; what is shown is what Markdown makes of it. So the
 * source is marked with characters that answers do not use, and the marks are found again in what is shown. They are
 * punctuation to Markdown, so that emphasis beside them still works.
 */
export const OPEN = "⸨";
export const CLOSE = "⸩";
export const CITE_OPEN = "⸦";
export const CITE_CLOSE = "⸧";

const LEADING = /^(?:\s|>|[-*+]\s|#{1,6}\s|\d{1,9}[.)]\s|\|)*/;
const RULE = /^[\s|:=*_-]*$/;

/** Mark sentences that no source bears, and citations that exist. */
export function annotate(answer: string, grounded: readonly GroundedSentence[], sources: number): string {
  return markCitations(markUnsupported(answer, grounded), sources);
}

export function markCitations(text: string, sources: number): string {
  return text.replace(/ ?\[(\d{1,3})\](?!\()/g, (whole, digits: string) => {
    const number = Number(digits);
    return number >= 1 && number <= sources ? `${CITE_OPEN}${number}${CITE_CLOSE}` : whole;
  });
}

function markUnsupported(answer: string, grounded: readonly GroundedSentence[]): string {
  const unsupported = grounded.filter((sentence) => !sentence.supported);
  if (unsupported.length === 0) return answer;
  const points = Array.from(answer);
  const pieces: string[] = [];
  let at = 0;
  for (const { start, end } of unsupported.toSorted((a, b) => a.start - b.start)) {
    if (start < at || end > points.length) continue;
    const isLineStart = start === 0 || points[start - 1] === "\n";
    pieces.push(points.slice(at, start).join(""), markLines(points.slice(start, end).join(""), isLineStart));
    at = end;
  }
  pieces.push(points.slice(at).join(""));
  return pieces.join("");
}

/** A mark must open and close within a line, after what makes the line a list, a heading or a table. */
function markLines(sentence: string, isLineStart: boolean): string {
  return sentence
    .split("\n")
    .map((line, index) => {
      if (RULE.test(line)) return line;
      const leading = index > 0 || isLineStart ? (LEADING.exec(line)?.[0].length ?? 0) : (/^\s*/.exec(line)?.[0].length ?? 0);
      const body = line.slice(leading);
      const trailing = /[\s|]*$/.exec(body)?.index ?? body.length;
      return `${line.slice(0, leading)}${OPEN}${body.slice(0, trailing)}${CLOSE}${body.slice(trailing)}`;
    })
    .join("\n");
}

/**
 * A text that is still being written, without what would jump: a citation that has begun, the rows of a table before its
 * rule makes a table of them.
 */
export function settled(text: string): string {
  const whole = text.replace(/\s?\[\d{0,3}$/, "");
  const lines = whole.split("\n");
  const first = lines.findLastIndex((line) => !line.trimStart().startsWith("|")) + 1;
  const isTable = /^[\s|:-]+\|\s*$/.test(lines[first + 1] ?? "");
  return isTable || first === lines.length ? whole : lines.slice(0, first).join("\n");
}

/** Offsets in code points as JavaScript's own offsets. */
export function sliceByCodePoints(text: string, start: number, end: number): [string, string, string] {
  const points = Array.from(text);
  const from = Math.max(0, Math.min(start, points.length));
  const to = Math.max(from, Math.min(end, points.length));
  return [points.slice(0, from).join(""), points.slice(from, to).join(""), points.slice(to).join("")];
}

/** Share of sentences that a source bears. */
export function countSupported(grounded: readonly GroundedSentence[]): { supported: number; total: number } {
  return { supported: grounded.filter((sentence) => sentence.supported).length, total: grounded.length };
}
