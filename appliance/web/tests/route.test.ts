import { expect, test } from "vitest";

import { parseHash, toHash } from "$/core/route";

test("an address is read into its parts", () => {
  expect(parseHash("#/documents/42?collection=7&q=a%20b")).toEqual({
    path: "/documents/42",
    segments: ["documents", "42"],
    query: { collection: "7", q: "a b" },
  });
});

test("nothing is the root", () => {
  expect(parseHash("")).toEqual({ path: "/", segments: [], query: {} });
  expect(parseHash("#")).toEqual({ path: "/", segments: [], query: {} });
});

test("what is written is read again", () => {
  const hash = toHash(["help", "a/b", "é %"], { q: "1+1=2 & more", empty: "", none: null, number: 3 });
  const route = parseHash(hash);
  expect(route.segments).toEqual(["help", "a/b", "é %"]);
  expect(route.query).toEqual({ q: "1+1=2 & more", number: "3" });
});

test("an address that cannot be decoded is taken as it stands", () => {
  expect(parseHash("#/ask/%E0%A4%A").segments).toEqual(["ask", "%E0%A4%A"]);
});
