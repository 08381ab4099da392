import { expect, test } from "vitest";

import { spread, ticks } from "$/components/chart";
import { place } from "$/components/place";
import { moveTo, tracks } from "$/components/table";
import { plain } from "$/answers/clipboard";
import { readAgent } from "$/rooms/account/agent";
import { evaluations as english } from "$/i18n/en/admin";
import { evaluations as french } from "$/i18n/fr/admin";
import { measuresOf, nameOfMeasure, seriesOf } from "$/rooms/admin/evaluations";

test("a scale starts at zero and ends above the greatest value", () => {
  expect(ticks(0.83)).toEqual([0, 0.25, 0.5, 0.75, 1]);
  expect(ticks(72)).toEqual([0, 20, 40, 60, 80]);
  expect(ticks(0)).toEqual([0, 1]);
});

test("labels that would cover each other move apart and stay on the chart", () => {
  expect(spread([10, 12, 100], 14, 176)).toEqual([10, 24, 100]);
  expect(spread([170, 172], 14, 176)).toEqual([162, 176]);
});

test("what floats stays on the screen and turns where there is no room", () => {
  const screen = { width: 400, height: 300 };
  const size = { width: 200, height: 100 };
  expect(place({ top: 10, bottom: 40, left: 350, right: 390 }, size, screen, "below", "start")).toEqual({ top: 44, left: 192 });
  expect(place({ top: 250, bottom: 280, left: 20, right: 60 }, size, screen, "below", "start")).toEqual({ top: 146, left: 20 });
});

test("a dragged column keeps its width, the others share what is left", () => {
  const columns = [{ id: "a", size: 12, grow: 2 }, { id: "b", size: 5 }];
  expect(tracks(columns, { b: 90.4 }, true)).toBe("2rem minmax(12rem, 2fr) 90px");
});

test("keys move within the list", () => {
  expect(moveTo("ArrowDown", 9, 10, 5)).toBe(9);
  expect(moveTo("PageUp", 3, 10, 5)).toBe(0);
  expect(moveTo("End", 3, 10, 5)).toBe(9);
  expect(moveTo("a", 3, 10, 5)).toBeNull();
});

test("an answer is copied without its marks", () => {
  const markdown = "# Sales\n\nThey grew by **30.8 %**.[1] *Really* `so`.\n\n| Year | Sales |\n|---|---:|\n| 2016 | 5 * 3 |\n\n* one";
  expect(plain(markdown)).toBe("Sales\n\nThey grew by 30.8 %.[1] Really so.\n\nYear\tSales\n2016\t5 * 3\n\n- one");
});

test("browsers are named, programs are not guessed", () => {
  expect(readAgent("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0 Safari/537.36")).toEqual({ browser: "Chrome", system: "Linux" });
  expect(readAgent("curl/8.5")).toBeNull();
});

test("measures become a line for each set, oldest first", () => {
  const run = (name: string, run_at: string, measures: Record<string, unknown>) => ({ id: run_at, kind: "retrieval", name, questions: 1, measures, configuration: {}, seconds: 1, run_at });
  const runs = [run("a", "2026-02", { "nDCG@10": 0.8, note: "x" }), run("a", "2026-01", { "nDCG@10": 0.7, zeta: 1 }), run("b", "2026-03", { zeta: 2 })];
  expect(measuresOf(runs)).toEqual(["nDCG@10", "zeta"]);
  expect(seriesOf(runs, "nDCG@10", (moment) => moment)).toEqual([{ name: "a", points: [{ label: "2026-01", value: 0.7 }, { label: "2026-02", value: 0.8 }] }]);
});

test("measures of routing are said in words, with how they were taken", () => {
  const names = ["shipped calibration error", "cross-validated accuracy fr", "cross-validated accuracy", "with model confidence"];
  const run = { id: "1", kind: "routing", name: "a", questions: 1, measures: Object.fromEntries(names.map((name) => [name, 1])), configuration: {}, seconds: 1, run_at: "2026-01" };
  const ordered = measuresOf([run]);
  expect(ordered.map((name) => nameOfMeasure(name, english))).toEqual([
    "Right (cross-validated)",
    "Right in French (cross-validated)",
    "Confidence off by (as shipped)",
    "Mean confidence (with the model)",
  ]);
  expect(ordered.map((name) => nameOfMeasure(name, french))).toEqual([
    "Justes (validation croisée)",
    "Justes en français (validation croisée)",
    "Écart de la confiance (tel que livré)",
    "Confiance moyenne (avec le modèle)",
  ]);
  expect(nameOfMeasure("nDCG@10", french)).toBe("nDCG@10");
});
