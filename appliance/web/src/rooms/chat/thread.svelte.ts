import { SvelteMap } from "svelte/reactivity";

import {
  conversations,
  followReply,
  sendAndFollow,
  type Accepted,
  type Conversation,
  type ConversationMessage,
  type Errand,
  type MessageChoice,
  type Rating,
  type Reply,
  type ReplyEvent,
} from "$/api/chat";
import { ApiError, isAborted, Unreachable } from "$/api/errors";
import { connection } from "$/core/connection.svelte";
import { describe, toasts } from "$/core/toasts.svelte";

import { answered, withAccepted } from "./branch";
import { FromColleagues, waitsForColleague } from "./colleagues";
import { Judged } from "./judged";
import { Limit } from "./limit.svelte";
import { Writing } from "./writing.svelte";

const PAGE = 100;
const LOOK_MS = 3000;

/** A message on its way, not taken in yet. */
export interface Sending {
  text: string;
  /** The message it is another version of. */
  instead: ConversationMessage | null;
  /** How a second model answers the same, beside. */
  besides?: MessageChoice | null;
  /** It is the second model's answer. */
  aside?: boolean;
}

/** A conversation as it is shown: one branch of it, and what is being written at its end. */
export class Thread {
  readonly key: string;
  readonly limit = new Limit();
  conversation = $state.raw<Conversation | null>(null);
  messages = $state.raw<ConversationMessage[]>([]);
  phase = $state<"new" | "loading" | "ready" | "failed">("loading");
  error = $state.raw<unknown>(null);
  sending = $state.raw<Sending | null>(null);
  /** Why a message was not taken in. */
  refusal = $state.raw<unknown>(null);
  /** Two answers to one question, side by side. */
  pair = $state.raw<[string, string] | null>(null);
  readonly writing = new SvelteMap<string, Writing>();
  readonly #others = new SvelteMap<string, ConversationMessage>();
  /** Second models that wait for the first answer. */
  readonly #besides = new Map<string, MessageChoice>();
  readonly #judged = new Judged();
  readonly #aborts = new Set<AbortController>();
  readonly #onChange: () => void;
  readonly #onColleague: (answer: ConversationMessage) => void;
  readonly #fromColleagues = new FromColleagues();
  /** The conversation as it was when its messages were read last. */
  #known: Conversation | null = null;
  #looks = 0;
  #loading: Promise<void> = Promise.resolve();
  #isLooking = false;
  #isBegunHere = false;
  #isClosed = false;
  #leaf: string | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stopWaiting: () => void = () => undefined;

  /** `onColleague` hears of what a person answers from then on. */
  constructor(key: string, onChange: () => void, onColleague: (answer: ConversationMessage) => void) {
    this.key = key;
    this.#onChange = onChange;
    this.#onColleague = onColleague;
  }

  get mayWrite(): boolean {
    return this.#isBegunHere || this.conversation?.right === "owner";
  }

  get isBusy(): boolean {
    return this.sending !== null || this.writing.size > 0;
  }

  find(id: string): ConversationMessage | undefined {
    return this.messages.find((one) => one.id === id) ?? this.#others.get(id);
  }

  begin(): void {
    this.#isBegunHere = true;
    this.phase = "new";
  }

  /** Read it; `leaf`: the branch through that message. */
  async open(leaf: string | null, pair: [string, string] | null): Promise<void> {
    this.#leaf = pair?.[0] ?? leaf;
    this.pair = pair;
    await this.load();
    if (this.phase === "ready") await this.limit.look(this.key);
    this.#look();
  }

