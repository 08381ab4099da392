import { models, type ModelTask } from "$/api";
import { isAborted } from "$/api/errors";
import { begin, followRun, runs, uploadModel, type ModelUpload } from "$/api/runs";
import { toasts } from "$/core/toasts.svelte";
import { t } from "$/i18n/language.svelte";

type Kind = ModelTask["kind"];

interface Step {
  status: string;
  completed: number;
  total: number;
}

/** A pull, an import or a speed test that goes on. */
export class Task {
  readonly kind: Kind;
  readonly model: string;
  /** Empty while the file of an import is still on its way. */
  run = $state("");
  step = $state.raw<Step>({ status: "", completed: 0, total: 0 });
  stopping = $state(false);
  upload: ModelUpload | null = null;

  constructor(kind: Kind, model: string, run = "") {
    this.kind = kind;
    this.model = model;
    this.run = run;
  }
}

/** What goes on with models. It belongs to the server: leaving the room, or the page, stops nothing but a file being sent. */
class ModelTasks {
  items = $state.raw<Task[]>([]);
  #listeners = new Set<() => void>();

  /** Hear when one has ended, and models are to be read again. */
  onEnd(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get sending(): boolean {
    return this.items.some((task) => task.upload !== null);
  }

  /** Find those that go on: after a reload, or begun in another window. */
  async find(signal: AbortSignal): Promise<void> {
    const { items } = await models.tasks(signal);
    for (const found of items) {
      if (!this.items.some((task) => task.run === found.run_id)) void this.#follow(this.#add(new Task(found.kind, found.model, found.run_id)));
    }
  }

  async pull(model: string, insecure: boolean): Promise<void> {
    const run = await begin("/api/models/pull", { model, insecure });
    void this.#follow(this.#add(new Task("pull", model, run)));
  }

  async measure(model: string): Promise<void> {
    const run = await begin("/api/models/speed", { model });
    void this.#follow(this.#add(new Task("speed", model, run)));
  }

  /** Send a file; once it is whole the appliance hands it to the engine. */
  async bring(file: File, name: string, digest: string): Promise<void> {
    const task = this.#add(new Task("import", name));
    const show = (sent: number) => (task.step = { status: "sending", completed: sent, total: file.size });
    show(0);
    task.upload = uploadModel(file, { name, digest }, show);
    try {
      task.run = await task.upload.finished;
    } catch (error) {
      this.#end(task);
      if (!isAborted(error)) toasts.fail(error);
      return;
    }
    task.upload = null;
    await this.#follow(task);
  }

  async stop(task: Task): Promise<void> {
    task.stopping = true;
    if (task.upload) {
      task.upload.abort();
      return;
    }
    try {
      await runs.stop(task.run);
    } catch (error) {
      task.stopping = false;
      toasts.fail(error);
    }
  }

  #add(task: Task): Task {
    this.items = [...this.items, task];
    return task;
  }

  #end(task: Task): void {
    this.items = this.items.filter((other) => other !== task);
    for (const tell of this.#listeners) tell();
  }

  async #follow(task: Task): Promise<void> {
    const words = t().models.tasks;
    try {
      await followRun(task.run, (name, data) => this.#take(task, name, data), new AbortController().signal);
    } catch (error) {
      toasts.fail(error);
    }
    if (task.stopping) toasts.say(words.stopped(task.model));
    this.#end(task);
  }

  #take(task: Task, name: string, data: unknown): void {
    if (name === "progress") task.step = data as Step;
    else if (name === "stopped") task.stopping = true;
    else if (name === "done") toasts.say(t().models.tasks.done[task.kind], { tone: "ok", detail: task.model });
  }
}

export const modelTasks = new ModelTasks();
