import { expect, test } from "vitest";

import english from "$/i18n/en";
import englishMore from "$/i18n/en/more";
import french from "$/i18n/fr";
import frenchMore from "$/i18n/fr/more";
import { counter } from "$/i18n/plural";
import { frenchSpaces, typographic } from "$/i18n/typography";

const en = { ...english, ...englishMore };
const fr = { ...french, ...frenchMore };

test("each language counts in its own way", () => {
  expect(counter("en")(0, "1 file", "# files")).toBe("0 files");
  expect(counter("fr")(0, "# fichier", "# fichiers")).toBe("0 fichier");
  expect(counter("en")(1234, "1 file", "# files")).toBe("1,234 files");
});

test("French punctuation does not stand alone on a line", () => {
  expect(frenchSpaces("Quoi ? « Oui » : 3 s")).toBe("Quoi\u202f? «\u00a0Oui\u00a0»\u00a0: 3\u00a0s");
  expect(typographic({ a: (n: number) => `${n} !` }).a(2)).toBe("2\u202f!");
});

/** Every sentence of a catalogue, those that functions make too. */
function sentences(entry: unknown, path: string): [string, string][] {
  if (typeof entry === "string") return [[path, entry]];
  if (typeof entry === "function") return [[path, String(entry("2", "2", "2"))]];
  return Object.entries(entry as object).flatMap(([name, value]) => sentences(value, `${path}.${name}`));
}

test("both languages say everything, without shouting", () => {
  const english = sentences(en, "");
  const french = sentences(fr, "");
  expect(french.map(([path]) => path)).toEqual(english.map(([path]) => path));
  for (const [path, sentence] of [...english, ...french]) {
    if (path !== ".sessions.empty.text") expect(sentence.trim(), path).not.toBe("");
    expect(sentence, path).not.toMatch(/!|undefined|\bNaN\b|'/);
  }
});

test("French addresses people politely", () => {
  for (const [path, sentence] of sentences(fr, "")) expect(sentence, path).not.toMatch(/(?<!\p{L})(tu|ton|ta|tes|toi)(?!\p{L})/iu);
});