  /** Read it. Of several looks the one that began last counts: an older one would undo what was done here since. */
  load(): Promise<void> {
    return (this.#loading = this.#load(++this.#looks));
  }

  async #load(look: number): Promise<void> {
    this.#stopWaiting();
    this.#isLooking = true;
    const abort = this.#started();
    const kept = this.#judged.kept();
    try {
      const [conversation, messages] = await Promise.all([conversations.get(this.key, abort.signal), this.#read(this.#leaf, abort.signal)]);
      const other = this.pair ? await this.#readOther(this.pair, abort.signal) : null;
      if (abort.signal.aborted) return;
      if (look !== this.#looks) return await this.#loading;
      this.#judged.release(kept);
      if (this.pair && !other) this.pair = null;
      if (other) this.#others.set(other.id, this.#judged.apply(other));
      this.conversation = conversation;
      this.#known = conversation;
      this.messages = messages.map((one) => this.#judged.apply(one));
      this.#tell(this.#fromColleagues.take(conversation, messages));
      this.error = null;
      this.phase = "ready";
      this.#isLooking = false;
      this.#resume();
    } catch (error) {
      if (isAborted(error) || abort.signal.aborted) return;
      if (look !== this.#looks) return await this.#loading;
      if (error instanceof Unreachable) this.#stopWaiting = connection.whenBack(() => void this.load());
      if (this.phase === "loading") this.phase = "failed";
      this.#isLooking = false;
      this.error = error;
    } finally {
      this.#aborts.delete(abort);
    }
  }

  /** Say something. True once it is taken in; false leaves it with whoever typed it. */
  say(text: string, choice: MessageChoice, besides: string | null): Promise<boolean> {
    const errand: Errand = { kind: "say", conversation: this.key, body: { message: text, ...choice } };
    return this.#go(errand, { text, instead: null, besides: besides ? { ...choice, model: besides } : null });
  }

  /** Say it in other words: on a branch of its own. */
  reword(message: ConversationMessage, text: string, choice: MessageChoice): Promise<boolean> {
    const errand: Errand = { kind: "reword", conversation: this.key, message: message.id, body: { message: text, ...choice } };
    return this.#go(errand, { text, instead: message });
  }

  /** Another answer; `aside` keeps the one that is there beside it. */
  again(answer: ConversationMessage, choice: MessageChoice, aside: boolean): Promise<boolean> {
    const errand: Errand = { kind: "again", conversation: this.key, message: answer.id, body: choice };
    return this.#go(errand, { text: "", instead: answer, aside });
  }

  stop(): void {
    for (const writing of this.writing.values()) {
      if (writing.stopping) continue;
      writing.stopping = true;
      conversations.stop(writing.run).catch((error: unknown) => {
        writing.stopping = false;
        toasts.fail(error);
      });
    }
  }

  /** Show another version, with what was said after it. */
  async show(id: string): Promise<void> {
    const before = this.#leaf;
    this.#leaf = id;
    this.pair = null;
    await this.load();
    if (this.error) {
      this.#leaf = before;
      toasts.fail(this.error);
    } else if (this.mayWrite) {
      await this.#head(this.messages.at(-1)?.id ?? id);
    }
  }

  /** Of two answers, go on with this one. */
  async choose(id: string): Promise<void> {
    this.pair = null;
    await this.#head(id);
    await this.load();
    this.#onChange();
  }

  async rate(message: ConversationMessage, rating: Rating | null, reason: string | null): Promise<void> {
    const before = message.feedback;
    const judgement = this.#judged.hold(message.id, rating ? { rating, reason } : null);
    this.#change(message.id, (one) => this.#judged.apply(one));
    try {
      await conversations.rate(this.key, message.id, { rating, reason });
      judgement.isKept = true;
    } catch (error) {
      this.#judged.release([[message.id, judgement]]);
      this.#change(message.id, (one) => ({ ...one, feedback: before }));
      toasts.fail(error);
    }
  }

  /** Stop listening; what is being written is written on. What is on its way is still sent. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#stopWaiting();
    this.limit.close();
    if (this.sending === null) for (const abort of this.#aborts) abort.abort();
  }

  async #go(errand: Errand, sent: Sending): Promise<boolean> {
    this.refusal = null;
    if (!sent.aside) this.sending = sent;
    return new Promise((tell) => void this.#follow(errand, sent, tell));
  }

  async #follow(errand: Errand, sent: Sending, tell: (taken: boolean) => void): Promise<void> {
    const abort = this.#started();
    let writing = null as Writing | null;
    const hear = (event: ReplyEvent) => {
      if (event.name !== "accepted") return writing?.hear(event);
      writing = this.#accept(event.data, sent);
      tell(true);
      if (this.#isClosed) abort.abort();
    };
    try {
      const reply = await sendAndFollow(errand, hear, abort.signal);
      this.#end(writing, reply); // not in one line: who writes is known only once it was heard
    } catch (error) {
      if (isAborted(error) || this.#isClosed) return;
      if (writing) this.#fail(writing, error);
      else this.#refuse(error);
    } finally {
      this.#aborts.delete(abort);
      this.sending = sent === this.sending ? null : this.sending;
      tell(false);
    }
  }

  #accept(accepted: Accepted, sent: Sending): Writing {
    const writing = new Writing(accepted.message_id, accepted.run_id);
    this.writing.set(writing.message, writing);
    this.limit.left(accepted.remaining);
    if (sent.aside && sent.instead) this.#setBeside(accepted, sent.instead);
    else {
      this.messages = withAccepted(this.messages, accepted, sent.text, sent.instead);
      this.pair = null;
      this.#leaf = null;
    }
    if (this.sending === sent) this.sending = null;
    if (this.phase === "new") {
      this.phase = "ready";
      this.#look();
    }
    this.#onChange();
    if (sent.besides) void this.#askBeside(accepted.message_id, sent.besides);
    if (this.conversation === null || this.#isLooking) void this.load();
    return writing;
  }

  /** The same of a second model: at once, or (where the appliance wants the first answer to be whole) after it. */
  async #askBeside(id: string, choice: MessageChoice): Promise<void> {
    const first = this.find(id);
    if (!first || (await this.again(first, choice, true))) return;
    if (!(this.refusal instanceof ApiError) || this.refusal.code !== "still_writing") return;
    this.refusal = null;
    this.#besides.set(id, choice);
  }

  #setBeside(accepted: Accepted, first: ConversationMessage): void {
    const [made] = withAccepted([], accepted, "", first);
    if (!made) return;
    this.#others.set(made.id, { ...made, parent_id: first.parent_id });
    this.pair = [first.id, made.id];
    this.#leaf = first.id;
  }

  #end(writing: Writing | null, reply: Reply | null): void {
    if (writing && reply) {
      this.limit.left(reply.remaining);
      this.#change(writing.message, (one) => answered(one, reply));
    }
    this.#forget(writing);
  }

  #fail(writing: Writing, error: unknown): void {
    writing.show();
    const problem = describe(error);
    this.#change(writing.message, (one) => ({ ...one, status: "failed", error: problem, content: writing.written.text, sources: [...writing.written.sources] }));
    this.#forget(writing);
  }

  #forget(writing: Writing | null): void {
    if (writing) this.writing.delete(writing.message);
    const besides = writing ? this.#besides.get(writing.message) : undefined;
    if (writing && besides) {
      this.#besides.delete(writing.message);
      void this.#askBeside(writing.message, besides);
    }
    this.#onChange();
    if (!this.#isClosed) void this.load();
  }

  #refuse(error: unknown): void {
    if (error instanceof ApiError && error.status === 429) this.limit.wait(error.retryAfterSeconds);
    this.refusal = error;
  }

