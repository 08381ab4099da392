import { conversations } from "$/api/chat";

const FEW = 3;
const SECOND = 1000;

/** How many messages a conversation may still send, and how long to wait where it may not. */
export class Limit {
  remaining = $state<number | null>(null);
  /** Seconds until the next message is taken; 0 where nothing holds it back. */
  seconds = $state(0);
  #until = 0;
  #timer: ReturnType<typeof setInterval> | undefined;
  #again: ReturnType<typeof setTimeout> | undefined;
  #window = 60;
  #key = "";

  /** Said before it hurts. */
  get isNear(): boolean {
    return this.remaining !== null && this.remaining <= FEW;
  }

  async look(key: string): Promise<void> {
    this.#key = key;
    const limit = await conversations.rateLimit(key).catch(() => null);
    if (!limit) return;
    this.#window = limit.window;
    this.left(limit.remaining);
    if (!limit.allowed) this.wait(limit.retry_after);
  }

  left(remaining: number): void {
    this.remaining = remaining;
    clearTimeout(this.#again);
    // The window slides: what was told is not true for ever.
    if (this.isNear && this.#key) this.#again = setTimeout(() => void this.look(this.#key), (this.#window * SECOND) / 4);
  }

  wait(seconds: number | null): void {
    this.#until = Date.now() + (seconds ?? 1) * SECOND;
    clearInterval(this.#timer);
    this.#timer = setInterval(() => this.#tick(), SECOND);
    this.#tick();
  }

  close(): void {
    clearInterval(this.#timer);
    clearTimeout(this.#again);
  }

  #tick(): void {
    this.seconds = Math.max(0, Math.ceil((this.#until - Date.now()) / SECOND));
    if (this.seconds > 0) return;
    clearInterval(this.#timer);
    if (this.remaining === 0) this.remaining = null;
  }
}
