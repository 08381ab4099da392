/** How sure, as a word: what is measured is a number from 0 to 1. */
export type Confidence = "high" | "middle" | "low";

export function confidenceOf(share: number): Confidence {
  if (share >= 0.75) return "high";
  return share >= 0.45 ? "middle" : "low";
}
