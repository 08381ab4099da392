import type { Evaluation } from "$/api";
import type { Series } from "$/components/chart";

const FIRST = [
  ...["ndcg@10", "hit@5", "recall@10", "mrr@10", "refused", "p95 ms"],
  ...["cross-validated accuracy", "cross-validated accuracy en", "cross-validated accuracy fr", "cross-validated calibration error"],
  ...["shipped accuracy", "with model accuracy", "shipped calibration error", "with model calibration error"],
];

export const KINDS = ["retrieval", "routing"] as const;
export type Kind = (typeof KINDS)[number];

interface Words {
  measures: Readonly<Record<string, string>>;
  ways: Readonly<Record<string, string>>;
}

/** How the classifier was judged, and what was measured: `shipped accuracy` is two of them. */
export function partsOf(measure: string, ways: Words["ways"]): { way: string | null; rest: string } {
  const way = Object.keys(ways).find((one) => measure.startsWith(`${one} `));
  return way ? { way, rest: measure.slice(way.length + 1) } : { way: null, rest: measure };
}

/** A measure in words; of routing, with how the classifier was judged, unless it is `bare`. */
export function nameOfMeasure(measure: string, words: Words, bare = false): string {
  const { way, rest } = partsOf(measure, words.ways);
  const name = words.measures[rest] ?? rest;
  return way && !bare ? `${name} (${words.ways[way] ?? way})` : name;
}

/** How many digits a measure is worth after the point: shares three, milliseconds none. */
export function digitsOf(measure: string): number {
  return measure.endsWith(" ms") ? 0 : 3;
}

/** The measures any run has as a number, the usual ones first. */
export function measuresOf(runs: readonly Evaluation[]): string[] {
  const names = new Set(runs.flatMap((run) => Object.entries(run.measures).filter(([, value]) => typeof value === "number").map(([name]) => name)));
  return [...names].toSorted((a, b) => rankOf(a) - rankOf(b) || a.localeCompare(b));
}

/** One line per question set: a measure at each of its runs, oldest first. */
export function seriesOf(runs: readonly Evaluation[], measure: string, label: (moment: string) => string): Series[] {
  const ordered = runs.filter((run) => typeof run.measures[measure] === "number").toSorted((a, b) => a.run_at.localeCompare(b.run_at));
  const names = [...new Set(ordered.map((run) => run.name))];
  return names.map((name) => ({
    name,
    points: ordered.filter((run) => run.name === name).map((run) => ({ label: label(run.run_at), value: Number(run.measures[measure]) })),
  }));
}

function rankOf(name: string): number {
  const at = FIRST.indexOf(name.toLowerCase());
  return at < 0 ? FIRST.length : at;
}
