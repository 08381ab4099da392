import { isAborted, Unreachable } from "$/api/errors";

import { connection } from "./connection.svelte";

export interface Slice<T> {
  items: T[];
  total: number;
}

export type FetchSlice<T> = (window: { offset: number; limit: number }, signal: AbortSignal) => Promise<Slice<T>>;

const SLICE = 100;

/** A long list on the appliance of which only what is looked at is fetched. Rows not there yet are undefined. */
export class PagedRows<T> {
  total = $state<number | null>(null);
  rows = $state.raw<(T | undefined)[]>([]);
  error = $state.raw<unknown>(null);
  loading = $state(true);
  #fetch: FetchSlice<T>;
  #asked = new Set<number>();
  #abort = new AbortController();
  #window: [number, number] = [0, 0];
  #stopWaiting: () => void = () => undefined;
  /** Something changed while the first rows were on their way: they may be without it. */
  #isStale = false;

  constructor(fetch: FetchSlice<T>) {
    this.#fetch = fetch;
  }

  /** Start over: another filter or order. */
  restart(): void {
    this.close();
    this.total = null;
    this.rows = [];
    this.loading = true;
    this.#isStale = false;
    this.#window = [0, 0];
    this.#begin();
  }

  /** Read what is looked at again; the rows on the screen stay until the new ones are there. */
  async refresh(): Promise<void> {
    if (this.loading) {
      this.#isStale = true;
      return;
    }
    this.close();
    this.#begin();
  }

  /** Make sure that some rows are there, or on their way. */
  show(first: number, last: number): void {
    this.#window = [first, last];
    if (this.total === null) return;
    for (let slice = Math.floor(first / SLICE); slice * SLICE <= Math.min(last, this.total - 1); slice += 1) void this.#read(slice);
  }

  /** Put a changed row in the place of the one it was. */
  change(isIt: (row: T) => boolean, make: (row: T) => T): void {
    const at = this.rows.findIndex((row) => row !== undefined && isIt(row));
    const row = this.rows[at];
    if (row !== undefined) this.rows = this.rows.with(at, make(row));
  }

  close(): void {
    this.#abort.abort();
    this.#stopWaiting();
  }

  #begin(): void {
    this.error = null;
    this.#abort = new AbortController();
    this.#asked.clear();
    const [first, last] = this.#window;
    void this.#read(Math.floor(first / SLICE));
    if (last >= SLICE) this.show(first, last);
  }

  async #read(slice: number): Promise<void> {
    if (this.#asked.has(slice)) return;
    this.#asked.add(slice);
    const { signal } = this.#abort;
    try {
      const { items, total } = await this.#fetch({ offset: slice * SLICE, limit: SLICE }, signal);
      if (signal.aborted) return;
      const rows = this.rows.slice(0, total);
      rows.length = total;
      items.forEach((item, index) => (rows[slice * SLICE + index] = item));
      this.rows = rows;
      this.total = total;
      this.error = null;
    } catch (error) {
      if (isAborted(error) || signal.aborted) return;
      this.#asked.delete(slice);
      this.error = error;
      if (error instanceof Unreachable) this.#stopWaiting = connection.whenBack(() => this.#begin());
    }
    this.loading = false;
    if (this.#isStale) {
      this.#isStale = false;
      void this.refresh();
    }
  }
}

/** Paged rows for a component's life; read anew whenever what `key` depends on changes. */
export function pagedRows<T>(key: () => unknown, fetch: FetchSlice<T>): PagedRows<T> {
  const made = new PagedRows(fetch);
  $effect(() => {
    key();
    made.restart();
    return () => made.close();
  });
  return made;
}
