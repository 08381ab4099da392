import type { Locator, Passage, Source } from "$/api";
import { t } from "$/i18n/language.svelte";

type Placed = Pick<Source | Passage, "page" | "locator" | "headings">;

/** Where in its document a passage stands: « page 38 », « slide 4 », « line 12 ». */
export function placeOf(placed: Placed): string {
  if (placed.page !== null) return t().ask.page(placed.page);
  return placed.locator ? locatorWords(placed.locator) : (placed.headings.at(-1) ?? "");
}

/** The same, with the heading it stands under. */
export function placeAndHeading(placed: Placed): string {
  const place = placeOf(placed);
  const heading = placed.headings.at(-1);
  return heading && heading !== place ? `${place} · ${heading}` : place;
}

export function locatorWords(locator: Locator): string {
  return t().ask.locator[locator.kind](locator.value);
}

export function capitalized(text: string): string {
  const [first = "", ...rest] = text;
  return first.toLocaleUpperCase() + rest.join("");
}
