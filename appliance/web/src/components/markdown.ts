import DOMPurify from "dompurify";
import { Marked, type Token, type Tokens } from "marked";

import { drawFormula, highlight } from "./lazyParts";
import { mathBlock, mathInline } from "./mathMarkdown";
import { CITE_CLOSE, CITE_OPEN, CLOSE, OPEN } from "./annotate";

export interface MarkdownWords {
  /** Says of a picture that it is not loaded. */
  picture: (description: string) => string;
  citation: (number: number) => string;
  unsupported: string;
  copyCode: string;
}

const TAGS = "a b blockquote br code del em h1 h2 h3 h4 h5 h6 hr i li ol p pre s samp span strong sub sup table tbody td th thead tr ul var".split(" ");
const NUMERIC = /^[\s(+−–-]*[$€£]?\s?[\d\s.,\u00a0\u202f]*\d[\d\s.,\u00a0\u202f]*\s?(%|‰|€|\$|£|k|M|Md|bn|pt)?\)?$/;
const MARKS = new RegExp(`${CITE_OPEN}(\\d+)${CITE_CLOSE}|${OPEN}|${CLOSE}`, "g");

const marked = new Marked({
  gfm: true,
  extensions: [mathBlock, mathInline],
  renderer: {
    code: ({ text, lang }: Tokens.Code) => `<pre title="${escape(/^\S*/.exec(lang ?? "")?.[0] ?? "")}"><code>${escape(text)}\n</code></pre>`,
    html: ({ text }: Tokens.HTML | Tokens.Tag) => escape(text),
    image: ({ text, href }: Tokens.Image) => `<span title="${escape(href)}">⟦${escape(text || href)}⟧</span>`,
    checkbox: ({ checked }: Tokens.Checkbox) => (checked ? "☑ " : "☐ "),
  },
});

/** The blocks of a text, so that while it grows only its last block is drawn anew. */
export function toBlocks(text: string): Token[] {
  return marked.lexer(text).filter((token) => token.type !== "space" && token.type !== "def");
}

/** Draw a block: cleaned of everything that could run or fetch, links with their address, citations as buttons. */
export function drawBlock(block: Token, words: MarkdownWords): DocumentFragment {
  const fragment = DOMPurify.sanitize(marked.parser([block]), {
    ALLOWED_TAGS: TAGS,
    ALLOWED_ATTR: ["href", "title", "start", "align"],
    ALLOW_DATA_ATTR: false,
    ALLOWED_URI_REGEXP: /^(?:https?:|mailto:|#)/i,
    RETURN_DOM_FRAGMENT: true,
  });
  for (const link of fragment.querySelectorAll("a")) showAddress(link);
  for (const table of fragment.querySelectorAll("table")) dressTable(table);
  placeMarks(fragment, words);
  for (const block of fragment.querySelectorAll("pre")) dressCode(block, words);
  for (const formula of fragment.querySelectorAll<HTMLElement>("var, samp")) dressFormula(formula);
  return fragment;
}

function showAddress(link: HTMLAnchorElement): void {
  const address = link.getAttribute("href") ?? "";
  if (address.startsWith("#")) return;
  link.rel = "noopener noreferrer";
  link.target = "_blank";
  const shown = address.replace(/^mailto:/i, "");
  if (address === "" || link.textContent?.trim() === shown) return;
  const note = document.createElement("span");
  note.className = "address";
  note.textContent = ` (${shown})`;
  link.after(note);
}

/** Highlighting and formulas come later and once: what they need is fetched when the first of them is met. */
function dressCode(block: HTMLPreElement, words: MarkdownWords): void {
  const language = block.title;
  block.removeAttribute("title");
  block.tabIndex = 0;
  const frame = document.createElement("div");
  frame.className = "code";
  const head = document.createElement("div");
  head.className = "code-head";
  const copy = document.createElement("button");
  copy.type = "button";
  copy.className = "code-copy";
  copy.textContent = words.copyCode;
  head.append(language, copy);
  block.replaceWith(frame);
  frame.append(head, block);
  const code = block.querySelector("code");
  if (code && language) highlight(code, language);
}

function dressFormula(marked: HTMLElement): void {
  const isBlock = marked.tagName === "SAMP";
  const formula = document.createElement(isBlock ? "div" : "span");
  formula.className = isBlock ? "formula block-formula" : "formula";
  formula.textContent = marked.textContent?.replace(MARKS, "") ?? "";
  if (isBlock) formula.tabIndex = 0;
  marked.replaceWith(formula);
  drawFormula(formula, isBlock);
}

function dressTable(table: HTMLTableElement): void {
  for (const row of table.rows) {
    for (const cell of row.cells) {
      const isNumber = cell.cellIndex > 0 && cell.tagName === "TD" && NUMERIC.test(cell.textContent?.replace(MARKS, "") ?? "");
      if (cell.getAttribute("align") === "right" || isNumber) cell.classList.add("number");
      cell.removeAttribute("align");
    }
  }
  for (const [column, head] of [...(table.tHead?.rows[0]?.cells ?? [])].entries()) {
    const below = [...(table.tBodies[0]?.rows ?? [])].map((row) => row.cells[column]);
    if (below.length > 0 && below.every((cell) => cell?.classList.contains("number"))) head.classList.add("number");
  }
  const frame = document.createElement("div");
  frame.className = "scroll";
  frame.tabIndex = 0;
  table.replaceWith(frame);
  frame.append(table);
}

function placeMarks(fragment: DocumentFragment, words: MarkdownWords): void {
  const walker = document.createTreeWalker(fragment, NodeFilter.SHOW_TEXT);
  const texts: Text[] = [];
  while (walker.nextNode()) texts.push(walker.currentNode as Text);
  let isUnsupported = false;
  for (const text of texts) {
    const pieces: (Node | string)[] = [];
    let at = 0;
    const isCode = text.parentElement?.closest("code, pre, var, samp") != null;
    const add = (end: number) => {
      const piece = text.data.slice(at, end).replace(/⟦(.*?)⟧/g, (_, described: string) => words.picture(described));
      if (piece) pieces.push(isUnsupported && piece.trim() && !isCode ? wrapUnsupported(piece, words) : piece);
    };
    for (const mark of text.data.matchAll(MARKS)) {
      add(mark.index);
      at = mark.index + mark[0].length;
      if (mark[1] && isCode) pieces.push(`[${mark[1]}]`);
      else if (mark[1]) pieces.push(stay(pieces, makeCitation(Number(mark[1]), words)));
      else isUnsupported = mark[0] === OPEN;
    }
    add(text.data.length);
    text.replaceWith(...pieces);
  }
}

/** Keep a citation on the line of the word it stands behind: take that word off the text before and bind the two. */
function stay(pieces: (Node | string)[], citation: HTMLElement): HTMLElement {
  const before = pieces.at(-1);
  const word = typeof before === "string" ? (/\S{1,24}$/.exec(before)?.[0] ?? "") : "";
  if (typeof before !== "string" || word === "") return citation;
  pieces[pieces.length - 1] = before.slice(0, -word.length);
  const bound = document.createElement("span");
  bound.className = "stay";
  bound.append(word, citation);
  return bound;
}

function wrapUnsupported(text: string, words: MarkdownWords): HTMLElement {
  const span = document.createElement("span");
  span.className = "unsupported";
  span.title = words.unsupported;
  span.textContent = text;
  return span;
}

function makeCitation(number: number, words: MarkdownWords): HTMLElement {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "cite";
  button.dataset.cite = String(number);
  button.setAttribute("aria-label", words.citation(number));
  button.textContent = String(number);
  return button;
}

function escape(text: string): string {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;");
}
