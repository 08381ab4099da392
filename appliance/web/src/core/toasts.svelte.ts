import type { Problem } from "$/api/schema";
import { ApiError, isAborted, Unreachable } from "$/api/errors";
import { t } from "$/i18n/language.svelte";

export interface Toast {
  id: number;
  tone: "plain" | "ok" | "error";
  text: string;
  detail?: string;
  action?: { label: string; act: () => void };
  /** How long it stays; null until it is closed. */
  milliseconds: number | null;
}

const SHOWN_MS = 5000;
export const UNDO_MS = 7000;

interface Pending {
  commit: (leaving: boolean) => Promise<unknown>;
  timer: ReturnType<typeof setTimeout>;
  toast: number;
}

class Toasts {
  items = $state<Toast[]>([]);
  #next = 1;
  #pending = new Set<Pending>();

  constructor() {
    window.addEventListener("pagehide", () => {
      for (const pending of [...this.#pending]) void this.#commit(pending, true);
    });
  }

  say(text: string, options: Partial<Omit<Toast, "id" | "text">> = {}): number {
    const toast: Toast = { id: this.#next++, tone: "plain", milliseconds: SHOWN_MS, text, ...options };
    this.items = [...this.items.slice(-3), toast];
    return toast.id;
  }

  /** Say what went wrong and what to do about it. */
  fail(error: unknown): void {
    if (isAborted(error)) return;
    const problem = describe(error);
    this.say(problem.title, { tone: "error", detail: [problem.detail, problem.hint].filter(Boolean).join(" "), milliseconds: 12_000 });
  }

  close(id: number): void {
    this.items = this.items.filter((toast) => toast.id !== id);
  }

  /** Do something that cannot be taken back, after a while in which it can. Leaving the page does it at once. */
  undoable(text: string, acts: { commit: (leaving: boolean) => Promise<unknown>; undo: () => void }): void {
    const pending: Pending = { commit: acts.commit, timer: setTimeout(() => void this.#commit(pending, false), UNDO_MS), toast: 0 };
    const undo = () => {
      clearTimeout(pending.timer);
      this.#pending.delete(pending);
      this.close(pending.toast);
      acts.undo();
    };
    pending.toast = this.say(text, { action: { label: t().common.undo, act: undo }, milliseconds: UNDO_MS });
    this.#pending.add(pending);
  }

  async #commit(pending: Pending, leaving: boolean): Promise<void> {
    clearTimeout(pending.timer);
    this.#pending.delete(pending);
    this.close(pending.toast);
    try {
      await pending.commit(leaving);
    } catch (error) {
      this.fail(error);
    }
  }
}

/** Any failure, as something that can be shown. */
export function describe(error: unknown): Problem {
  if (error instanceof ApiError) return error.problem;
  const words = error instanceof Unreachable ? t().errors.unreachable : t().errors.unexpected;
  return { type: "urn:appliance:browser", status: 0, request_id: null, ...words };
}

export const toasts = new Toasts();
