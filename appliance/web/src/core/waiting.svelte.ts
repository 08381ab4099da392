import { escalations } from "$/api/studio";

import { session } from "./session.svelte";

const EVERY_MS = 60_000;

/** How many messages wait for a person, for those who may answer. */
class Waiting {
  count = $state(0);
  #timer: ReturnType<typeof setInterval> | undefined;

  /** Look now and then, as long as somebody looks at the page. Gives back what ends it. */
  follow(): () => void {
    void this.look();
    this.#timer = setInterval(() => {
      if (document.visibilityState === "visible") void this.look();
    }, EVERY_MS);
    return () => clearInterval(this.#timer);
  }

  async look(): Promise<void> {
    if (!session.isAdmin) return;
    try {
      this.count = (await escalations.list({ status: "open", limit: 1 })).total;
    } catch {
      // a number beside a word: when it cannot be had, the last one stays
    }
  }
}

export const waiting = new Waiting();
