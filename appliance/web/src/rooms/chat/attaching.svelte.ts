import { conversations, type Conversation } from "$/api/chat";
import { isAborted } from "$/api/errors";
import { uploadFile, type Upload } from "$/api/upload";

/** A file on its way into a conversation. */
export class Attaching {
  readonly file: File;
  sent = $state(0);
  error = $state.raw<unknown>(null);
  upload: Upload | null = null;

  constructor(file: File) {
    this.file = file;
  }
}

/** Files on their way: each becomes a document of one's own first, then one of the conversation. */
export class Attachings {
  items = $state.raw<Attaching[]>([]);
  readonly #begin: () => Promise<string>;
  readonly #onKept: (conversation: Conversation) => void;

  /** `begin` names the conversation, which may have to be made first. */
  constructor(begin: () => Promise<string>, onKept: (conversation: Conversation) => void) {
    this.#begin = begin;
    this.#onKept = onKept;
  }

  get isWorking(): boolean {
    return this.items.some((item) => !item.error);
  }

  add(files: readonly File[]): void {
    for (const file of files) void this.#send(new Attaching(file));
  }

  retry(item: Attaching): void {
    this.#take(item);
    void this.#send(new Attaching(item.file));
  }

  drop(item: Attaching): void {
    item.upload?.abort();
    this.#take(item);
  }

  #take(item: Attaching): void {
    this.items = this.items.filter((other) => other !== item);
  }

  async #send(item: Attaching): Promise<void> {
    this.items = [...this.items, item];
    try {
      item.upload = uploadFile(item.file, null, (sent, total) => (item.sent = total > 0 ? sent / total : 1));
      const { uploaded } = await item.upload.finished;
      const key = await this.#begin();
      this.#onKept(await conversations.attach(key, uploaded.file_id));
      this.#take(item);
    } catch (error) {
      if (!isAborted(error)) item.error = error;
    }
  }
}
