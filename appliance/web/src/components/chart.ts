export interface Point {
  label: string;
  value: number;
}

export interface Series {
  name: string;
  points: Point[];
}

/** Round steps from zero to a little over the greatest value: at most five lines. */
export function ticks(greatest: number): number[] {
  if (!(greatest > 0)) return [0, 1];
  const rough = greatest / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((size) => size >= rough) ?? rough;
  const found: number[] = [];
  for (let value = 0; value < greatest + step * 0.999; value += step) found.push(Number(value.toPrecision(6)));
  return found;
}

/** Move labels apart that would cover each other; each stays as near to its own height as there is room. */
export function spread(heights: readonly number[], gap: number, limit: number): number[] {
  const order = heights.map((height, index) => ({ height, index })).sort((a, b) => a.height - b.height);
  let floor = -Infinity;
  for (const entry of order) {
    entry.height = Math.max(entry.height, floor);
    floor = entry.height + gap;
  }
  let ceiling = limit;
  for (const entry of order.toReversed()) {
    entry.height = Math.min(entry.height, ceiling);
    ceiling = entry.height - gap;
  }
  const found: number[] = [];
  for (const entry of order) found[entry.index] = entry.height;
  return found;
}
