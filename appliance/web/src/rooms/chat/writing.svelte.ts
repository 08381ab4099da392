import type { ReplyEvent } from "$/api/chat";

import { hearAll, nothingYet, type Written } from "./stream";

/** An answer that grows under the reader's eyes. Words come faster than the screen is drawn: they are shown once a frame. */
export class Writing {
  readonly message: string;
  readonly run: string;
  written = $state.raw<Written>(nothingYet);
  stopping = $state(false);
  #waiting: ReplyEvent[] = [];
  #frame = 0;

  constructor(message: string, run: string) {
    this.message = message;
    this.run = run;
  }

  hear(event: ReplyEvent): void {
    this.#waiting.push(event);
    if (this.#frame === 0) this.#frame = requestAnimationFrame(() => this.show());
  }

  /** Show what has come, now. */
  show(): void {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    if (this.#waiting.length > 0) this.written = hearAll(this.written, this.#waiting);
    this.#waiting = [];
  }
}
