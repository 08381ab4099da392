import { expect, test } from "vitest";

import type { Accepted, Conversation, ConversationMessage, Reply } from "$/api/chat";
import type { Source } from "$/api/schema";
import { answered, calledFor, fillPrompt, lastQuestion, questionOf, versionOf, withAccepted } from "$/rooms/chat/branch";
import { FromColleagues, waitsForColleague } from "$/rooms/chat/colleagues";
import { confidenceOf } from "$/core/confidence";
import { markWords, periodOf, placeRows } from "$/rooms/chat/groups";
import { hear, hearAll, nothingYet } from "$/rooms/chat/stream";

const accepted = (facts: Partial<Accepted> = {}): Accepted => ({
  conversation_id: "c",
  user_message_id: "q",
  message_id: "a",
  run_id: "r",
  remaining: 9,
  title: "",
  ...facts,
});
const source = (number: number, document = "report.pdf") => ({ number, document }) as Source;
const ids = (messages: readonly ConversationMessage[]) => messages.map((one) => one.id);

/** A question and its answer, then another. */
function conversation(): ConversationMessage[] {
  const first = withAccepted([], accepted({ user_message_id: "q1", message_id: "a1" }), "One?", null);
  return withAccepted(first, accepted({ user_message_id: "q2", message_id: "a2" }), "Two?", null);
}

test("an answer grows by what is told, in its order", () => {
  const written = hearAll(nothingYet, [
    { name: "queue", data: { place: 2 } },
    { name: "route", data: { agent: "audrey", confidence: 0.8, reasoning: "opening hours", decided_by: "classifier" } },
    { name: "source", data: source(1) },
    { name: "thinking", data: { text: "hm" } },
    { name: "token", data: { text: "It " } },
    { name: "token", data: { text: "opens.[1]" } },
  ]);
  expect(written.text).toBe("It opens.[1]");
  expect(written.thinking).toBe("hm");
  expect(written.place).toBeNull();
  expect(written.route?.agent).toBe("audrey");
  expect(written.sources).toEqual([source(1)]);
});

test("a place in the queue is shown until it is one's turn", () => {
  const waiting = hear(nothingYet, { name: "queue", data: { place: 3 } });
  expect(waiting.place).toBe(3);
  expect(hear(waiting, { name: "queue", data: { place: 0 } }).place).toBeNull();
  expect(hear(waiting, { name: "token", data: { text: "a" } }).place).toBeNull();
});

test("a source that is told again takes the place of the one it was", () => {
  const once = hear(nothingYet, { name: "source", data: source(1, "old.pdf") });
  const twice = hearAll(once, [
    { name: "source", data: source(1, "new.pdf") },
    { name: "source", data: source(2) },
  ]);
  expect(twice.sources.map((one) => one.document)).toEqual(["new.pdf", "report.pdf"]);
  expect(nothingYet.sources).toEqual([]);
});

test("a message that is taken in stands at the end, with the place of its answer", () => {
  const messages = conversation();
  expect(ids(messages)).toEqual(["q1", "a1", "q2", "a2"]);
  expect(messages[2]).toMatchObject({ role: "user", content: "Two?", parent_id: "a1", versions: ["q2"] });
  expect(messages[3]).toMatchObject({ role: "assistant", status: "writing", run_id: "r", parent_id: "q2", versions: ["a2"] });
});

test("another wording begins a branch where the first one stood", () => {
  const messages = conversation();
  const branch = withAccepted(messages, accepted({ user_message_id: "q1b", message_id: "a1b" }), "One, in French?", messages[0] ?? null);
  expect(ids(branch)).toEqual(["q1b", "a1b"]);
  expect(branch[0]?.versions).toEqual(["q1", "q1b"]);
  expect(branch[1]?.versions).toEqual(["a1b"]);
});

test("another answer keeps its question and becomes a version", () => {
  const messages = conversation();
  const again = withAccepted(messages, accepted({ user_message_id: "q1", message_id: "a1b" }), "", messages[1] ?? null);
  expect(ids(again)).toEqual(["q1", "a1b"]);
  expect(again[1]).toMatchObject({ parent_id: "q1", versions: ["a1", "a1b"] });
});

