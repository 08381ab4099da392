import { isAborted, Unreachable } from "$/api/errors";
import { uploadFile, type Upload } from "$/api/upload";
import { connection } from "$/core/connection.svelte";

export type UploadState = "waiting" | "sending" | "paused" | "kept" | "failed";

const AT_ONCE = 3;
const JUNK = /^(\.|~\$|Thumbs\.db$|desktop\.ini$)/i;

/** One file on its way into the appliance. */
export class UploadItem {
  readonly id: number;
  readonly file: File;
  readonly collection: string | null;
  state = $state<UploadState>("waiting");
  sent = $state(0);
  error = $state.raw<unknown>(null);
  upload: Upload | null = null;

  constructor(id: number, file: File, collection: string | null) {
    this.id = id;
    this.file = file;
    this.collection = collection;
  }
}

type Kept = (item: UploadItem, isNew: boolean) => void;

/** All files on their way, a few at a time. They go on while one looks at other rooms. */
class Uploads {
  items = $state.raw<UploadItem[]>([]);
  #next = 1;
  #listeners = new Set<Kept>();

  onKept(listener: Kept): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  add(files: readonly File[], collection: string | null): number {
    const wanted = files.filter((file) => !JUNK.test(file.name));
    this.items = [...this.items, ...wanted.map((file) => new UploadItem(this.#next++, file, collection))];
    this.#pump();
    return wanted.length;
  }

  retry(item: UploadItem): void {
    item.state = "waiting";
    item.error = null;
    this.#pump();
  }

  retryAll(): void {
    for (const item of this.items) if (item.state === "failed") this.retry(item);
  }

  /** Take one off the list; what is being sent is stopped. */
  drop(item: UploadItem): void {
    item.upload?.abort();
    this.items = this.items.filter((other) => other !== item);
    this.#pump();
  }

  dropAll(): void {
    for (const item of this.items) item.upload?.abort();
    this.items = [];
  }

  #pump(): void {
    const free = AT_ONCE - this.items.filter((item) => item.state === "sending").length;
    for (const item of this.items.filter((one) => one.state === "waiting").slice(0, free)) void this.#send(item);
  }

  async #send(item: UploadItem): Promise<void> {
    item.state = "sending";
    item.sent = 0;
    item.upload = uploadFile(item.file, item.collection, (sent, total) => (item.sent = total > 0 ? sent / total : 1));
    try {
      const { isNew } = await item.upload.finished;
      item.state = "kept";
      this.items = this.items.filter((other) => other !== item);
      for (const tell of this.#listeners) tell(item, isNew);
    } catch (error) {
      this.#fail(item, error);
    }
    item.upload = null;
    this.#pump();
  }

  #fail(item: UploadItem, error: unknown): void {
    if (isAborted(error)) return;
    if (error instanceof Unreachable) {
      item.state = "paused";
      connection.whenBack(() => item.state === "paused" && this.retry(item));
      return;
    }
    item.state = "failed";
    item.error = error;
  }
}

export const uploads = new Uploads();

/** All files in what was dropped, those inside folders too. */
export async function droppedFiles(transfer: DataTransfer): Promise<File[]> {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  if (entries.length === 0) return [...transfer.files];
  const found = await Promise.all(entries.map((entry) => filesOf(entry)));
  return found.flat();
}

async function filesOf(entry: FileSystemEntry): Promise<File[]> {
  if (entry.isFile) return [await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject))];
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: File[] = [];
  for (;;) {
    // A reader gives a hundred entries at a time, then none.
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return found;
    for (const inner of some) found.push(...(await filesOf(inner)));
  }
}
