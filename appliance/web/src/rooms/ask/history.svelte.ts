import { ApiError, type Answer, type Problem, type Source } from "$/api";
import { askAndFollow, followRun, type Ending } from "$/api/answers";
import { isAborted } from "$/api/errors";
import { ownKey, session } from "$/core/session.svelte";
import { recallJson, remember } from "$/core/store";
import { describe } from "$/core/toasts.svelte";

export type AskedState = "running" | "done" | "failed" | "stopped";

interface Kept {
  id: string;
  question: string;
  collection: string | null;
  askedAt: string;
  run: string;
  state: AskedState;
  answer: Answer | null;
  problem: Problem | null;
}

const KEPT = 60;

/** A question with what became of it. While it runs its text grows; then its answer stands. */
export class Asked {
  readonly id: string;
  readonly question: string;
  readonly collection: string | null;
  readonly askedAt: string;
  run = $state("");
  state = $state<AskedState>("running");
  text = $state("");
  sources = $state.raw<Source[]>([]);
  answer = $state.raw<Answer | null>(null);
  problem = $state.raw<Problem | null>(null);
  /** It never reached the appliance: asking again loses nothing. */
  unsent = $state(false);
  #waiting = "";
  #frame = 0;
  #abort = new AbortController();

  constructor(kept: Partial<Kept> & { id: string; question: string }) {
    this.id = kept.id;
    this.question = kept.question;
    this.collection = kept.collection ?? null;
    this.askedAt = kept.askedAt ?? new Date().toISOString();
    this.run = kept.run ?? "";
    this.state = kept.state ?? "running";
    this.answer = kept.answer ?? null;
    this.problem = kept.problem ?? null;
    this.sources = kept.answer?.sources ?? [];
  }

  get shownText(): string {
    return this.answer?.answer ?? this.text;
  }

  /** Ask it, or follow its run where it was asked before this page was loaded. */
  async follow(onChange: () => void): Promise<void> {
    this.state = "running";
    this.text = "";
    this.sources = [];
    const listener = {
      started: (run: string) => {
        this.run = run;
        onChange();
      },
      source: (source: Source) => (this.sources = [...this.sources, source]),
      token: (text: string) => this.#say(text),
    };
    try {
      const body = { question: this.question, collection: this.collection };
      const ending = this.run ? await followRun(this.run, listener, this.#abort.signal) : await askAndFollow(body, listener, this.#abort.signal);
      this.#end(ending);
    } catch (error) {
      if (isAborted(error)) return;
      this.#show();
      this.state = "failed";
      this.problem = describe(error);
      this.unsent = !this.run && !(error instanceof ApiError);
    }
    onChange();
  }

  /** Stop listening; the run itself goes on. */
  close(): void {
    this.#abort.abort();
    cancelAnimationFrame(this.#frame);
  }

  toKept(): Kept {
    const { id, question, collection, askedAt, run, state, answer, problem } = this;
    return { id, question, collection, askedAt, run, state, answer, problem };
  }

  #end(ending: Ending): void {
    this.#show();
    this.answer = ending;
    if (ending) this.sources = ending.sources;
    this.state = ending === null || ending.stopped ? "stopped" : "done";
  }

  /** Words come faster than the screen is drawn: they are shown once a frame. */
  #say(text: string): void {
    this.#waiting += text;
    if (this.#frame === 0) this.#frame = requestAnimationFrame(() => this.#show());
  }

  #show(): void {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    this.text += this.#waiting;
    this.#waiting = "";
  }
}

/** What this person has asked in this browser, newest first. */
class AskedQuestions {
  entries = $state.raw<Asked[]>([]);
  #owner: string | null = null;

  /** Take up what is remembered of whoever is signed in; runs that were going on are followed on. */
  open(): void {
    const owner = session.user.id;
    if (this.#owner === owner) return;
    for (const entry of this.entries) entry.close();
    this.#owner = owner;
    this.entries = (recallJson<Kept[]>(ownKey("questions")) ?? []).map((kept) => new Asked(kept));
    for (const entry of this.entries) if (entry.state === "running" && entry.run) void entry.follow(() => this.#keep());
  }

  find(id: string): Asked | undefined {
    return this.entries.find((entry) => entry.id === id);
  }

  ask(question: string, collection: string | null): Asked {
    const entry = new Asked({ id: newId(), question, collection });
    this.entries = [entry, ...this.entries].slice(0, KEPT);
    this.#keep();
    void entry.follow(() => this.#keep());
    return entry;
  }

  forget(entry: Asked): void {
    entry.close();
    this.entries = this.entries.filter((other) => other !== entry);
    this.#keep();
  }

  close(): void {
    for (const entry of this.entries) entry.close();
    this.entries = [];
    this.#owner = null;
  }

  #keep(): void {
    if (this.#owner === session.me?.user.id) remember(ownKey("questions"), this.entries.map((entry) => entry.toKept()));
  }
}

function newId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(6)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export const askedQuestions = new AskedQuestions();
