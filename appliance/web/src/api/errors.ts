import type { Problem } from "./schema";

/** An answer that says no, in the appliance's own words (RFC 9457). */
export class ApiError extends Error {
  constructor(
    readonly problem: Problem,
    readonly retryAfterSeconds: number | null = null,
  ) {
    super(problem.detail);
  }

  get status(): number {
    return this.problem.status;
  }

  get code(): string {
    return codeOf(this.problem);
  }
}

/** The appliance did not answer at all: the network, or the box itself, is away. */
export class Unreachable extends Error {}

export function codeOf(problem: Problem): string {
  return problem.type.split(":").pop() ?? "";
}

export function isAborted(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

export async function readError(response: Response): Promise<ApiError> {
  const retryAfter = Number(response.headers.get("retry-after"));
  return new ApiError(toProblem(await response.text(), response.status), retryAfter > 0 ? retryAfter : null);
}

/** Read a problem from a body; whatever else came (a proxy's page, nothing) becomes one too. */
export function toProblem(body: string, status: number): Problem {
  try {
    const read: unknown = JSON.parse(body);
    if (read !== null && typeof read === "object" && "title" in read && "detail" in read) return read as Problem;
  } catch {
    // not JSON
  }
  return { type: "urn:appliance:unreadable", title: `HTTP ${status}`, status, detail: "", hint: "", request_id: null };
}
