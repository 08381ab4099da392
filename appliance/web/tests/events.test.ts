import { expect, test } from "vitest";

import { EventParser, readEvents, type ServerEvent } from "$/api/events";

const TEXT = [
  "id: 1\nevent: token\ndata: {\"text\":\"é\"}\n\n",
  ": still here\n\n",
  "id: 2\r\nevent: token\r\ndata: a\r\ndata: b\r\n\r\n",
  "data\ndata:  spaced\n\n",
  "id: 3\nevent: done\ndata: {}\n\n",
].join("");

const EVENTS: ServerEvent[] = [
  { id: "1", name: "token", data: '{"text":"é"}' },
  { id: "2", name: "token", data: "a\nb" },
  { id: "2", name: "message", data: "\n spaced" },
  { id: "3", name: "done", data: "{}" },
];

test("events are read whole", () => {
  expect(new EventParser().push(TEXT)).toEqual(EVENTS);
});

test("events are the same wherever the text is cut", () => {
  for (let size = 1; size < 12; size += 1) {
    const parser = new EventParser();
    const found: ServerEvent[] = [];
    for (let at = 0; at < TEXT.length; at += size) found.push(...parser.push(TEXT.slice(at, at + size)));
    expect(found).toEqual(EVENTS);
  }
});

test("an event that is cut off is not told", () => {
  expect(new EventParser().push("event: done\ndata: {}\n")).toEqual([]);
});

test("characters of several bytes survive a cut between them", async () => {
  const bytes = new TextEncoder().encode("data: « été »\n\n");
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
      controller.close();
    },
  });
  const found: ServerEvent[] = [];
  for await (const event of readEvents(new Response(body))) found.push(event);
  expect(found).toEqual([{ id: "", name: "message", data: "« été »" }]);
});
