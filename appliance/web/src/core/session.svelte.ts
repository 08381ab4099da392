import { access, ApiError, type Language, type Me, type Theme, type User } from "$/api";
import { useCsrfToken, whenSignedOut } from "$/api/client";
import { words } from "$/i18n/language.svelte";

import { appearance } from "./appearance.svelte";
import { knownLimits } from "./limits.svelte";
import { forget, perTab } from "./store";

type State = "unknown" | "in" | "out" | "unreachable";

/** Who sits here. */
class Session {
  state = $state<State>("unknown");
  me = $state.raw<Me | null>(null);
  /** It ended under somebody's hands. */
  ended = $state(false);
  /** Whose session ended in this page: somebody else must not meet what it remembers. */
  #last: string | null = null;

  constructor() {
    whenSignedOut(() => this.#leave());
  }

  get user(): User {
    if (this.me === null) throw new Error("nobody is signed in");
    return this.me.user;
  }

  get isAdmin(): boolean {
    return this.me?.user.role === "admin";
  }

  /** Ask who this browser is. */
  async open(): Promise<void> {
    try {
      await this.#enter(await access.me());
    } catch (error) {
      this.state = error instanceof ApiError && error.status === 401 ? "out" : "unreachable";
    }
  }

  async logIn(credentials: { token: string } | { username: string; password: string }): Promise<void> {
    const { csrf_token } = await access.logIn(credentials);
    useCsrfToken(csrf_token);
    await this.#enter(await access.me());
  }

  /** End the session. The page starts anew, so that nothing of this person stays in its memory. */
  async logOut(): Promise<void> {
    await access.logOut();
    if (this.me) forget(`of.${this.me.user.id}.`);
    forget("", perTab());
    location.hash = "#/login";
    location.reload();
  }

  async change(changes: { language?: Language; theme?: Theme; display_name?: string }): Promise<void> {
    if (changes.theme) appearance.use(changes.theme);
    if (changes.language) await words.use(changes.language);
    this.adopt(await access.changeMe(changes));
  }

  /** Take over a changed record of oneself. */
  adopt(user: User): void {
    if (this.me) this.me = { ...this.me, user };
  }

  async #enter(me: Me): Promise<void> {
    if (this.#last !== null && this.#last !== me.user.id) location.reload();
    this.#last = me.user.id;
    useCsrfToken(me.csrf_token);
    knownLimits.upload = me.limits.upload_bytes;
    knownLimits.question = me.limits.question_characters;
    appearance.use(me.user.theme);
    if (words.language !== me.user.language) await words.use(me.user.language);
    this.me = me;
    this.state = "in";
  }

  #leave(): void {
    useCsrfToken(null);
    this.ended = this.state === "in";
    this.me = null;
    this.state = "out";
  }
}

export const session = new Session();

/** The name under which something of this person is remembered in this browser. */
export function ownKey(name: string): string {
  return `of.${session.me?.user.id ?? "nobody"}.${name}`;
}
