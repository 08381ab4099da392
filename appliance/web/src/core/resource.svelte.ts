import { isAborted, Unreachable } from "$/api/errors";

import { connection } from "./connection.svelte";

/** Something read from the appliance: what came, or why not. What was there stays while it is read again. */
export class Resource<T> {
  data = $state.raw<T | null>(null);
  error = $state.raw<unknown>(null);
  loading = $state(true);
  /** It is being read, whether that is shown or not. */
  reading = $state(false);
  #load: (signal: AbortSignal) => Promise<T>;
  #abort: AbortController | null = null;
  #stopWaiting: () => void = () => undefined;

  constructor(load: (signal: AbortSignal) => Promise<T>) {
    this.#load = load;
  }

  /** Read it (again). `quiet` shows no sign of it: for refreshes nobody asked for. */
  async reload(options: { quiet?: boolean } = {}): Promise<void> {
    this.#abort?.abort();
    this.#stopWaiting();
    const abort = new AbortController();
    this.#abort = abort;
    this.reading = true;
    if (!options.quiet) this.loading = true;
    try {
      const data = await this.#load(abort.signal);
      if (abort.signal.aborted) return;
      this.data = data;
      this.error = null;
    } catch (error) {
      if (isAborted(error) || abort.signal.aborted) return;
      this.error = error;
      if (error instanceof Unreachable) this.#stopWaiting = connection.whenBack(() => void this.reload());
    }
    this.loading = this.reading = false;
  }

  close(): void {
    this.#abort?.abort();
    this.#stopWaiting();
  }
}

/** A resource for a component's life; read again whenever what `load` depends on changes. */
export function resource<T>(load: (signal: AbortSignal) => Promise<T>): Resource<T> {
  const made = new Resource(load);
  $effect(() => {
    void made.reload();
    return () => made.close();
  });
  return made;
}
