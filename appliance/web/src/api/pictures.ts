import { documents, type PageMark } from ".";

export interface PagePicture {
  /** An address of this browser's own. */
  address: string;
  /** Where the marked passage begins, as a share of the height; null where nothing is marked. */
  markTop: number | null;
}

const KEPT = 24;
const kept = new Map<string, Promise<PagePicture>>();

/** The picture of a page; the last few are kept, so that going back is instant. */
export function pagePicture(document: string, page: number, mark: PageMark | null): Promise<PagePicture> {
  const key = `${document} ${page} ${mark ? `${mark.chunk} ${mark.start} ${mark.end}` : ""}`;
  const known = kept.get(key);
  if (known) {
    kept.delete(key);
    kept.set(key, known);
    return known;
  }
  const made = documents.page(document, page, mark).then(({ picture, markTop }) => ({ address: URL.createObjectURL(picture), markTop }));
  kept.set(key, made);
  made.catch(() => kept.delete(key));
  for (const [oldest, entry] of kept) {
    if (kept.size <= KEPT) break;
    kept.delete(oldest);
    entry.then(({ address }) => URL.revokeObjectURL(address)).catch(() => undefined);
  }
  return made;
}
