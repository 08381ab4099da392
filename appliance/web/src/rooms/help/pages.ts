import titles from "virtual:help-titles";

import type { TreeNode } from "$/components/tree";
import { t, words, type Language } from "$/i18n/language.svelte";

/** Every page of the documentation, compiled in: each is fetched from the appliance when it is opened. */
const sources = import.meta.glob<string>(["../../../../docs/**/*.md", "!**/template.md"], { query: "?raw", import: "default" });

export interface HelpPage {
  /** As in its address: `guides/five-minutes`. */
  path: string;
  title: string;
  section: string;
  language: Language;
  load: () => Promise<string>;
}

const ORDER = ["guides", "concepts", "reference", "decisions"];
const PREFIX = /^.*\/docs\//;

interface Found {
  name: string;
  path: string;
  language: Language;
  load: () => Promise<string>;
}

const all: Found[] = Object.entries(sources).map(([file, load]) => {
  const name = file.replace(PREFIX, "").replace(/\.md$/, "");
  const spoken = /^(.*)\.(en|fr)$/.exec(name);
  return { name, path: spoken?.[1] ?? name, language: (spoken?.[2] as Language | undefined) ?? "en", load };
});

/** The pages in the reader's language, in English where there is no other. */
export function helpPages(): HelpPage[] {
  const paths = [...new Set(all.map((page) => page.path))];
  return paths
    .map((path) => all.find((page) => page.path === path && page.language === words.language) ?? all.find((page) => page.path === path))
    .filter((page) => page !== undefined)
    .map((page) => ({ ...page, section: page.path.includes("/") ? (page.path.split("/")[0] ?? "") : "", title: titles[page.name] ?? page.path }))
    .toSorted((a, b) => order(a.section) - order(b.section) || a.path.localeCompare(b.path));
}

export function helpTree(pages: readonly HelpPage[]): TreeNode[] {
  const sections = [...new Set(pages.map((page) => page.section))];
  return sections.flatMap((section): TreeNode[] => {
    const children = pages.filter((page) => page.section === section).map((page) => ({ id: page.path, label: page.title, href: `#/help/${page.path}` }));
    return section ? [{ id: `section ${section}`, label: t().help.sections[section] ?? section, children }] : children;
  });
}

/** A link between pages of the documentation as an address of the interface; others stay as they are. */
export function resolveLink(from: string, href: string): string {
  if (/^[a-z]+:|^#|^\//i.test(href)) return href;
  const [file = ""] = href.split("#");
  if (!file.endsWith(".md")) return href;
  const parts = from.split("/").slice(0, -1);
  for (const part of file.replace(/(\.(en|fr))?\.md$/, "").split("/")) {
    if (part === "..") parts.pop();
    else if (part !== ".") parts.push(part);
  }
  return `#/help/${parts.join("/")}`;
}

function order(section: string): number {
  const at = ORDER.indexOf(section);
  if (section === "") return ORDER.length + 1; // what changed comes after what one looks for
  return at < 0 ? ORDER.length : at;
}
