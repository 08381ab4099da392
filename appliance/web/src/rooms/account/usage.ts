/** How far a limit is used: nothing to say, near it, reached. */
export function stateOf(used: number, limit: number): "free" | "near" | "reached" {
  if (limit <= 0 || used < limit * 0.8) return "free";
  return used >= limit ? "reached" : "near";
}

/** The moment the present count began, midnight UTC. */
export function startOfCount(now: Date): Date {
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate()));
}
