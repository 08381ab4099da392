import { parseHash } from "$/core/route";

let token: string | null = null;

/** Take the single-use token out of the address at once: it must not stay in the history or on the screen. */
export function takeLoginToken(): void {
  const route = parseHash(location.hash);
  if (route.path !== "/login" || !route.query.token) return;
  token = route.query.token;
  history.replaceState(null, "", "#/login");
}

/** A link that is opened where the interface already stands changes the address only: the page starts anew with it. */
export function followLoginLinks(): void {
  addEventListener("hashchange", () => {
    const route = parseHash(location.hash);
    if (route.path === "/login" && route.query.token) location.reload();
  });
}

/** The token, once. */
export function useLoginToken(): string | null {
  const taken = token;
  token = null;
  return taken;
}
