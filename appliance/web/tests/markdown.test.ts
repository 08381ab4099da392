import { Marked } from "marked";
import { expect, test } from "vitest";

import { mathBlock, mathInline } from "$/components/mathMarkdown";

const marked = new Marked({ gfm: true, extensions: [mathBlock, mathInline] });
const drawn = (text: string) => (marked.parse(text) as string).trim();

test("formulas are told apart from text", () => {
  expect(drawn("So $a_1 + b_1$ holds.")).toBe("<p>So <var>a_1 + b_1</var> holds.</p>");
  expect(drawn("So \\(a < b\\) holds.")).toBe("<p>So <var>a &lt; b</var> holds.</p>");
  expect(drawn("$$\n\\frac{1}{2}\n$$")).toBe("<samp>\\frac{1}{2}</samp>");
  expect(drawn("\\[x\\]\n\nmore")).toBe("<samp>x</samp><p>more</p>");
});

test("prices and code are no formulas", () => {
  expect(drawn("It costs $5 and then $7.")).toBe("<p>It costs $5 and then $7.</p>");
  expect(drawn("Between $5 and$ nothing")).toBe("<p>Between $5 and$ nothing</p>");
  expect(drawn("`$a$`")).toBe("<p><code>$a$</code></p>");
});
