/** One server-sent event (WHATWG HTML, 9.2). */
export interface ServerEvent {
  id: string;
  name: string;
  data: string;
}

/** Turns text, in pieces cut anywhere, into events. */
export class EventParser {
  #rest = "";
  #id = "";
  #name = "";
  #data: string[] = [];
  #skipLineFeed = false;

  push(piece: string): ServerEvent[] {
    let text = this.#rest + piece;
    if (this.#skipLineFeed && text.length > 0) {
      if (text.startsWith("\n")) text = text.slice(1);
      this.#skipLineFeed = false;
    }
    const found: ServerEvent[] = [];
    let start = 0;
    for (const end of text.matchAll(/\r\n|\n|\r/g)) {
      this.#takeLine(text.slice(start, end.index), found);
      start = end.index + end[0].length;
      if (start === text.length && end[0] === "\r") this.#skipLineFeed = true;
    }
    this.#rest = text.slice(start);
    return found;
  }

  #takeLine(line: string, found: ServerEvent[]): void {
    if (line === "") {
      if (this.#data.length > 0) found.push({ id: this.#id, name: this.#name || "message", data: this.#data.join("\n") });
      this.#name = "";
      this.#data = [];
      return;
    }
    const colon = line.indexOf(":");
    if (colon === 0) return;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "data") this.#data.push(value);
    else if (field === "event") this.#name = value;
    else if (field === "id" && !value.includes("\0")) this.#id = value;
  }
}

/** Read the events of an answer as they come; ends where the stream ends, throws where it breaks. */
export async function* readEvents(response: Response): AsyncGenerator<ServerEvent> {
  const reader = response.body?.getReader();
  if (!reader) return;
  const decoder = new TextDecoder();
  const parser = new EventParser();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield* parser.push(decoder.decode(value, { stream: true }));
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