  /** Follow what is being written for somebody else: before a reload, in another window. */
  #resume(): void {
    for (const message of [...this.messages, ...this.#others.values()]) {
      if (message.status !== "writing" || !message.run_id || this.writing.has(message.id)) continue;
      const writing = new Writing(message.id, message.run_id);
      this.writing.set(message.id, writing);
      const abort = this.#started();
      followReply(writing.run, (event) => writing.hear(event), abort.signal)
        .then((reply) => this.#end(writing, reply))
        .catch((error: unknown) => isAborted(error) || this.#isClosed || this.#fail(writing, error))
        .finally(() => this.#aborts.delete(abort));
    }
  }

  /** Another window may have gone on, or a colleague may have answered: that is looked for even while the tab is hidden. */
  #look(): void {
    clearTimeout(this.#timer);
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => void this.#lookNow(), LOOK_MS);
  }

  async #lookNow(): Promise<void> {
    const isWanted = !document.hidden || waitsForColleague(this.messages);
    if (this.phase === "ready" && !this.isBusy && isWanted && !connection.lost) {
      const known = this.#known;
      const now = await conversations.get(this.key).catch(() => null);
      const isOther = now !== null && (now.updated_at !== known?.updated_at || now.running !== known.running || now.head !== known.head);
      if (isOther && !this.isBusy && !this.#isClosed) {
        if (now.head !== known?.head && !this.pair) this.#leaf = null;
        await this.load();
      }
    }
    this.#look();
  }

  async #head(id: string): Promise<void> {
    try {
      this.conversation = await conversations.change(this.key, { head: id });
      this.#leaf = null;
    } catch (error) {
      toasts.fail(error);
    }
  }

  #change(id: string, make: (message: ConversationMessage) => ConversationMessage): void {
    this.messages = this.messages.map((one) => (one.id === id ? make(one) : one));
    const other = this.#others.get(id);
    if (other) this.#others.set(id, make(other));
  }

  async #read(leaf: string | null, signal: AbortSignal): Promise<ConversationMessage[]> {
    const found: ConversationMessage[] = [];
    for (;;) {
      const page = await conversations.messages(this.key, { leaf, limit: PAGE, offset: found.length }, signal);
      found.push(...page.items);
      if (found.length >= page.total || page.items.length === 0) return found;
    }
  }

  async #readOther([, id]: [string, string], signal: AbortSignal): Promise<ConversationMessage | null> {
    const branch = await this.#read(id, signal).catch(() => []);
    return branch.find((one) => one.id === id) ?? null;
  }

  #tell(answers: readonly ConversationMessage[]): void {
    for (const answer of answers) this.#onColleague(answer);
    if (answers.length > 0) this.#onChange();
  }

  #started(): AbortController {
    const abort = new AbortController();
    this.#aborts.add(abort);
    return abort;
  }
}
