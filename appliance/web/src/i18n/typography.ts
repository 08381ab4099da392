const NARROW = "\u202f";
const FIXED = "\u00a0";

/** French punctuation keeps its spaces from breaking; the sources are written with plain ones. */
export function frenchSpaces(text: string): string {
  return text
    .replace(/ ([;!?])/g, `${NARROW}$1`)
    .replace(/ :/g, `${FIXED}:`)
    .replace(/« /g, `«${FIXED}`)
    .replace(/ »/g, `${FIXED}»`)
    .replace(/(\d) (?=%|€|s\b|Mo\b|ko\b|Go\b)/g, `$1${FIXED}`);
}

/** Apply it to every sentence of a catalogue, also to those that functions make. */
export function typographic<T>(entry: T): T {
  if (typeof entry === "string") return frenchSpaces(entry) as T;
  if (typeof entry === "function") {
    return ((...facts: unknown[]) => typographic((entry as (...facts: unknown[]) => unknown)(...facts))) as T;
  }
  if (entry !== null && typeof entry === "object" && !Array.isArray(entry)) {
    return Object.fromEntries(Object.entries(entry).map(([name, value]) => [name, typographic(value)])) as T;
  }
  return entry;
}
