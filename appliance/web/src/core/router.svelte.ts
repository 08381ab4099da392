import { parseHash, toHash, type Query, type Route } from "./route";

class Router {
  current = $state.raw<Route>(parseHash(location.hash));
  #shown = location.hash;
  #ask: ((leave: () => void) => void) | null = null;

  constructor() {
    window.addEventListener("hashchange", () => this.#follow());
  }

  /** Go somewhere. `replace` leaves no step in the history: for filters, and for addresses that hold a secret. */
  go(segments: readonly string[], query: Query = {}, options: { replace?: boolean } = {}): void {
    const hash = toHash(segments, query);
    if (hash === location.hash) return;
    if (options.replace) {
      history.replaceState(history.state, "", hash);
      this.#shown = hash;
      this.current = parseHash(hash);
    } else {
      location.hash = hash;
    }
  }

  /** Ask before going elsewhere, as long as something here is not saved. Gives back what ends it. */
  hold(ask: (leave: () => void) => void): () => void {
    this.#ask = ask;
    return () => {
      if (this.#ask === ask) this.#ask = null;
    };
  }

  /** Change some of the query and stay where one is. */
  refine(changes: Query): void {
    this.go(this.current.segments, { ...this.current.query, ...changes }, { replace: true });
  }

  #follow(): void {
    const wanted = location.hash;
    if (this.#ask && wanted !== this.#shown) {
      history.replaceState(history.state, "", this.#shown);
      this.#ask(() => {
        this.#ask = null;
        location.hash = wanted;
      });
      return;
    }
    this.#shown = wanted;
    this.current = parseHash(wanted);
  }
}

export const router = new Router();
export { toHash as link } from "./route";
