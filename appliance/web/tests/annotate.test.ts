import { expect, test } from "vitest";

import { annotate, countSupported, markCitations, settled, sliceByCodePoints } from "$/components/annotate";

const unsupported = (start: number, end: number) => ({ start, end, supported: false, sources: [] });

test("citations that exist are marked, others stay text", () => {
  expect(markCitations("Sales grew.[1] Costs fell. [2] See [9] and [3](x).", 3)).toBe("Sales grew.⸦1⸧ Costs fell.⸦2⸧ See [9] and [3](x).");
});

test("offsets count code points, not halves of characters", () => {
  const text = "🦉🦉 Yes. Invented.";
  expect(annotate(text, [unsupported(8, 17)], 0)).toBe("🦉🦉 Yes. ⸨Invented.⸩");
});

test("a mark stays inside its line, behind what makes it a list or a heading", () => {
  const text = "- First\n- Second";
  expect(annotate(text, [unsupported(0, 16)], 0)).toBe("- ⸨First⸩\n- ⸨Second⸩");
  expect(annotate("## Title", [unsupported(0, 8)], 0)).toBe("## ⸨Title⸩");
});

test("a row of a table keeps its edges, its rule is left alone", () => {
  const text = "| a | b |\n|---|---|\n| 1 | 2 |";
  expect(annotate(text, [unsupported(0, 29)], 0)).toBe("| ⸨a | b⸩ |\n|---|---|\n| ⸨1 | 2⸩ |");
});

test("offsets outside the text mark nothing", () => {
  expect(annotate("Short.", [unsupported(3, 99)], 0)).toBe("Short.");
});

test("a quote is cut out of its passage", () => {
  expect(sliceByCodePoints("a🦉b quote c", 4, 9)).toEqual(["a🦉b ", "quote", " c"]);
  expect(sliceByCodePoints("short", -3, 50)).toEqual(["", "short", ""]);
});

test("supported sentences are counted", () => {
  expect(countSupported([unsupported(0, 1), { start: 1, end: 2, supported: true, sources: [1] }])).toEqual({ supported: 1, total: 2 });
});

test("what is still being written does not show its scaffolding", () => {
  expect(settled("Sales grew. [1")).toBe("Sales grew.");
  expect(settled("Sales grew.[1] More")).toBe("Sales grew.[1] More");
  expect(settled("So:\n\n| Year | Sa")).toBe("So:\n");
  expect(settled("So:\n\n| Year | Sales |\n|---|")).toBe("So:\n\n| Year | Sales |\n|---|");
  expect(settled("| Year | Sales |\n|---|---|\n| 2016 |")).toBe("| Year | Sales |\n|---|---|\n| 2016 |");
  expect(settled("")).toBe("");
});