test("an answer that ended takes over what it ended with", () => {
  const [, message] = withAccepted([], accepted(), "One?", null);
  const reply = { message: "Yes.", stopped: false, agent: "conversation", mode: "llm", sources: [], run_id: "r" } as unknown as Reply;
  if (!message) throw new Error("no answer");
  expect(answered(message, reply)).toMatchObject({ id: "a", content: "Yes.", status: "done", mode: "llm", parent_id: "q" });
  expect(answered(message, { ...reply, stopped: true }).status).toBe("stopped");
});

test("versions know what is before and after them", () => {
  const message = { id: "b", versions: ["a", "b", "c"] } as ConversationMessage;
  expect(versionOf(message)).toEqual({ at: 2, total: 3, previous: "a", next: "c" });
  expect(versionOf({ ...message, id: "a" })).toEqual({ at: 1, total: 3, previous: null, next: "b" });
});

test("the last question is found, and the question of an answer", () => {
  const messages = conversation();
  expect(lastQuestion(messages)?.id).toBe("q2");
  expect(lastQuestion([])).toBeNull();
  expect(questionOf(messages, messages[1] as ConversationMessage)?.id).toBe("q1");
});

test("confidence has a word", () => {
  expect([0.91, 0.6, 0.2].map(confidenceOf)).toEqual(["high", "middle", "low"]);
});

test("a saved prompt is filled in, and says what is missing", () => {
  const text = "Write to {{ name }} about {{topic}}, {{name}}.";
  expect(fillPrompt(text, { name: "Ada", topic: " " })).toBe("Write to Ada about {{topic}}, Ada.");
});

test("a slash calls a prompt at the start only, an at sign an assistant anywhere", () => {
  expect(calledFor("/let")).toEqual({ kind: "prompt", typed: "let", start: 0 });
  expect(calledFor("either/or")).toBeNull();
  expect(calledFor("/letter to")).toBeNull();
  expect(calledFor("ask @aud")).toEqual({ kind: "assistant", typed: "aud", start: 4 });
  expect(calledFor("me@example")).toBeNull();
});

test("a long list draws what is on the screen, with its periods", () => {
  const now = new Date("2026-11-21T12:00:00");
  const days = ["2026-11-21T08:00:00", "2026-11-20T08:00:00", "2026-11-18T08:00:00", "2026-01-01T08:00:00"];
  expect(days.map((day) => periodOf(day, now))).toEqual(["today", "yesterday", "week", "earlier"]);
  const periods = Array.from({ length: 10_000 }, (_, index) => (index < 2 ? ("today" as const) : index < 100 ? ("earlier" as const) : null));
  const top = placeRows(periods, { row: 34, heading: 30 }, { top: 0, height: 340 });
  expect(top.height).toBe(10_000 * 34 + 2 * 30);
  expect(top.rows.slice(0, 3)).toEqual([
    { index: 0, top: 0, heading: "today" },
    { index: 1, top: 64, heading: null },
    { index: 2, top: 98, heading: "earlier" },
  ]);
  expect(top.rows.length).toBeLessThan(20);
  const far = placeRows(periods, { row: 34, heading: 30 }, { top: 170_000, height: 340 });
  expect(far.rows[0]?.index).toBeGreaterThan(4900);
});

test("words that were looked for are found in an excerpt, accents or not", () => {
  expect(markWords("Les élections de mai", "elec mai")).toEqual(["Les ", "élections", " de ", "mai", ""]);
  expect(markWords("nothing", " ")).toEqual(["nothing"]);
});

test("what a colleague answers is told once, and not what was there before", () => {
  const [first, last] = conversation().filter((one) => one.role === "assistant");
  if (!first || !last) throw new Error("two answers are there");
  const asked = { ...first, escalation_id: "e", created_at: "2026-01-01T08:00:00Z" };
  const before = { ...last, id: "p1", mode: "person" as const, created_at: "2026-01-01T09:00:00Z" };
  const after = { ...before, id: "p2", created_at: "2026-01-01T09:00:00.5Z" };
  const known = { updated_at: before.created_at } as Conversation;
  const told = new FromColleagues();
  expect(told.take(known, [asked, before])).toEqual([]);
  expect(ids(told.take(known, [asked, before, after]))).toEqual(["p2"]);
  expect(told.take(known, [asked, before, after])).toEqual([]);
  expect(waitsForColleague([asked])).toBe(true);
  expect(waitsForColleague([asked, before])).toBe(false);
});
