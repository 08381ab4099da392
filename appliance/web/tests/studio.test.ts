import { expect, test } from "vitest";

import type { AgentFigures, Assistant } from "$/api/studio";
import { confidenceOf } from "$/core/confidence";
import { stateOf, startOfCount } from "$/rooms/account/usage";
import { busiest, everyDay, periodOf, shareOf } from "$/rooms/admin/analytics";
import { changesOf, copyOf, draftOf, emptyDraft, faultsOf, freeName, isChanged, nameFrom, tidy } from "$/rooms/assistants/draft";
import { middleSquare } from "$/rooms/assistants/picture";
import { fill, variablesOf } from "$/rooms/prompts/variables";

const AUDREY: Assistant = {
  ...emptyDraft(),
  name: "audrey",
  title: "Audrey",
  picture: "/api/assistants/audrey/picture?v=1",
  examples: ["How do I plan e-mails?"],
  created_at: null,
  updated_at: null,
};

const figures = (name: string, messages: number): AgentFigures => ({
  ...{ name, messages, first_token_p50: null, first_token_p95: null, latency_p50: null, latency_p95: null, confidence: null },
  ...{ prompt_tokens: 0, completion_tokens: 0, fallbacks: 0, extractive: 0, failures: 0, escalations: 0, up: 0, down: 0 },
});

test("a name is made of the title", () => {
  expect(nameFrom("Aide à la vente")).toBe("aide-a-la-vente");
  expect(nameFrom("  « Ça, c’est l’été » !")).toBe("ca-c-est-l-ete");
  expect(nameFrom("???")).toBe("");
});

test("a copy has a free name and waits to be switched on", () => {
  expect(freeName("audrey", ["audrey", "audrey-2"])).toBe("audrey-3");
  expect(freeName("audrey-2", ["audrey-2"])).toBe("audrey-3");
  const copy = copyOf(AUDREY, ["audrey"], "Audrey (copy)");
  expect([copy.name, copy.title, copy.is_enabled]).toEqual(["audrey-2", "Audrey (copy)", false]);
  copy.examples.push("more");
  expect(AUDREY.examples).toHaveLength(1);
});

test("only what changed is sent, and never the name", () => {
  const before = draftOf(AUDREY);
  const draft = { ...draftOf(AUDREY), title: "Audrey B. ", examples: ["How do I plan e-mails?", "  ", "And now?"], retrieval: { candidates: 30, floor: 0, kept: 3 } };
  expect(changesOf(before, draft)).toEqual({ title: "Audrey B.", examples: ["How do I plan e-mails?", "And now?"], retrieval: { candidates: 30, floor: 0, kept: 3 } });
  expect(changesOf(before, { ...before, name: "other" })).toEqual({});
});

test("an empty line is no change", () => {
  const before = draftOf(AUDREY);
  expect(isChanged(before, { ...before, examples: [...before.examples, " "] })).toBe(false);
  expect(isChanged(before, { ...before, persona: "You teach." })).toBe(true);
  expect(tidy({ ...before, title: " A " }).title).toBe("A");
});

test("fields that cannot be sent are named", () => {
  const draft = { ...emptyDraft(), temperature: 3, retrieval: { candidates: 2.5, floor: -1, kept: 0 } };
  expect(faultsOf(draft, [])).toEqual({ name: "missing", title: "missing", temperature: "range", candidates: "range", kept: "range", floor: "range" });
  expect(faultsOf({ ...emptyDraft(), name: "Audrey", title: "A" }, [])).toEqual({ name: "form" });
  expect(faultsOf({ ...emptyDraft(), name: "audrey", title: "A" }, ["audrey"])).toEqual({ name: "taken" });
  expect(faultsOf({ ...emptyDraft(), name: "audrey", title: "A" }, [])).toEqual({});
});

test("a field left empty is out of range, not zero", () => {
  const draft = { ...draftOf(AUDREY), temperature: null as unknown as number };
  expect(faultsOf(draft, [])).toEqual({ temperature: "range" });
});

test("a picture is cut around its middle", () => {
  expect(middleSquare(400, 300)).toEqual({ left: 50, top: 0, side: 300 });
  expect(middleSquare(301, 400)).toEqual({ left: 0, top: 49, side: 301 });
});

test("variables are found once, in order, and filled in", () => {
  const text = "Write to {{ client }} about {{topic}}. Dear {{client}}, {{}} {not this}";
  expect(variablesOf(text)).toEqual(["client", "topic"]);
  const words = fill(text, { client: "Marie", topic: " " }).map((piece) => piece.text);
  expect(words.join("")).toBe("Write to Marie about topic. Dear Marie, {{}} {not this}");
  expect(fill("plain", {})).toEqual([{ text: "plain", variable: null }]);
});

test("a period comes from the address, or is thirty days up to today", () => {
  const now = new Date("2026-11-21T23:30:00Z");
  expect(periodOf({}, now)).toEqual({ from: "2026-10-23", to: "2026-11-21", days: 30 });
  expect(periodOf({ days: "7" }, now)).toEqual({ from: "2026-11-15", to: "2026-11-21", days: 7 });
  expect(periodOf({ from: "2026-01-01", to: "2026-01-31" }, now)).toEqual({ from: "2026-01-01", to: "2026-01-31", days: null });
  expect(periodOf({ from: "2026-02-01", to: "2026-01-31", days: "5" }, now).days).toBe(30);
});

test("days on which nothing happened are drawn too", () => {
  expect(everyDay([figures("2026-03-01", 4)], "2026-02-28", "2026-03-02")).toEqual([
    { day: "2026-02-28", messages: 0 },
    { day: "2026-03-01", messages: 4 },
    { day: "2026-03-02", messages: 0 },
  ]);
});

test("the busiest stand first, the idle not at all", () => {
  expect(busiest([figures("a", 1), figures("b", 0), figures("c", 5)], 5).map((row) => row.name)).toEqual(["c", "a"]);
  expect(shareOf(1, 0)).toBe(0);
});

test("confidence and quotas have their words", () => {
  expect([0.92, 0.6, 0.2].map(confidenceOf)).toEqual(["high", "middle", "low"]);
  expect([stateOf(5, 0), stateOf(79, 100), stateOf(80, 100), stateOf(100, 100)]).toEqual(["free", "free", "near", "reached"]);
  expect(startOfCount(new Date("2026-11-21T23:30:00Z")).toISOString()).toBe("2026-11-21T00:00:00.000Z");
});
