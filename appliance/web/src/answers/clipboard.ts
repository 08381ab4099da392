import type { Source } from "$/api";
import { t } from "$/i18n/language.svelte";

import { placeAndHeading } from "./words";

/** An answer as plain text that can be pasted anywhere, with its numbered sources under it. */
export function answerAsText(text: string, sources: readonly Source[]): string {
  const { clipboard } = t().ask;
  const body = plain(text);
  if (sources.length === 0) return body;
  const lines = sources.map((source) => `[${source.number}] ${source.document}, ${placeAndHeading(source)}: “${oneLine(source.quote)}”`);
  return `${body}\n\n${clipboard.sources}\n${lines.join("\n")}\n`;
}

/** Markdown without its marks; tables keep their columns, apart by tabs. */
export function plain(markdown: string): string {
  return markdown
    .split("\n")
    .filter((line) => !/^\s*\|?[\s:|-]+\|[\s:|-]*$/.test(line))
    .map((line) => (/^\s*\|.*\|\s*$/.test(line) ? line.trim().slice(1, -1).split("|").map((cell) => cell.trim()).join("\t") : line))
    .map((line) => line.replace(/^(\s*)#{1,6}\s+/, "$1").replace(/^(\s*)[*+]\s+/, "$1- "))
    .join("\n")
    .replace(/(\*\*|__)(?=\S)([\s\S]*?\S)\1/g, "$2")
    .replace(/(?<![\w*])\*(?=[^\s*])([^*\n]*[^\s*])\*(?![\w*])/g, "$1")
    .replace(/`([^`\n]+)`/g, "$1")
    .trim();
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}
