import type { ConversationMessage, Feedback } from "$/api/chat";

export interface Judgement {
  feedback: Feedback | null;
  isKept: boolean;
}

/** What was judged here, until it is read back: a look that began before would undo it. */
export class Judged {
  readonly #held = new Map<string, Judgement>();

  /** The message as it was judged. */
  apply(message: ConversationMessage): ConversationMessage {
    const held = this.#held.get(message.id);
    return held ? { ...message, feedback: held.feedback } : message;
  }

  hold(id: string, feedback: Feedback | null): Judgement {
    const made: Judgement = { feedback, isKept: false };
    this.#held.set(id, made);
    return made;
  }

  /** What a look that begins now will bring. */
  kept(): [string, Judgement][] {
    return [...this.#held].filter(([, held]) => held.isKept);
  }

  /** Let go of it, unless it was judged anew since. */
  release(judgements: readonly [string, Judgement][]): void {
    for (const [id, judgement] of judgements) if (this.#held.get(id) === judgement) this.#held.delete(id);
  }
}
