import type { Grantee } from "$/api";

/** A person or a group as one word, for lists of choices. */
export function keyOf(grantee: { user?: string | null; group?: string | null }): string {
  return grantee.group ? `group ${grantee.group}` : `user ${grantee.user ?? ""}`;
}

export function granteeOf(key: string): Grantee {
  return isGroup(key) ? { group: key.slice("group ".length) } : { user: key.slice("user ".length) };
}

export function isGroup(key: string): boolean {
  return key.startsWith("group ");
}
