import type { GroundedSentence } from "$/api";
import { Unreachable } from "$/api/errors";
import type { ConversationMessage } from "$/api/chat";
import type { PagePicture } from "$/api/pictures";

export const prose = `## A heading

Text with **strong**, *stressed* and \`code\` words, a [link](https://example.org/page) that shows its address, and one [inside](#/ask).

- First
- Second
  1. Nested

> Quoted from somewhere.

| Year | Sales | Change |
|---|---:|---|
| 2016 | 135,987 | +27.1 % |
| 2017 | 177,866 | +30.8 % |

\`\`\`sql
SELECT month, sum(amount) FROM orders GROUP BY 1
\`\`\`

A formula in a line, $a^2 + b^2 = c^2$, and one of its own:

$$\\sum_{i=1}^{n} i = \\frac{n(n+1)}{2}$$`;

export const answer = "Net sales grew by **30.8 %** in 2017.[1] This was mostly due to the weather. Costs rose as well.[2]";

export const grounded: GroundedSentence[] = [
  { start: 0, end: 40, supported: true, sources: [1] },
  { start: 41, end: 79, supported: false, sources: [] },
  { start: 80, end: 103, supported: true, sources: [2] },
];

/** What a document or a model might say to make the page run or fetch something. */
export const hostile = `<img src="http://192.0.2.1/x.png" onerror="document.title='run'"> <script>document.title = "run"</script>

![a picture](http://192.0.2.1/y.png) [click](javascript:document.title='run') <a href="//192.0.2.1" style="position:fixed">here</a>

<iframe src="http://192.0.2.1"></iframe><svg onload="document.title='run'"></svg>

[ref]: http://192.0.2.1/z "title"

![other][ref]`;

/** A made-up page; the third cannot be shown. */
export async function paper(page: number): Promise<PagePicture> {
  if (page === 3) throw new Unreachable();
  const lines = Array.from({ length: 30 }, (_, row) => `<rect x="60" y="${90 + row * 22}" width="${240 + ((row * 53) % 200)}" height="6"/>`);
  const mark = page === 1 ? '<rect x="56" y="174" width="330" height="18" fill="khaki"/>' : "";
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 560 792"><g fill="silver">${mark}${lines.join("")}</g></svg>`;
  return { address: `data:image/svg+xml,${encodeURIComponent(svg)}`, markTop: page === 1 ? 0.22 : null };
}

const said: ConversationMessage = {
  ...{ id: "a1", parent_id: "q1", role: "assistant", content: answer, status: "done", created_at: "2026-11-21T10:00:00Z", versions: ["a0", "a1", "a2"] },
  ...{ agent: "audrey", confidence: 0.82, reasoning: "The words « net sales » fit.", decided_by: "classifier", model: "qwen3:8b", mode: "llm" },
  ...{ sources: [], grounded, usage: null, run_id: null, notice: null, partial: null, nothing_found: false, language: "en" },
  ...{ milliseconds: 2900, first_token_ms: 300, error: null, feedback: { rating: "up", reason: null }, escalation_id: null, answered_by: null, hidden: false },
};

/** A conversation in every state a message can be in. */
export const messages: Record<string, ConversationMessage> = {
  question: { ...said, id: "q1", parent_id: null, role: "user", content: "How did net sales grow?", versions: ["q1", "q2"], feedback: null },
  whole: said,
  writing: { ...said, id: "a3", status: "writing", content: "", agent: null, versions: ["a3"], feedback: null },
  stopped: { ...said, id: "a4", status: "stopped", content: "Net sales grew by", versions: ["a4"], grounded: [], feedback: null },
  interrupted: { ...said, id: "a5", status: "interrupted", content: "", mode: null, versions: ["a5"], grounded: [], feedback: null },
  hidden: { ...said, id: "a6", hidden: true, content: "" },
};
