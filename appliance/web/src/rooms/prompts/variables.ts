/** The same as the appliance's own: words of letters and figures, also with spaces, hyphens and apostrophes. */
const BRACES = /\{\{\s{0,8}([\p{L}\p{N}_][\p{L}\p{N}_ '’-]{0,62}?)\s{0,8}\}\}/gu;

export interface Piece {
  text: string;
  /** The variable it stands for. */
  variable: string | null;
}

/** What a prompt asks for when it is used, in the order of its first appearance. */
export function variablesOf(text: string): string[] {
  return [...new Set([...text.matchAll(BRACES)].map((found) => found[1] ?? ""))];
}

/** The text with what was typed in the places of its variables; empty places keep their names. */
export function fill(text: string, values: Record<string, string>): Piece[] {
  const pieces: Piece[] = [];
  let from = 0;
  for (const found of text.matchAll(BRACES)) {
    if (found.index > from) pieces.push({ text: text.slice(from, found.index), variable: null });
    const variable = found[1] ?? "";
    pieces.push({ text: values[variable]?.trim() || variable, variable });
    from = found.index + found[0].length;
  }
  if (from < text.length) pieces.push({ text: text.slice(from), variable: null });
  return pieces;
}
