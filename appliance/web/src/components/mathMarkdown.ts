import type { TokenizerAndRendererExtension, Tokens } from "marked";

/*
 * Formulas in Markdown, as models write them: $x$, $$x$$, \(x\) and \[x\]. They leave here as <var> and <samp>, which
 * nothing else in an answer can make, and are drawn once the rest is clean.
 */
const BLOCK = /^(?:\$\$([\s\S]+?)\$\$|\\\[([\s\S]+?)\\\])[ \t]*(?:\n+|$)/;
const INLINE = /^(?:\$\$([^\n]+?)\$\$|\\\((.+?)\\\)|\\\[(.+?)\\\]|\$(?!\s)((?:[^$\n\\]|\\.)+?)(?<!\s)\$(?![\d\p{L}]))/u;
/** Prices are no formulas: « $5 and $7 ». */
const MONEY = /^[\d.,\s]+(?:\s\p{L}+)*\s*$/u;

export const mathBlock: TokenizerAndRendererExtension = {
  name: "mathBlock",
  level: "block",
  start: (source) => firstOf(source, /\$\$|\\\[/),
  tokenizer: (source) => {
    const found = BLOCK.exec(source);
    return found ? { type: "mathBlock", raw: found[0], text: (found[1] ?? found[2] ?? "").trim() } : undefined;
  },
  renderer: (token) => `<samp>${escaped(token)}</samp>`,
};

export const mathInline: TokenizerAndRendererExtension = {
  name: "mathInline",
  level: "inline",
  start: (source) => firstOf(source, /\$|\\[([]/),
  tokenizer: (source) => {
    const found = INLINE.exec(source);
    const text = found?.slice(1).find((group) => group !== undefined);
    if (!found || text === undefined || (found[4] !== undefined && MONEY.test(text))) return undefined;
    return { type: "mathInline", raw: found[0], text: text.trim() };
  },
  renderer: (token) => `<var>${escaped(token)}</var>`,
};

function firstOf(source: string, mark: RegExp): number | undefined {
  const at = source.search(mark);
  return at < 0 ? undefined : at;
}

function escaped(token: Tokens.Generic): string {
  return String(token.text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
}
