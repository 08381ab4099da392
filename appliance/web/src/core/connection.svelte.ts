const RETRY_MS = [1000, 2000, 4000, 8000];

/** Whether the appliance answers. While it does not, it is asked again by itself, and those who wait are told. */
class Connection {
  lost = $state(false);
  #attempts = 0;
  #lostAt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #waiting = new Set<() => void>();

  constructor() {
    window.addEventListener("offline", () => this.drop());
    window.addEventListener("online", () => void this.probe());
  }

  /** A request found nobody. */
  drop(): void {
    this.lost = true;
    this.#lostAt = performance.now();
    clearTimeout(this.#timer);
    const delay = RETRY_MS[Math.min(this.#attempts, RETRY_MS.length - 1)];
    this.#timer = setTimeout(() => void this.probe(), delay);
  }

  /** A request that was sent at `sentAt` (milliseconds of this page) was answered: one sent before the loss tells nothing. */
  found(sentAt: number): void {
    if (sentAt < this.#lostAt) return;
    this.#attempts = 0;
    if (!this.lost) return;
    this.lost = false;
    clearTimeout(this.#timer);
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
  }

  async probe(): Promise<void> {
    clearTimeout(this.#timer);
    const sentAt = performance.now();
    try {
      await fetch("/health", { cache: "no-store" });
      this.found(sentAt);
    } catch {
      this.#attempts += 1;
      this.drop();
    }
  }

  /** Call back once when the appliance answers again. Returns how to stop waiting. */
  whenBack(wake: () => void): () => void {
    this.#waiting.add(wake);
    return () => this.#waiting.delete(wake);
  }
}

export const connection = new Connection();
