import type { ReplyEvent, Routed } from "$/api/chat";
import type { Source } from "$/api/schema";

/** What is known of an answer while it is being written. */
export interface Written {
  /** How many wait before it; null once it is its turn. */
  place: number | null;
  route: Routed | null;
  sources: readonly Source[];
  text: string;
  thinking: string;
}

export const nothingYet: Written = { place: null, route: null, sources: [], text: "", thinking: "" };

/** What is known after one more event. Told twice (a run that is followed again), a source stays one. */
export function hear(written: Written, event: ReplyEvent): Written {
  switch (event.name) {
    case "queue":
      return { ...written, place: event.data.place > 0 ? event.data.place : null };
    case "route":
      return { ...written, route: event.data };
    case "source":
      return { ...written, place: null, sources: withSource(written.sources, event.data) };
    case "token":
      return { ...written, place: null, text: written.text + event.data.text };
    case "thinking":
      return { ...written, place: null, thinking: written.thinking + event.data.text };
    default:
      return written;
  }
}

/** Many events at once: what a frame of the screen has to show. */
export function hearAll(written: Written, events: readonly ReplyEvent[]): Written {
  return events.reduce(hear, written);
}

function withSource(sources: readonly Source[], source: Source): readonly Source[] {
  const at = sources.findIndex((one) => one.number === source.number);
  return at < 0 ? [...sources, source] : sources.with(at, source);
}
