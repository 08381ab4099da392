/** An address inside the interface: `#/documents/42?collection=7`. */
export interface Route {
  path: string;
  segments: string[];
  query: Record<string, string>;
}

export type Query = Record<string, string | number | null | undefined>;

/** Read the part of an address after `#`. Anything that is no path is the root. */
export function parseHash(hash: string): Route {
  const text = hash.replace(/^#/, "");
  const [rawPath = "", rawQuery = ""] = splitOnce(text, "?");
  const segments = rawPath.split("/").filter(Boolean).map(decode);
  const query: Record<string, string> = {};
  for (const [name, value] of new URLSearchParams(rawQuery)) query[name] = value;
  return { path: `/${segments.join("/")}`, segments, query };
}

/** Write an address; empty values are left out. */
export function toHash(segments: readonly string[], query: Query = {}): string {
  const path = segments.map(encodeURIComponent).join("/");
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== "") search.set(name, String(value));
  }
  const tail = search.toString();
  return `#/${path}${tail ? `?${tail}` : ""}`;
}

function splitOnce(text: string, mark: string): [string, string] {
  const at = text.indexOf(mark);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
